//! What comes from and goes to a client.

use http::{HeaderMap, Response};

use super::{Close, CloseCode, Frame, SharedFrame};
use crate::Body;

/// What an application receives of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "applications match on it, and ASGI has no fourth event"
)]
pub enum Inbound {
    /// The handshake waits for an answer; always the first event. ASGI's `websocket.connect`.
    Connect,
    /// A message. ASGI's `websocket.receive`.
    Message(Frame),
    /// The socket is closed, by either side; always the last event. ASGI's `websocket.disconnect`.
    Disconnect(Close),
}

/// What an application sends to a WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outbound {
    /// Completes the handshake. ASGI's `websocket.accept`.
    Accept(Box<Accept>),
    /// Sends a message. ASGI's `websocket.send`.
    Message(Frame),
    /// Sends a message that goes to others as well, in its ready form.
    Shared(SharedFrame),
    /// Before the handshake is complete: refuses it with status 403. Afterwards: sends a close frame. ASGI's
    /// `websocket.close`.
    Close(Close),
    /// Refuses the handshake with a response. ASGI's `websocket.http.response.start` and `.body`; look for
    /// [`Feature::DenialResponse`](crate::request::Feature::DenialResponse) first.
    Respond(Box<Response<Body>>),
}

/// How a handshake is completed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Accept {
    /// One of the subprotocols that the client offered, or none.
    pub subprotocol: Option<String>,
    /// Response headers, such as cookies; `Sec-WebSocket-Protocol` is not allowed among them.
    pub headers: HeaderMap,
}

impl Accept {
    /// Sets [`subprotocol`](Self::subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocol = Some(subprotocol.into());
        self
    }

    /// Sets [`headers`](Self::headers).
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }
}

impl Outbound {
    /// Completes the handshake without a subprotocol or headers of its own.
    pub fn accept() -> Self {
        Self::Accept(Box::default())
    }

    /// Closes with code 1000.
    pub fn close() -> Self {
        Self::Close(CloseCode::NORMAL.into())
    }
}

impl From<Frame> for Outbound {
    fn from(frame: Frame) -> Self {
        Self::Message(frame)
    }
}

impl From<SharedFrame> for Outbound {
    fn from(frame: SharedFrame) -> Self {
        Self::Shared(frame)
    }
}

impl From<Accept> for Outbound {
    fn from(accept: Accept) -> Self {
        Self::Accept(Box::new(accept))
    }
}

impl From<Close> for Outbound {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}
