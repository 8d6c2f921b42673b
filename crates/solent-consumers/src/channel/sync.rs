//! Channel consumers whose handlers block.

use std::{fmt, future::Future, time::Duration};

use serde::Serialize;
use solent_layer::{GroupName, GroupReport};
use solent_spec::{Closed, Result, channel::ChannelScope, websocket::SharedFrame};

use super::{ChannelConsumer, ChannelContext};
use crate::{
    Address, ChannelApplication, ConsumerEvent, ContextError, Group, NoEvents, SyncConsumerContext,
    blocking::{Lent, Remote},
};

/// A [`ChannelConsumer`] whose handler blocks: for image libraries, mail, databases that are not async.
///
/// The handler runs on the runtime's blocking pool, one message after the other.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking channel consumer")]
pub trait SyncChannelConsumer: Sized + Send + 'static {
    /// See [`ChannelConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`ChannelConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`ChannelConsumer::application`]. `default` must not block.
    fn application() -> ChannelApplication<BlockingChannel<Self>>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// See [`ChannelConsumer::application_with`]. The factory must not block.
    fn application_with(
        factory: impl Fn(&ChannelScope) -> Result<Self> + Send + Sync + 'static,
    ) -> ChannelApplication<BlockingChannel<Self>> {
        ChannelApplication::new(move |scope| Ok(BlockingChannel(Lent::new(factory(scope)?))))
    }

    /// See [`ChannelConsumer::handle`].
    ///
    /// # Errors
    ///
    /// Any error ends the consumer; the worker makes a new one.
    fn handle(&mut self, cx: &mut SyncChannelContext<Self::Event>, event: &Self::Event) -> Result;

    /// See [`ChannelConsumer::disconnect`]. A handler that the worker gave up on is waited for first.
    ///
    /// # Errors
    ///
    /// Any error is logged and counted.
    fn disconnect(&mut self, cx: &mut SyncChannelContext<Self::Event>) -> Result {
        let _ = cx;
        Ok(())
    }
}

/// A [`SyncChannelConsumer`] as a [`ChannelConsumer`].
pub struct BlockingChannel<C>(Lent<C>);

impl<C: SyncChannelConsumer> ChannelConsumer for BlockingChannel<C> {
    type Event = C::Event;
    const LAYER: &'static str = C::LAYER;

    async fn handle(&mut self, cx: &mut ChannelContext<C::Event>, _: &C::Event) -> Result {
        // The event must outlive this future, which may be dropped while the handler runs.
        let Some(event) = cx.current() else {
            return Ok(());
        };
        let (scope, closed) = (cx.scope().clone(), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<ChannelContext<C::Event>>| {
            consumer.handle(
                &mut SyncChannelContext::new(scope, &remote, closed),
                event.event(),
            )
        };
        self.0.run(cx, handler).await
    }

    async fn disconnect(&mut self, cx: &mut ChannelContext<C::Event>) -> Result {
        let (scope, closed) = (cx.scope().clone(), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<ChannelContext<C::Event>>| {
            consumer.disconnect(&mut SyncChannelContext::new(scope, &remote, closed))
        };
        self.0.run(cx, handler).await
    }
}

impl<C> fmt::Debug for BlockingChannel<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingChannel<{}>", std::any::type_name::<C>())
    }
}

/// What a blocking channel consumer acts through: the methods of [`ChannelContext`], which here wait instead of being
/// awaited.
pub struct SyncChannelContext<E = NoEvents> {
    scope: ChannelScope,
    shared: SyncConsumerContext<E>,
}

impl<E: Send + Sync + 'static> SyncChannelContext<E> {
    fn new(scope: ChannelScope, remote: &Remote<ChannelContext<E>>, closed: Closed) -> Self {
        Self {
            scope,
            shared: SyncConsumerContext::new(remote, closed),
        }
    }

    /// What is known of the connection: the channel's name, and what the worker was given.
    pub fn scope(&self) -> &ChannelScope {
        &self.scope
    }

    /// Whether the worker stops: for long handlers to ask now and then.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Waits until the worker stops, for so long at most; see [`SyncConsumerContext::wait_closed`].
    pub fn wait_closed(&self, timeout: Duration) -> bool {
        self.shared.wait_closed(timeout)
    }

    /// Waits for a future; see [`SyncConsumerContext::block_on`].
    ///
    /// # Panics
    ///
    /// If it is called on another thread than the handler's.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.shared.block_on(future)
    }

    /// Sends an event to every member of a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to`](crate::ConsumerContext::send_to).
    pub fn send_to<G: Serialize + ?Sized>(
        &mut self,
        group: &Group<G>,
        event: &G,
    ) -> Result<GroupReport, ContextError> {
        self.shared.send_to(group, event)
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::broadcast`](crate::ConsumerContext::broadcast).
    pub fn broadcast(
        &mut self,
        group: &impl AsRef<GroupName>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        self.shared.broadcast(group, frame)
    }

    /// Sends an event to one channel.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to_channel`](crate::ConsumerContext::send_to_channel).
    pub fn send_to_channel<G: Serialize + ?Sized>(
        &mut self,
        channel: &Address<G>,
        event: &G,
    ) -> Result<(), ContextError> {
        self.shared.send_to_channel(channel, event)
    }
}

impl<E> fmt::Debug for SyncChannelContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncChannelContext")
            .field("channel", &self.scope.channel)
            .finish_non_exhaustive()
    }
}
