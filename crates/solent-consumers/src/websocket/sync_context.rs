//! What a blocking WebSocket consumer acts through.

use std::{fmt, sync::Arc, time::Duration};

use http::Response;
use serde::Serialize;
use solent_layer::ChannelName;
use solent_spec::{
    Body, Message, Result,
    websocket::{Accept, Close, Frame, SharedFrame, WebSocketScope},
};

use super::WebSocketContext;
use crate::{Group, Handle, TimerId, blocking::Remote};

/// What a blocking WebSocket consumer acts through: the methods of [`WebSocketContext`] and
/// [`ConsumerContext`](crate::ConsumerContext), which here wait instead of being awaited.
///
/// Each call is carried out by the connection's own task. Once the server has given that up, calls fail with an error
/// that [`is_disconnect`](solent_spec::is_disconnect) knows.
pub struct SyncWebSocketContext {
    scope: Arc<WebSocketScope>,
    remote: Remote<WebSocketContext>,
}

impl SyncWebSocketContext {
    pub(super) fn new(scope: Arc<WebSocketScope>, remote: Remote<WebSocketContext>) -> Self {
        Self { scope, remote }
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
    /// # Errors
    ///
    /// As [`WebSocketContext::send`].
    pub fn send(&mut self, frame: impl Into<Frame>) -> Result {
        let frame = frame.into();
        self.remote.call(move |cx| Box::pin(cx.send(frame)))
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

    /// Joins a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::join`](crate::ConsumerContext::join).
    pub fn join<E: ?Sized + 'static>(&mut self, group: &Group<E>) -> Result {
        let group = group.clone();
        self.remote
            .call(move |cx| Box::pin(async move { cx.join(&group).await }))
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::leave`](crate::ConsumerContext::leave).
    pub fn leave<E: ?Sized + 'static>(&mut self, group: &Group<E>) -> Result {
        let group = group.clone();
        self.remote
            .call(move |cx| Box::pin(async move { cx.leave(&group).await }))
    }

    /// Sends an event to every member of a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to`](crate::ConsumerContext::send_to).
    pub fn send_to<E: Serialize + ?Sized>(&mut self, group: &Group<E>, event: &E) -> Result {
        let (name, message) = (group.name().clone(), Message::encode(event)?);
        self.remote
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::broadcast`](crate::ConsumerContext::broadcast).
    pub fn broadcast<E: ?Sized>(
        &mut self,
        group: &Group<E>,
        frame: impl Into<SharedFrame>,
    ) -> Result {
        let (name, message) = (group.name().clone(), Message::ready(frame));
        self.remote
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends an event to one channel.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to_channel`](crate::ConsumerContext::send_to_channel).
    pub fn send_to_channel<E: Serialize + ?Sized>(
        &mut self,
        channel: &ChannelName,
        event: &E,
    ) -> Result {
        let (channel, message) = (channel.clone(), Message::encode(event)?);
        self.remote
            .call(move |cx| Box::pin(async move { cx.send_message(&channel, message).await }))
    }

    /// This consumer's address in its layer.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::channel_name`](crate::ConsumerContext::channel_name).
    pub fn channel_name(&mut self) -> Result<ChannelName> {
        self.remote.call(|cx| Box::pin(cx.channel_name()))
    }

    /// A handle that reaches this consumer from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::handle`](crate::ConsumerContext::handle), and a connection that is over.
    pub fn handle<E: Send + Sync + 'static>(&mut self) -> Result<Handle<E>> {
        self.remote
            .call(|cx| Box::pin(async { Ok(cx.handle::<E>()?) }))
    }

    /// Calls this consumer's `event` with `event` once `delay` has passed.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::after`](crate::ConsumerContext::after), and a connection that is over.
    pub fn after<E: Send + Sync + 'static>(
        &mut self,
        delay: Duration,
        event: E,
    ) -> Result<TimerId> {
        self.remote
            .call(move |cx| Box::pin(async move { Ok(cx.after(delay, event)?) }))
    }

    /// Calls this consumer's `event` with `event` each time `period` has passed.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::every`](crate::ConsumerContext::every), and a connection that is over.
    pub fn every<E: Send + Sync + 'static>(
        &mut self,
        period: Duration,
        event: E,
    ) -> Result<TimerId> {
        self.remote
            .call(move |cx| Box::pin(async move { Ok(cx.every(period, event)?) }))
    }

    /// Cancels a timer. Returns whether it was still there.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn cancel(&mut self, timer: TimerId) -> Result<bool> {
        self.remote
            .call(move |cx| Box::pin(async move { Ok(cx.cancel(timer)) }))
    }
}

impl fmt::Debug for SyncWebSocketContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncWebSocketContext")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
