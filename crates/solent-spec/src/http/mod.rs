//! The HTTP protocol: ASGI's `http`, one request and its response.

mod event;
mod exchange;
mod order;
mod plain;
mod scope;

use http::{HeaderMap, Response, StatusCode};

pub use self::{
    event::{Inbound, Outbound, ResponseStart},
    exchange::{Exchange, ExchangeBody, ExchangeFuture, FilePart, Host},
    order::HttpOrder,
    plain::plain_text,
    scope::HttpScope,
};
use crate::{Body, Connection, HttpProtocol, Protocol, WebSocket, websocket::Close};

/// The HTTP protocol, any version. One connection is one request and its response.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Http;

impl Protocol for Http {
    const NAME: &'static str = "http";
    type Scope = HttpScope;
    type Inbound = Inbound;
    type Outbound = Outbound;
    /// The request body as a stream, in place of [`Inbound::Body`] events.
    type Direct = Body;
}

impl HttpProtocol for Http {
    const IS_WEBSOCKET: bool = false;

    fn into_websocket(
        connection: Connection<Self>,
    ) -> Result<Connection<WebSocket>, Connection<Self>> {
        Err(connection)
    }

    fn from_websocket(_: Connection<WebSocket>) -> Option<Connection<Self>> {
        None
    }

    fn response_headers(event: &mut Outbound) -> Option<&mut HeaderMap> {
        match event {
            Outbound::Start(start) => Some(&mut start.headers),
            Outbound::Response(response) => Some(response.headers_mut()),
            _ => None,
        }
    }

    fn response_status(event: &Outbound) -> Option<StatusCode> {
        match event {
            Outbound::Start(start) => Some(start.status),
            Outbound::Response(response) => Some(response.status()),
            _ => None,
        }
    }

    fn respond(response: Response<Body>) -> Outbound {
        Outbound::Response(Box::new(response))
    }

    fn end(_: Close) -> Vec<Outbound> {
        let trailers = Outbound::Trailers {
            headers: HeaderMap::new(),
            more: false,
        };
        vec![Outbound::end(""), trailers]
    }

    fn response_body(event: &mut Outbound) -> Option<&mut Body> {
        match event {
            Outbound::Response(response) => Some(response.body_mut()),
            _ => None,
        }
    }
}
