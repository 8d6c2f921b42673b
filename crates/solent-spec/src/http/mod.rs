//! The HTTP protocol: ASGI's `http`, one request and its response.

mod event;
mod exchange;
mod order;
mod scope;

use http::{HeaderMap, Response, StatusCode};

pub use self::{
    event::{Receive, ResponseStart, Send},
    exchange::{Exchange, ExchangeBody, ExchangeFuture, FilePart, Host},
    order::HttpOrder,
    scope::HttpScope,
};
use crate::{Body, HttpProtocol, Protocol, websocket::Close};

/// The HTTP protocol, any version. One connection is one request and its response.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Http;

impl Protocol for Http {
    const NAME: &'static str = "http";
    type Scope = HttpScope;
    type Inbound = Receive;
    type Outbound = Send;
    /// The request body as a stream, in place of [`Receive::Body`] events.
    type Direct = Body;
}

impl HttpProtocol for Http {
    fn response_headers(event: &mut Send) -> Option<&mut HeaderMap> {
        match event {
            Send::Start(start) => Some(&mut start.headers),
            Send::Response(response) => Some(response.headers_mut()),
            _ => None,
        }
    }

    fn response_status(event: &Send) -> Option<StatusCode> {
        match event {
            Send::Start(start) => Some(start.status),
            Send::Response(response) => Some(response.status()),
            _ => None,
        }
    }

    fn respond(response: Response<Body>) -> Send {
        Send::Response(Box::new(response))
    }

    fn end(_: Close) -> Vec<Send> {
        let trailers = Send::Trailers {
            headers: HeaderMap::new(),
            more: false,
        };
        vec![Send::end(""), trailers]
    }

    fn response_body(event: &mut Send) -> Option<&mut Body> {
        match event {
            Send::Response(response) => Some(response.body_mut()),
            _ => None,
        }
    }
}
