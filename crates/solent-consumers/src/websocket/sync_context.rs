//! What a blocking WebSocket consumer acts through.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use http::Response;
use serde::Serialize;
use solent_spec::{
    Body, Closed, Result,
    websocket::{Accept, Close, Frame, WebSocketScope},
};

use super::WebSocketContext;
use crate::{NoEvents, SyncConsumerContext, blocking::Remote};

/// What a blocking WebSocket consumer acts through: the methods of [`WebSocketContext`], which here wait instead of being
/// awaited, and those of [`SyncConsumerContext`].
///
/// Each call is carried out by the connection's own task. Once the server has given that up, calls fail with an error
/// that [`is_disconnect`](solent_spec::is_disconnect) knows.
pub struct SyncWebSocketContext<E = NoEvents> {
    scope: Arc<WebSocketScope>,
    remote: Remote<WebSocketContext<E>>,
    shared: SyncConsumerContext<E>,
}

impl<E: Send + Sync + 'static> SyncWebSocketContext<E> {
    pub(super) fn new(
        scope: Arc<WebSocketScope>,
        remote: Remote<WebSocketContext<E>>,
        closed: Closed,
    ) -> Self {
        Self {
            scope,
            shared: SyncConsumerContext::new(&remote, closed),
            remote,
        }
    }

    /// What is known of the connection.
    pub fn scope(&self) -> &WebSocketScope {
        &self.scope
    }

    /// Accepts the connection.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::accept`].
    pub fn accept(&mut self) -> Result {
        self.accept_with(Accept::default())
    }

    /// Accepts the connection with a subprotocol or headers.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::accept_with`].
    pub fn accept_with(&mut self, accept: Accept) -> Result {
        self.remote.call(move |cx| Box::pin(cx.accept_with(accept)))
    }

    /// Refuses the connection with status 403.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::reject`].
    pub fn reject(&mut self) -> Result {
        self.remote.call(|cx| Box::pin(cx.reject()))
    }

    /// Refuses the connection with a response of your own.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::respond`].
    pub fn respond(&mut self, response: Response<Body>) -> Result {
        self.remote.call(move |cx| Box::pin(cx.respond(response)))
    }

    /// Sends a message to the client.
    ///
    /// A client that is slow to read does not keep the handler's thread for the first 256 KiB: the connection's next handler
    /// begins once they are on their way. Beyond that, this waits for the client.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::send`].
    pub fn send(&mut self, frame: impl Into<Frame>) -> Result {
        let frame = frame.into();
        self.remote.call(move |cx| Box::pin(cx.send_ahead(frame)))
    }

    /// Sends a value as a text message of JSON.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::send_json`].
    pub fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.send(Frame::from_json(value)?)
    }

    /// Closes the connection.
    ///
    /// # Errors
    ///
    /// As [`WebSocketContext::close`].
    pub fn close(&mut self, close: impl Into<Close>) -> Result {
        let close = close.into();
        self.remote.call(move |cx| Box::pin(cx.close(close)))
    }
}

impl<E> Deref for SyncWebSocketContext<E> {
    type Target = SyncConsumerContext<E>;

    fn deref(&self) -> &SyncConsumerContext<E> {
        &self.shared
    }
}

impl<E> DerefMut for SyncWebSocketContext<E> {
    fn deref_mut(&mut self) -> &mut SyncConsumerContext<E> {
        &mut self.shared
    }
}

impl<E> fmt::Debug for SyncWebSocketContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncWebSocketContext")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
