//! What a protocol is: a scope and two kinds of event.

use http::{HeaderMap, Response, StatusCode};

use crate::{
    Body, Connection, RequestScope, WebSocket,
    websocket::{Close, Frame},
};

/// A scope type and its two event types.
///
/// ASGI tells protocols apart by a string and checks events when they are sent. Here each protocol is a type, so an
/// event of another protocol does not compile. A protocol of your own needs no change in this crate:
///
/// ```
/// use std::convert::Infallible;
///
/// use solent_spec::Protocol;
///
/// /// Lines of text from a serial port.
/// struct Serial;
///
/// impl Protocol for Serial {
///     const NAME: &'static str = "serial";
///     type Scope = std::path::PathBuf;
///     type Inbound = String;
///     type Outbound = String;
///     type Direct = Infallible;
/// }
/// ```
pub trait Protocol: Sized + 'static {
    /// The protocol's name, ASGI's scope `type`: `"http"`, `"websocket"`, `"lifespan"`, `"channel"` or your own.
    const NAME: &'static str;

    /// What is known of a connection before its first event.
    type Scope: Send;

    /// What the application receives.
    type Inbound: Send;

    /// What the application sends.
    type Outbound: Send;

    /// A way round the events for the hottest paths; see [`Transport::direct`](crate::Transport::direct).
    /// [`Infallible`](std::convert::Infallible) for a protocol that has none.
    type Direct: Send;
}

/// A protocol that begins with an HTTP request: [`Http`](crate::Http) and [`WebSocket`](crate::WebSocket).
///
/// Middleware written against this trait (cookies, sessions, origins, logs) works for both. The trait is sealed: these two are
/// all there are.
pub trait HttpProtocol: Protocol<Scope: RequestScope> + sealed::Sealed {
    /// Whether this is [`WebSocket`](crate::WebSocket), for middleware that does something on one of the two only.
    const IS_WEBSOCKET: bool;

    /// The connection as one of a WebSocket, as it was if it is none; for middleware with more to do there.
    ///
    /// # Errors
    ///
    /// The connection, over HTTP.
    fn into_websocket(
        connection: Connection<Self>,
    ) -> Result<Connection<WebSocket>, Connection<Self>>;

    /// The way back; `None` over HTTP.
    fn from_websocket(socket: Connection<WebSocket>) -> Option<Connection<Self>>;

    /// The headers that answer the request, where `event` is the one that carries them.
    fn response_headers(event: &mut Self::Outbound) -> Option<&mut HeaderMap>;

    /// The status that answers the request, where `event` is the one that carries it: 101 for an accepted WebSocket.
    /// There is one wherever there are [headers](Self::response_headers).
    fn response_status(event: &Self::Outbound) -> Option<StatusCode>;

    /// The event that answers the request with `response` and ends the connection.
    ///
    /// On a WebSocket this is ASGI's denial response: the handshake is refused with a response of the application's
    /// choice.
    fn respond(response: Response<Body>) -> Self::Outbound;

    /// The event that refuses a request: [`respond`](Self::respond) where the server offers it, else whatever comes
    /// closest.
    fn refuse(scope: &Self::Scope, response: Response<Body>) -> Self::Outbound {
        let _ = scope;
        Self::respond(response)
    }

    /// The events that end a connection which has been answered, without its application: a close frame, or the end of a
    /// response that is being streamed.
    ///
    /// They are to be sent in order. One that does not apply is refused by the transport, which changes nothing.
    fn end(close: Close) -> Vec<Self::Outbound>;

    /// The event that tells the client something in between, where the protocol has messages.
    fn notice(frame: Frame) -> Option<Self::Outbound> {
        let _ = frame;
        None
    }

    /// The body that `event` streams to the client on its own, so that its sender does not see how it ends; a body that
    /// is at hand as a whole counts as well.
    fn response_body(event: &mut Self::Outbound) -> Option<&mut Body> {
        let _ = event;
        None
    }

    /// The client's message, where `event` is one and the protocol has messages.
    fn message(event: &Self::Inbound) -> Option<&Frame> {
        let _ = event;
        None
    }
}

mod sealed {
    /// Only this crate's protocols are [`HttpProtocol`](super::HttpProtocol)s.
    pub trait Sealed {}

    impl Sealed for crate::Http {}
    impl Sealed for crate::WebSocket {}
}
