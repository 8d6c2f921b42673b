//! What the contexts of blocking consumers have in common.

use std::{fmt, time::Duration};

use serde::Serialize;
use solent_layer::{ChannelName, GroupReport};
use solent_spec::{Message, Result, websocket::SharedFrame};

use super::{ConsumerContext, Handle, TimerId};
use crate::{
    Group,
    blocking::{Act, Remote},
};

/// What every blocking consumer can do beside talking to its client: the methods of [`ConsumerContext`], which here wait
/// instead of being awaited.
///
/// [`SyncWebSocketContext`](crate::SyncWebSocketContext) and [`SyncHttpContext`](crate::SyncHttpContext) dereference to it.
/// Calls fail with an error that [`is_disconnect`](solent_spec::is_disconnect) knows once the server has given the connection's task up.
pub struct SyncConsumerContext(Remote<ConsumerContext>);

impl SyncConsumerContext {
    pub(crate) fn new(remote: &Remote<impl Act>) -> Self {
        Self(remote.shared())
    }

    /// Joins a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::join`].
    pub fn join<E: ?Sized + 'static>(&mut self, group: &Group<E>) -> Result {
        let group = group.clone();
        self.0
            .call(move |cx| Box::pin(async move { cx.join(&group).await }))
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::leave`].
    pub fn leave<E: ?Sized + 'static>(&mut self, group: &Group<E>) -> Result {
        let group = group.clone();
        self.0
            .call(move |cx| Box::pin(async move { cx.leave(&group).await }))
    }

    /// Sends an event to every member of a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to`].
    pub fn send_to<E: Serialize + ?Sized>(
        &mut self,
        group: &Group<E>,
        event: &E,
    ) -> Result<GroupReport> {
        let (name, message) = (group.name().clone(), Message::encode(event)?);
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::broadcast`].
    pub fn broadcast<E: ?Sized>(
        &mut self,
        group: &Group<E>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport> {
        let (name, message) = (group.name().clone(), Message::ready(frame));
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends an event to one channel.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to_channel`].
    pub fn send_to_channel<E: Serialize + ?Sized>(
        &mut self,
        channel: &ChannelName,
        event: &E,
    ) -> Result {
        let (channel, message) = (channel.clone(), Message::encode(event)?);
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message(&channel, message).await }))
    }

    /// This consumer's address in its layer.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::channel_name`].
    pub fn channel_name(&mut self) -> Result<ChannelName> {
        self.0.call(|cx| Box::pin(cx.channel_name()))
    }

    /// A handle that reaches this consumer from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::handle`], and a connection that is over.
    pub fn handle<E: Send + Sync + 'static>(&mut self) -> Result<Handle<E>> {
        self.0.call(|cx| Box::pin(async { Ok(cx.handle::<E>()?) }))
    }

    /// Calls this consumer's `event` with `event` once `delay` has passed.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::after`], and a connection that is over.
    pub fn after<E: Send + Sync + 'static>(
        &mut self,
        delay: Duration,
        event: E,
    ) -> Result<TimerId> {
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.after(delay, event)?) }))
    }

    /// Calls this consumer's `event` with `event` each time `period` has passed.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::every`], and a connection that is over.
    pub fn every<E: Send + Sync + 'static>(
        &mut self,
        period: Duration,
        event: E,
    ) -> Result<TimerId> {
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.every(period, event)?) }))
    }

    /// Cancels a timer. Returns whether it was still there.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn cancel(&mut self, timer: TimerId) -> Result<bool> {
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.cancel(timer)) }))
    }
}

impl fmt::Debug for SyncConsumerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncConsumerContext")
            .finish_non_exhaustive()
    }
}
