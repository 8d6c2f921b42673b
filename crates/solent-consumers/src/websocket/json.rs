//! Consumers whose clients speak JSON.

use std::future::{Future, ready};

use serde::de::DeserializeOwned;
use solent_layer::Gap;
use solent_spec::{
    Chain, Result,
    json::{self, InvalidJson},
    websocket::{Close, Frame, WebSocketScope},
};

use super::{WebSocketApplication, WebSocketConsumer, WebSocketContext, websocket_consumer};
use crate::{ConsumerEvent, Group};

/// A [`WebSocketConsumer`] whose client sends JSON in text messages.
///
/// Everything but [`receive_json`](Self::receive_json) and [`invalid`](Self::invalid) is as in [`WebSocketConsumer`].
#[diagnostic::on_unimplemented(message = "`{Self}` is not a JSON WebSocket consumer")]
pub trait JsonWebSocketConsumer: Send + 'static {
    /// What the client sends; [`serde_json::Value`] for anything.
    type Input: DeserializeOwned + Send;

    /// See [`WebSocketConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`WebSocketConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`WebSocketConsumer::READY_FRAMES`].
    const READY_FRAMES: bool = true;

    /// See [`WebSocketConsumer::CANCEL_ON_DISCONNECT`].
    const CANCEL_ON_DISCONNECT: bool = false;

    /// See [`WebSocketConsumer::groups`].
    fn groups(&self) -> Vec<Group<Self::Event>> {
        Vec::new()
    }

    /// See [`WebSocketConsumer::connect`]. Accepts by default.
    fn connect(&mut self, cx: &mut WebSocketContext) -> impl Future<Output = Result> + Send {
        async { cx.accept().await }
    }

    /// The client has sent a value. Does nothing by default.
    fn receive_json(
        &mut self,
        cx: &mut WebSocketContext,
        input: Self::Input,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, input);
        ready(Ok(()))
    }

    /// The client has sent something that is not an [`Input`](Self::Input).
    ///
    /// Closes by default: with code 1003 for a binary message, and 1007 for text that is no JSON, not of the shape of
    /// `Input`, or that would be [changed](InvalidJson::Unfit) by being read. The reason says which field is wrong and why, and so
    /// does an event for the log, of the level DEBUG. (Channels fails with 1011 here, as if the mistake were the server's.)
    fn invalid(
        &mut self,
        cx: &mut WebSocketContext,
        frame: Frame,
        error: InvalidJson,
    ) -> impl Future<Output = Result> + Send {
        let _ = frame;
        async move { cx.close(close_for(&error)).await }
    }

    /// See [`WebSocketConsumer::event`].
    fn event(
        &mut self,
        cx: &mut WebSocketContext,
        event: &Self::Event,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, event);
        ready(Ok(()))
    }

    /// See [`WebSocketConsumer::missed`].
    fn missed(
        &mut self,
        cx: &mut WebSocketContext,
        gap: Gap,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, gap);
        ready(Ok(()))
    }

    /// See [`WebSocketConsumer::disconnect`].
    fn disconnect(
        &mut self,
        cx: &mut WebSocketContext,
        close: Close,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, close);
        ready(Ok(()))
    }
}

pub(super) fn read<T: DeserializeOwned>(frame: &Frame) -> Result<T, InvalidJson> {
    let text = frame.as_text().ok_or(InvalidJson::Binary)?;
    json::from_str(text)
}

/// Closes for a client's message that is not as expected.
pub(super) fn close_for(error: &InvalidJson) -> Close {
    let close = error.close();
    tracing::debug!(
        target: "solent::consumers",
        code = close.code.as_u16(),
        error = %Chain(error),
        "closing a connection, what its client sent does not fit"
    );
    close
}

/// A [`JsonWebSocketConsumer`] as a [`WebSocketConsumer`].
#[derive(Clone, Debug)]
pub struct Json<C>(C);

/// Makes an application of a factory of JSON consumers; see [`websocket_consumer`].
pub fn json_websocket_consumer<C, F>(factory: F) -> WebSocketApplication<Json<C>>
where
    C: JsonWebSocketConsumer,
    F: Fn(&WebSocketScope) -> Result<C> + Send + Sync + 'static,
{
    websocket_consumer(move |scope| factory(scope).map(Json))
}

impl<C: JsonWebSocketConsumer> WebSocketConsumer for Json<C> {
    type Event = C::Event;
    const LAYER: &'static str = C::LAYER;
    const READY_FRAMES: bool = C::READY_FRAMES;
    const CANCEL_ON_DISCONNECT: bool = C::CANCEL_ON_DISCONNECT;

    fn groups(&self) -> Vec<Group<C::Event>> {
        self.0.groups()
    }

    fn connect(&mut self, cx: &mut WebSocketContext) -> impl Future<Output = Result> + Send {
        self.0.connect(cx)
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        match read(&frame) {
            Ok(input) => self.0.receive_json(cx, input).await,
            Err(error) => self.0.invalid(cx, frame, error).await,
        }
    }

    fn event(
        &mut self,
        cx: &mut WebSocketContext,
        event: &C::Event,
    ) -> impl Future<Output = Result> + Send {
        self.0.event(cx, event)
    }

    fn missed(
        &mut self,
        cx: &mut WebSocketContext,
        gap: Gap,
    ) -> impl Future<Output = Result> + Send {
        self.0.missed(cx, gap)
    }

    fn disconnect(
        &mut self,
        cx: &mut WebSocketContext,
        close: Close,
    ) -> impl Future<Output = Result> + Send {
        self.0.disconnect(cx, close)
    }
}
