//! WebSocket consumers whose handlers block.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use solent_layer::Gap;
use solent_spec::{
    Result,
    json::InvalidJson,
    websocket::{Close, Frame, WebSocketScope},
};

use super::{
    SyncWebSocketContext, WebSocketApplication, WebSocketConsumer, WebSocketContext, json,
    websocket_consumer,
};
use crate::{
    ConsumerEvent, Group,
    blocking::{Lent, Remote},
    event::Shared,
};

/// A [`WebSocketConsumer`] whose handlers block: for databases and libraries that are not async.
///
/// Handlers run on the runtime's blocking pool, in order for one connection and side by side for several; none holds up
/// another connection. (In Channels, all of a process share one thread.) A call of the context costs a hand-over between
/// two threads, so prefer [`WebSocketConsumer`] where nothing blocks.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking WebSocket consumer")]
pub trait SyncWebSocketConsumer: Send + 'static {
    /// See [`WebSocketConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`WebSocketConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`WebSocketConsumer::READY_FRAMES`].
    const READY_FRAMES: bool = true;

    /// See [`WebSocketConsumer::groups`]. Must not block.
    fn groups(&self) -> Vec<Group<Self::Event>> {
        Vec::new()
    }

    /// See [`WebSocketConsumer::connect`]. Accepts by default.
    ///
    /// # Errors
    ///
    /// Any error ends the connection, so for all handlers.
    fn connect(&mut self, cx: &mut SyncWebSocketContext) -> Result {
        cx.accept()
    }

    /// See [`WebSocketConsumer::receive`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn receive(&mut self, cx: &mut SyncWebSocketContext, frame: Frame) -> Result {
        let _ = (cx, frame);
        Ok(())
    }

    /// See [`WebSocketConsumer::event`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn event(&mut self, cx: &mut SyncWebSocketContext, event: &Self::Event) -> Result {
        let _ = (cx, event);
        Ok(())
    }

    /// See [`WebSocketConsumer::missed`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn missed(&mut self, cx: &mut SyncWebSocketContext, gap: Gap) -> Result {
        let _ = (cx, gap);
        Ok(())
    }

    /// See [`WebSocketConsumer::disconnect`].
    ///
    /// # Errors
    ///
    /// An error is logged.
    fn disconnect(&mut self, cx: &mut SyncWebSocketContext, close: Close) -> Result {
        let _ = (cx, close);
        Ok(())
    }
}

/// A [`SyncWebSocketConsumer`] as a [`WebSocketConsumer`].
pub struct BlockingWebSocket<C> {
    consumer: Lent<C>,
    scope: Arc<WebSocketScope>,
}

/// Makes an application of a factory of blocking consumers; see [`websocket_consumer`]. The factory must not block.
pub fn sync_websocket_consumer<C, F>(factory: F) -> WebSocketApplication<BlockingWebSocket<C>>
where
    C: SyncWebSocketConsumer,
    F: Fn(&WebSocketScope) -> Result<C> + Send + Sync + 'static,
{
    websocket_consumer(move |scope| {
        let consumer = factory(scope)?;
        Ok(BlockingWebSocket {
            consumer: Lent::new(consumer),
            scope: Arc::new(scope.clone()),
        })
    })
}

impl<C: SyncWebSocketConsumer> BlockingWebSocket<C> {
    async fn run(
        &mut self,
        cx: &mut WebSocketContext,
        handler: impl FnOnce(&mut C, &mut SyncWebSocketContext) -> Result + Send + 'static,
    ) -> Result {
        let (scope, closed) = (Arc::clone(&self.scope), cx.closed());
        let handler = move |consumer: &mut C, remote: Remote<WebSocketContext>| {
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
    const LAYER: &'static str = C::LAYER;
    const READY_FRAMES: bool = C::READY_FRAMES;

    fn groups(&self) -> Vec<Group<C::Event>> {
        self.consumer.here().map(C::groups).unwrap_or_default()
    }

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        self.run(cx, C::connect).await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        self.run(cx, |consumer, cx| consumer.receive(cx, frame))
            .await
    }

    async fn event(&mut self, cx: &mut WebSocketContext, _: &C::Event) -> Result {
        // The event must outlive this future, which may be dropped while the handler runs.
        let event = cx.current().map(Arc::clone);
        let Some(event) =
            event.and_then(|event| event.into_any().downcast::<Shared<C::Event>>().ok())
        else {
            return Ok(());
        };
        self.run(cx, move |consumer, cx| consumer.event(cx, event.event()))
            .await
    }

    async fn missed(&mut self, cx: &mut WebSocketContext, gap: Gap) -> Result {
        self.run(cx, move |consumer, cx| consumer.missed(cx, gap))
            .await
    }

    async fn disconnect(&mut self, cx: &mut WebSocketContext, close: Close) -> Result {
        self.run(cx, |consumer, cx| consumer.disconnect(cx, close))
            .await
    }
}

impl<C> fmt::Debug for BlockingWebSocket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingWebSocket<{}>", std::any::type_name::<C>())
    }
}

