//! Channel consumers whose handlers block.

use std::{fmt, future::Future, time::Duration};

use serde::Serialize;
use solent_layer::{ChannelName, GroupReport};
use solent_spec::{Closed, Result, channel::ChannelScope, websocket::SharedFrame};

use super::{ChannelApplication, ChannelConsumer, ChannelContext, channel_consumer};
use crate::{
    ConsumerEvent, Group, SyncConsumerContext,
    blocking::{Lent, Remote},
    event::Shared,
};

/// A [`ChannelConsumer`] whose handler blocks: for image libraries, mail, databases that are not async.
///
/// The handler runs on the runtime's blocking pool, one message after the other.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking channel consumer")]
pub trait SyncChannelConsumer: Send + 'static {
    /// See [`ChannelConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`ChannelConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`ChannelConsumer::handle`].
    ///
    /// # Errors
    ///
    /// Any error ends the consumer; the worker makes a new one.
    fn handle(&mut self, cx: &mut SyncChannelContext, event: &Self::Event) -> Result;

    /// See [`ChannelConsumer::disconnect`]. A handler that the worker gave up on is waited for first.
    ///
    /// # Errors
    ///
    /// Any error is logged and counted.
    fn disconnect(&mut self, cx: &mut SyncChannelContext) -> Result {
        let _ = cx;
        Ok(())
    }
}

/// A [`SyncChannelConsumer`] as a [`ChannelConsumer`].
pub struct BlockingChannel<C>(Lent<C>);

/// Makes an application of a factory of blocking consumers; see [`channel_consumer`]. The factory must not block.
pub fn sync_channel_consumer<C, F>(factory: F) -> ChannelApplication<BlockingChannel<C>>
where
    C: SyncChannelConsumer,
    F: Fn(&ChannelScope) -> Result<C> + Send + Sync + 'static,
{
    channel_consumer(move |scope| Ok(BlockingChannel(Lent::new(factory(scope)?))))
}

impl<C: SyncChannelConsumer> ChannelConsumer for BlockingChannel<C> {
    type Event = C::Event;
    const LAYER: &'static str = C::LAYER;

    async fn handle(&mut self, cx: &mut ChannelContext, _: &C::Event) -> Result {
        // The event must outlive this future, which may be dropped while the handler runs.
        let event = cx.current();
        let Some(event) =
            event.and_then(|event| event.into_any().downcast::<Shared<C::Event>>().ok())
        else {
            return Ok(());
        };
        let (scope, closed) = (cx.scope().clone(), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<ChannelContext>| {
            consumer.handle(
                &mut SyncChannelContext::new(scope, &remote, closed),
                event.event(),
            )
        };
        self.0.run(cx, handler).await
    }

    async fn disconnect(&mut self, cx: &mut ChannelContext) -> Result {
        let (scope, closed) = (cx.scope().clone(), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<ChannelContext>| {
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
pub struct SyncChannelContext {
    scope: ChannelScope,
    shared: SyncConsumerContext,
}

impl SyncChannelContext {
    fn new(scope: ChannelScope, remote: &Remote<ChannelContext>, closed: Closed) -> Self {
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
    pub fn send_to<E: Serialize + ?Sized>(
        &mut self,
        group: &Group<E>,
        event: &E,
    ) -> Result<GroupReport> {
        self.shared.send_to(group, event)
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
    ) -> Result<GroupReport> {
        self.shared.broadcast(group, frame)
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
        self.shared.send_to_channel(channel, event)
    }
}

impl fmt::Debug for SyncChannelContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncChannelContext")
            .field("channel", &self.scope.channel)
            .finish_non_exhaustive()
    }
}
