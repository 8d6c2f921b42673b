//! What the contexts of blocking consumers have in common.

use std::{fmt, future::Future, time::Duration};

use serde::Serialize;
use solent_layer::{GroupName, GroupReport};
use solent_spec::{Closed, Message, websocket::SharedFrame};

use super::{ConsumerContext, Handle, TimerId};
use crate::{
    Address, ContextError, Group, GroupFor, NoEvents,
    blocking::{Act, Remote, wait},
};

/// What every blocking consumer can do beside talking to its client: the methods of [`ConsumerContext`], which here wait
/// instead of being awaited.
///
/// [`SyncWebSocketContext`](crate::SyncWebSocketContext) and [`SyncHttpContext`](crate::SyncHttpContext) dereference to it.
/// Calls fail with an error that [`is_disconnect`](solent_spec::is_disconnect) knows once the server has given the connection's task up.
pub struct SyncConsumerContext<E = NoEvents>(Remote<ConsumerContext<E>>, Closed);

impl<E: Send + Sync + 'static> SyncConsumerContext<E> {
    pub(crate) fn new(remote: &Remote<impl Act<Event = E>>, closed: Closed) -> Self {
        Self(remote.shared(), closed)
    }

    /// Whether the client is gone: for long handlers to ask now and then. A worker's handler is told that its worker stops.
    pub fn is_closed(&self) -> bool {
        self.1.is_closed()
    }

    /// Waits until the client is gone, for so long at most. Returns whether it is. Takes the place of a sleep between two steps.
    pub fn wait_closed(&self, timeout: Duration) -> bool {
        wait(self.1.clone(), timeout)
    }

    /// What resolves once the client is gone, for [`block_on`](Self::block_on) and tasks.
    pub fn closed(&self) -> Closed {
        self.1.clone()
    }

    /// Waits for a future, here on the handler's own thread: for what there is only in an async form.
    ///
    /// The future may itself need threads that block, as password checks do: handlers never take all of them, see
    /// [`limit_sync_handlers`](crate::limit_sync_handlers).
    ///
    /// # Panics
    ///
    /// If it is called on another thread than the handler's.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::runtime::Handle::current().block_on(future)
    }

    /// Joins a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::join`].
    pub fn join(&mut self, group: &impl GroupFor<E>) -> Result<(), ContextError> {
        let group = group.as_ref().clone();
        self.0
            .call(move |cx| Box::pin(async move { cx.join_by_name(&group).await }))
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::leave`].
    pub fn leave(&mut self, group: &impl AsRef<GroupName>) -> Result<(), ContextError> {
        let group: Group<E> = group.as_ref().clone().into();
        self.0
            .call(move |cx| Box::pin(async move { cx.leave(&group).await }))
    }

    /// Sends an event to every member of a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to`].
    pub fn send_to<G: Serialize + ?Sized>(
        &mut self,
        group: &Group<G>,
        event: &G,
    ) -> Result<GroupReport, ContextError> {
        let (name, message) = (group.name().clone(), Message::encode(event)?);
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::broadcast`].
    pub fn broadcast(
        &mut self,
        group: &impl AsRef<GroupName>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        let (name, message) = (group.as_ref().clone(), Message::ready(frame));
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message_to(&name, message).await }))
    }

    /// Sends an event to one channel.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to_channel`].
    pub fn send_to_channel<G: Serialize + ?Sized>(
        &mut self,
        channel: &Address<G>,
        event: &G,
    ) -> Result<(), ContextError> {
        let (channel, message) = (channel.name().clone(), Message::encode(event)?);
        self.0
            .call(move |cx| Box::pin(async move { cx.send_message(&channel, message).await }))
    }

    /// This consumer's address in its layer.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::address`].
    pub fn address(&mut self) -> Result<Address<E>, ContextError> {
        self.0.call(|cx| Box::pin(cx.address()))
    }

    /// A handle that reaches this consumer from anywhere in its process.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn handle(&mut self) -> Result<Handle<E>, ContextError> {
        self.0.call(|cx| Box::pin(async { Ok(cx.handle()) }))
    }

    /// Calls this consumer's `event` with `event` once `delay` has passed.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn after(&mut self, delay: Duration, event: impl Into<E>) -> Result<TimerId, ContextError> {
        let event = event.into();
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.after(delay, event)) }))
    }

    /// Calls this consumer's `event` with `event` each time `period` has passed.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn every(
        &mut self,
        period: Duration,
        event: impl Into<E>,
    ) -> Result<TimerId, ContextError> {
        let event = event.into();
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.every(period, event)) }))
    }

    /// Cancels a timer. Returns whether it was still there.
    ///
    /// # Errors
    ///
    /// A connection that is over.
    pub fn cancel(&mut self, timer: TimerId) -> Result<bool, ContextError> {
        self.0
            .call(move |cx| Box::pin(async move { Ok(cx.cancel(timer)) }))
    }
}

impl<E> fmt::Debug for SyncConsumerContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncConsumerContext")
            .finish_non_exhaustive()
    }
}
