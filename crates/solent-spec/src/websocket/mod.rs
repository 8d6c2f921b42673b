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
    event::{Accept, Inbound, Outbound},
    frame::Frame,
    order::WebSocketOrder,
    scope::WebSocketScope,
    shared_frame::{SharedFrame, WireVariant},
    sink::{FrameSink, FrameSinkHandle, SinkRefusal},
};
use crate::{Body, Connection, HttpProtocol, Protocol, RequestScope, request::Feature};

/// The WebSocket protocol, over any version of HTTP.
///
/// An application first receives [`Inbound::Connect`] and answers it: [`Outbound::Accept`] completes the handshake,
/// [`Outbound::Close`] refuses it with status 403, [`Outbound::Respond`] refuses it with a response of the application's own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WebSocket;

impl Protocol for WebSocket {
    const NAME: &'static str = "websocket";
    type Scope = WebSocketScope;
    type Inbound = Inbound;
    type Outbound = Outbound;
    type Direct = FrameSinkHandle;
}

impl HttpProtocol for WebSocket {
    const IS_WEBSOCKET: bool = true;

    fn into_websocket(
        connection: Connection<Self>,
    ) -> Result<Connection<WebSocket>, Connection<Self>> {
        Ok(connection)
    }

    fn from_websocket(socket: Connection<WebSocket>) -> Option<Connection<Self>> {
        Some(socket)
    }

    fn response_headers(event: &mut Outbound) -> Option<&mut HeaderMap> {
        match event {
            Outbound::Accept(accept) => Some(&mut accept.headers),
            Outbound::Respond(response) => Some(response.headers_mut()),
            _ => None,
        }
    }

    fn response_status(event: &Outbound) -> Option<StatusCode> {
        match event {
            Outbound::Accept(_) => Some(StatusCode::SWITCHING_PROTOCOLS),
            Outbound::Respond(response) => Some(response.status()),
            _ => None,
        }
    }

    fn respond(response: Response<Body>) -> Outbound {
        Outbound::Respond(Box::new(response))
    }

    fn refuse(scope: &WebSocketScope, response: Response<Body>) -> Outbound {
        if scope.link().offers(Feature::DenialResponse) {
            Self::respond(response)
        } else {
            Outbound::close()
        }
    }

    fn end(close: Close) -> Vec<Outbound> {
        vec![close.into()]
    }

    fn notice(frame: Frame) -> Option<Outbound> {
        Some(frame.into())
    }

    fn message(event: &Inbound) -> Option<&Frame> {
        match event {
            Inbound::Message(frame) => Some(frame),
            _ => None,
        }
    }
}
