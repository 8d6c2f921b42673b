//! The WebSocket protocol: ASGI's `websocket`, with denial responses.

mod close;
mod event;
mod frame;
mod order;
mod scope;
mod shared_frame;
mod sink;

use http::{HeaderMap, Response, StatusCode};
pub use tungstenite::Utf8Bytes;

pub use self::{
    close::{Close, CloseCode, IllegalCloseCode},
    event::{Accept, Receive, Send},
    frame::Frame,
    order::WebSocketOrder,
    scope::WebSocketScope,
    shared_frame::{SharedFrame, WireVariant},
    sink::{FrameSink, FrameSinkHandle, SinkRefusal},
};
use crate::{Body, HttpProtocol, Protocol, RequestScope, request::Feature};

/// The WebSocket protocol, over any version of HTTP.
///
/// An application first receives [`Receive::Connect`] and answers it: [`Send::Accept`] completes the handshake,
/// [`Send::Close`] refuses it with status 403, [`Send::Respond`] refuses it with a response of the application's own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WebSocket;

impl Protocol for WebSocket {
    const NAME: &'static str = "websocket";
    type Scope = WebSocketScope;
    type Inbound = Receive;
    type Outbound = Send;
    type Direct = FrameSinkHandle;
}

impl HttpProtocol for WebSocket {
    fn response_headers(event: &mut Send) -> Option<&mut HeaderMap> {
        match event {
            Send::Accept(accept) => Some(&mut accept.headers),
            Send::Respond(response) => Some(response.headers_mut()),
            _ => None,
        }
    }

    fn response_status(event: &Send) -> Option<StatusCode> {
        match event {
            Send::Accept(_) => Some(StatusCode::SWITCHING_PROTOCOLS),
            Send::Respond(response) => Some(response.status()),
            _ => None,
        }
    }

    fn respond(response: Response<Body>) -> Send {
        Send::Respond(Box::new(response))
    }

    fn refuse(scope: &WebSocketScope, response: Response<Body>) -> Send {
        if scope.link().offers(Feature::DenialResponse) {
            Self::respond(response)
        } else {
            Send::close()
        }
    }

    fn end(close: Close) -> Vec<Send> {
        vec![close.into()]
    }

    fn notice(frame: Frame) -> Option<Send> {
        Some(frame.into())
    }

    fn message(event: &Receive) -> Option<&Frame> {
        match event {
            Receive::Message(frame) => Some(frame),
            _ => None,
        }
    }
}