/// A [`JsonWebSocketConsumer`](crate::JsonWebSocketConsumer) whose handlers block; see [`SyncWebSocketConsumer`].
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking JSON WebSocket consumer")]
pub trait SyncJsonWebSocketConsumer: Send + 'static {
    /// What the client sends; [`serde_json::Value`] for anything.
    type Input: DeserializeOwned + Send;

    /// See [`WebSocketConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`WebSocketConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`WebSocketConsumer::READY_FRAMES`].
    const READY_FRAMES: bool = true;

    /// See [`WebSocketConsumer::groups`]. Must not block.
    fn groups(&self) -> Vec<Group<Self::Event>> {
        Vec::new()
    }

    /// See [`WebSocketConsumer::connect`]. Accepts by default.
    ///
    /// # Errors
    ///
    /// Any error ends the connection, so for all handlers.
    fn connect(&mut self, cx: &mut SyncWebSocketContext) -> Result {
        cx.accept()
    }

    /// See [`JsonWebSocketConsumer::receive_json`](crate::JsonWebSocketConsumer::receive_json).
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn receive_json(&mut self, cx: &mut SyncWebSocketContext, input: Self::Input) -> Result {
        let _ = (cx, input);
        Ok(())
    }

    /// See [`JsonWebSocketConsumer::invalid`](crate::JsonWebSocketConsumer::invalid).
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn invalid(
        &mut self,
        cx: &mut SyncWebSocketContext,
        frame: Frame,
        error: InvalidJson,
    ) -> Result {
        let _ = frame;
        cx.close(json::close_for(&error))
    }

    /// See [`WebSocketConsumer::event`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn event(&mut self, cx: &mut SyncWebSocketContext, event: &Self::Event) -> Result {
        let _ = (cx, event);
        Ok(())
    }

    /// See [`WebSocketConsumer::missed`].
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn missed(&mut self, cx: &mut SyncWebSocketContext, gap: Gap) -> Result {
        let _ = (cx, gap);
        Ok(())
    }

    /// See [`WebSocketConsumer::disconnect`].
    ///
    /// # Errors
    ///
    /// An error is logged.
    fn disconnect(&mut self, cx: &mut SyncWebSocketContext, close: Close) -> Result {
        let _ = (cx, close);
        Ok(())
    }
}

/// A [`SyncJsonWebSocketConsumer`] as a [`SyncWebSocketConsumer`].
#[derive(Clone, Debug)]
pub struct BlockingJsonWebSocket<C>(C);

/// Makes an application of a factory of blocking JSON consumers; see [`sync_websocket_consumer`].
pub fn sync_json_websocket_consumer<C, F>(
    factory: F,
) -> WebSocketApplication<BlockingWebSocket<BlockingJsonWebSocket<C>>>
where
    C: SyncJsonWebSocketConsumer,
    F: Fn(&WebSocketScope) -> Result<C> + Send + Sync + 'static,
{
    sync_websocket_consumer(move |scope| factory(scope).map(BlockingJsonWebSocket))
}

impl<C: SyncJsonWebSocketConsumer> SyncWebSocketConsumer for BlockingJsonWebSocket<C> {
    type Event = C::Event;
    const LAYER: &'static str = C::LAYER;
    const READY_FRAMES: bool = C::READY_FRAMES;

    fn groups(&self) -> Vec<Group<C::Event>> {
        self.0.groups()
    }

    fn connect(&mut self, cx: &mut SyncWebSocketContext) -> Result {
        self.0.connect(cx)
    }

    fn receive(&mut self, cx: &mut SyncWebSocketContext, frame: Frame) -> Result {
        match json::read(&frame) {
            Ok(input) => self.0.receive_json(cx, input),
            Err(error) => self.0.invalid(cx, frame, error),
        }
    }

    fn event(&mut self, cx: &mut SyncWebSocketContext, event: &C::Event) -> Result {
        self.0.event(cx, event)
    }

    fn missed(&mut self, cx: &mut SyncWebSocketContext, gap: Gap) -> Result {
        self.0.missed(cx, gap)
    }

    fn disconnect(&mut self, cx: &mut SyncWebSocketContext, close: Close) -> Result {
        self.0.disconnect(cx, close)
    }
}
