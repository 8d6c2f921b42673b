//! What an application holds of a connection.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use http::Response;

use crate::{Body, Closed, HttpProtocol, Protocol, SendError, request::UrlRoute};

/// The two ends of a connection's event stream: what a server, a test kit or a middleware implements.
///
/// All methods take `&mut self` and are polled from one task at a time. A transport enforces the ordering rules of its
/// protocol in [`start_send`](Self::start_send); the rules themselves are state machines of this crate
/// ([`HttpOrder`](crate::http::HttpOrder), [`WebSocketOrder`](crate::websocket::WebSocketOrder)).
pub trait Transport<P: Protocol>: Send {
    /// Waits for the next event. `None` means that there will never be another one.
    ///
    /// Also makes progress on whatever was sent but is not yet written.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>>;

    /// Takes an event to send. Does not wait; call [`poll_flush`](Self::poll_flush) until it is ready before the next
    /// one, or the event queues up here.
    ///
    /// # Errors
    ///
    /// An event that the protocol does not allow here, or a connection that is gone.
    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError>;

    /// Waits until the events taken so far have been handed over: written, or placed in a buffer of bounded size that
    /// is written without further polls.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;

    /// A way round the events, where this transport has one: the request body of an HTTP exchange as a stream, or a
    /// handle that writes ready frames to a WebSocket from any task.
    ///
    /// `None` is always a right answer, and a middleware that must see every event gives it; the callers then use
    /// events.
    fn direct(&mut self) -> Option<P::Direct> {
        None
    }

    /// What resolves when the client is gone; see [`Connection::closed`]. A transport that wraps another one passes its
    /// answer on.
    fn closed(&self) -> Closed {
        Closed::never()
    }

    /// How many frames the client has sent since this was last asked that the application does not see: pings and
    /// pongs beyond what keeps a connection alive, and fragments of less than 1 KiB. For middleware that limits how many
    /// messages a client may send. A transport that wraps another one passes its answer on.
    fn take_overhead(&mut self) -> usize {
        0
    }

    /// Tells a server which route the connection has taken, for its log. Routers call it; a
    /// transport that wraps another one passes it on.
    fn routed(&mut self, route: &UrlRoute) {
        let _ = route;
    }
}

/// One connection, as an application sees it: its scope, and the events that come and go.
#[must_use]
pub struct Connection<P: Protocol> {
    scope: P::Scope,
    transport: Box<dyn Transport<P>>,
}

impl<P: Protocol> Connection<P> {
    /// Joins a scope and a transport.
    pub fn new(scope: P::Scope, transport: impl Transport<P> + 'static) -> Self {
        Self::from_parts(scope, Box::new(transport))
    }

    /// Joins a scope and a transport that is boxed already.
    pub fn from_parts(scope: P::Scope, transport: Box<dyn Transport<P>>) -> Self {
        Self { scope, transport }
    }

    /// Takes the connection apart, to wrap its transport or to keep the two in different places.
    pub fn into_parts(self) -> (P::Scope, Box<dyn Transport<P>>) {
        (self.scope, self.transport)
    }

    /// What is known of the connection.
    pub fn scope(&self) -> &P::Scope {
        &self.scope
    }

    /// What is known of the connection, to be added to before an inner application is called.
    pub fn scope_mut(&mut self) -> &mut P::Scope {
        &mut self.scope
    }

    /// Wraps the transport, as a middleware does that looks at events.
    pub fn map_transport<T>(self, wrap: impl FnOnce(Box<dyn Transport<P>>) -> T) -> Self
    where
        T: Transport<P> + 'static,
    {
        Self {
            transport: Box::new(wrap(self.transport)),
            scope: self.scope,
        }
    }

    /// Receives the next event; `None` once there will never be another one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has taken no event.
    pub async fn receive(&mut self) -> Option<P::Inbound> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Polls for the next event; see [`receive`](Self::receive).
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        self.transport.poll_receive(cx)
    }

    /// Sends an event and waits until it has been handed over.
    ///
    /// # Errors
    ///
    /// An event that is not allowed now, or a connection that is gone.
    ///
    /// # Cancel safety
    ///
    /// The event is taken at the first poll; dropping the future after that does not take it back.
    pub async fn send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        let mut event = Some(event);
        poll_fn(|cx| {
            if let Some(event) = event.take() {
                self.feed(event)?;
            }
            self.poll_flush(cx)
        })
        .await
    }

    /// Takes an event without waiting, so that several can be flushed at once.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn feed(&mut self, event: P::Outbound) -> Result<(), SendError> {
        self.transport.start_send(event)
    }

    /// Waits until everything sent so far has been handed over.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was fed stays to be written.
    pub async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Polls the flush; see [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(ready!(self.transport.poll_flush(cx)))
    }

    /// Resolves once nothing that is sent reaches the client any more: the client has closed or is gone, or the server
    /// is ending the connection. Messages that came before that are still received, and then the connection's end.
    ///
    /// An application's own close counts only when the client has answered it. Over HTTP it resolves as well when the
    /// client has the whole response.
    pub fn closed(&self) -> Closed {
        self.transport.closed()
    }

    /// Tells the server which route the connection has taken; see [`Transport::routed`].
    pub fn routed(&mut self, route: &UrlRoute) {
        self.transport.routed(route);
    }

    /// The transport's way round the events, if it has one; see [`Transport::direct`].
    pub fn direct(&mut self) -> Option<P::Direct> {
        self.transport.direct()
    }
}

impl<P: HttpProtocol> Connection<P> {
    /// Answers the request with `response` in an application's place. On a WebSocket it is a denial response, or, where the
    /// server does not offer that, what comes closest.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn refuse(mut self, response: Response<Body>) -> crate::Result {
        let refusal = P::refuse(&self.scope, response);
        Ok(self.send(refusal).await?)
    }
}

impl<P: Protocol<Scope: fmt::Debug>> fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("protocol", &P::NAME)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
