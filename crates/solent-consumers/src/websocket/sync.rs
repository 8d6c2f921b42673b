//! WebSocket consumers whose handlers block.

use std::{fmt, sync::Arc};

use solent_layer::Gap;
use solent_spec::{
    Result,
    websocket::{Close, WebSocketScope},
};

use super::{SyncWebSocketContext, WebSocketConsumer, WebSocketContext, input::close_for};
use crate::{
    ConsumerEvent, FromFrame, Group, InvalidFrame, WebSocketApplication,
    blocking::{Lent, Remote},
};

/// A [`WebSocketConsumer`] whose handlers block: for databases and libraries that are not async.
///
/// Handlers run on the runtime's blocking pool, in order for one connection and side by side for several; none holds up
/// another connection. (In Channels, all of a process share one thread.) A call of the context costs a hand-over between
/// two threads, so prefer [`WebSocketConsumer`] where nothing blocks.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking WebSocket consumer")]
pub trait SyncWebSocketConsumer: Sized + Send + 'static {
    /// See [`WebSocketConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`WebSocketConsumer::Input`].
    type Input: FromFrame + 'static;

    /// See [`WebSocketConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`WebSocketConsumer::READY_FRAMES`].
    const READY_FRAMES: bool = true;

    /// See [`WebSocketConsumer::application`]. `default` must not block.
    fn application() -> WebSocketApplication<BlockingWebSocket<Self>>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// See [`WebSocketConsumer::application_with`]. The factory must not block.
    fn application_with(
        factory: impl Fn(&WebSocketScope) -> Result<Self> + Send + Sync + 'static,
    ) -> WebSocketApplication<BlockingWebSocket<Self>> {
        WebSocketApplication::new(move |scope| {
            let consumer = factory(scope)?;
            Ok(BlockingWebSocket {
                consumer: Lent::new(consumer),
                scope: Arc::new(scope.clone()),
            })
        })
    }

    /// See [`WebSocketConsumer::groups`]. Must not block.
    fn groups(&self) -> Vec<Group<Self::Event>> {
        Vec::new()
    }

    /// See [`WebSocketConsumer::connect`]. Accepts by default.
    ///
    /// # Errors
    ///
    /// Any error ends the connection, so for all handlers.
    fn connect(&mut self, cx: &mut SyncWebSocketContext<Self::Event>) -> Result {
        cx.accept()
    }

    /// See [`WebSocketConsumer::receive`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn receive(
        &mut self,
        cx: &mut SyncWebSocketContext<Self::Event>,
        input: Self::Input,
    ) -> Result {
        let _ = (cx, input);
        Ok(())
    }

    /// See [`WebSocketConsumer::invalid`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn invalid(
        &mut self,
        cx: &mut SyncWebSocketContext<Self::Event>,
        error: InvalidFrame,
    ) -> Result {
        cx.close(close_for(&error))
    }

    /// See [`WebSocketConsumer::event`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn event(&mut self, cx: &mut SyncWebSocketContext<Self::Event>, event: &Self::Event) -> Result {
        let _ = (cx, event);
        Ok(())
    }

    /// See [`WebSocketConsumer::missed`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn missed(&mut self, cx: &mut SyncWebSocketContext<Self::Event>, gap: Gap) -> Result {
        let _ = (cx, gap);
        Ok(())
    }

    /// See [`WebSocketConsumer::disconnect`].
    ///
    /// # Errors
    ///
    /// An error is logged.
    fn disconnect(&mut self, cx: &mut SyncWebSocketContext<Self::Event>, close: Close) -> Result {
        let _ = (cx, close);
        Ok(())
    }
}

/// A [`SyncWebSocketConsumer`] as a [`WebSocketConsumer`].
pub struct BlockingWebSocket<C> {
    consumer: Lent<C>,
    scope: Arc<WebSocketScope>,
}

impl<C: SyncWebSocketConsumer> BlockingWebSocket<C> {
    async fn run(
        &mut self,
        cx: &mut WebSocketContext<C::Event>,
        handler: impl FnOnce(&mut C, &mut SyncWebSocketContext<C::Event>) -> Result + Send + 'static,
    ) -> Result {
        let (scope, closed) = (Arc::clone(&self.scope), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<WebSocketContext<C::Event>>| {
            handler(
                consumer,
                &mut SyncWebSocketContext::new(scope, remote, closed),
            )
        };
        self.consumer.run(cx, handler).await
    }
}

impl<C: SyncWebSocketConsumer> WebSocketConsumer for BlockingWebSocket<C> {
    type Event = C::Event;
    type Input = C::Input;
    const LAYER: &'static str = C::LAYER;
    const READY_FRAMES: bool = C::READY_FRAMES;

    fn groups(&self) -> Vec<Group<C::Event>> {
        self.consumer.here().map(C::groups).unwrap_or_default()
    }

    async fn connect(&mut self, cx: &mut WebSocketContext<C::Event>) -> Result {
        self.run(cx, C::connect).await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext<C::Event>, input: C::Input) -> Result {
        self.run(cx, |consumer, cx| consumer.receive(cx, input))
            .await
    }

    async fn invalid(
        &mut self,
        cx: &mut WebSocketContext<C::Event>,
        error: InvalidFrame,
    ) -> Result {
        self.run(cx, |consumer, cx| consumer.invalid(cx, error))
            .await
    }

    async fn event(&mut self, cx: &mut WebSocketContext<C::Event>, _: &C::Event) -> Result {
        // The event must outlive this future, which may be dropped while the handler runs.
        let Some(event) = cx.current().map(Arc::clone) else {
            return Ok(());
        };
        self.run(cx, move |consumer, cx| consumer.event(cx, event.event()))
            .await
    }

    async fn missed(&mut self, cx: &mut WebSocketContext<C::Event>, gap: Gap) -> Result {
        self.run(cx, move |consumer, cx| consumer.missed(cx, gap))
            .await
    }

    async fn disconnect(&mut self, cx: &mut WebSocketContext<C::Event>, close: Close) -> Result {
        self.run(cx, |consumer, cx| consumer.disconnect(cx, close))
            .await
    }
}

impl<C> fmt::Debug for BlockingWebSocket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingWebSocket<{}>", std::any::type_name::<C>())
    }
}
