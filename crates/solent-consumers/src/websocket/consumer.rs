//! The trait of WebSocket consumers.

use std::future::{Future, ready};

use solent_layer::Gap;
use solent_spec::{
    Result,
    websocket::{Close, WebSocketScope},
};

use super::input::close_for;
use crate::{
    ConsumerEvent, FromFrame, Group, InvalidFrame, WebSocketApplication, WebSocketContext,
};

/// Handles one WebSocket, event by event: a new value for each connection.
///
/// All handlers have defaults, so an implementation names those that it needs. They run one at a time, in the order in
/// which things happened; while one runs, the client's next messages wait in the socket and events in the mailbox.
///
/// `disconnect` is called exactly once after `connect` was, whatever ends the connection: the client, a
/// [`close`](WebSocketContext::close) of your own, an error or a panic in a handler, a full mailbox, the server's drain,
/// or a server that gives up and drops the connection's task. An error or a panic then ends the connection with close
/// code 1011, except for an error that only tells that the client is gone.
///
/// # What happens to layer messages
///
/// A message from a group or channel is decoded as [`Event`](Self::Event), once per process. One that is of another
/// shape, such as a `type` that the enum does not have, is logged as a warning with its type, the field
/// that is wrong and why, counted
/// ([`ConsumerCounts::unknown_events`](crate::ConsumerCounts::unknown_events)) and dropped; the connection goes on. The
/// handlers for the client's own events cannot be reached through a layer.
///
/// A ready frame ([`broadcast`](crate::ConsumerContext::broadcast)) is written to the client without a handler, if the
/// socket has been accepted; see [`READY_FRAMES`](Self::READY_FRAMES).
#[diagnostic::on_unimplemented(message = "`{Self}` is not a WebSocket consumer")]
pub trait WebSocketConsumer: Sized + Send + 'static {
    /// What the consumer receives from groups, channels, timers and its own handle;
    /// [`NoEvents`](crate::NoEvents) for nothing.
    type Event: ConsumerEvent;

    /// What a client's message is read as: [`Frame`](solent_spec::websocket::Frame) for the message itself,
    /// [`Json<T>`](crate::Json) for a value.
    type Input: FromFrame;

    /// The alias of the channel layer that the consumer uses.
    const LAYER: &'static str = "default";

    /// Whether ready frames sent to this consumer's groups and channel are written to the client. If not, they are
    /// dropped.
    const READY_FRAMES: bool = true;

    /// Whether a handler that waits is given up once the client is [gone](WebSocketContext::closed): it is dropped at its
    /// next `.await`, messages of the client that wait are dropped with it, and `disconnect` follows. Not by default. A handler
    /// that has closed the connection itself is let finish, and so are `disconnect` and what [`spawn`](crate::ConsumerContext::spawn) started.
    const CANCEL_ON_DISCONNECT: bool = false;

    /// The application that makes a consumer by `Default` for each connection.
    ///
    /// ```
    /// use solent_consumers::{NoEvents, WebSocketConsumer, WebSocketContext};
    /// use solent_spec::{Result, websocket::Frame};
    ///
    /// #[derive(Default)]
    /// struct Echo;
    ///
    /// impl WebSocketConsumer for Echo {
    ///     type Event = NoEvents;
    ///     type Input = Frame;
    ///
    ///     async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
    ///         cx.send(frame).await
    ///     }
    /// }
    ///
    /// let application = Echo::application();
    /// # let _ = application;
    /// ```
    fn application() -> WebSocketApplication<Self>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// The application that makes a consumer with `factory` for each connection, of what is known about it: the route's parameters,
    /// the user, the state that the application was given.
    ///
    /// ```
    /// # use solent_consumers::{NoEvents, WebSocketConsumer};
    /// # use solent_spec::{RequestScope, websocket::Frame};
    /// # struct Echo { path: String }
    /// # impl WebSocketConsumer for Echo { type Event = NoEvents; type Input = Frame; }
    /// let application = Echo::application_with(|scope| {
    ///     Ok(Echo { path: scope.path().to_owned() })
    /// });
    /// # let _ = (application, |echo: Echo| echo.path);
    /// ```
    ///
    /// A factory that fails refuses the connection; see [`ConsumerApplication`](crate::ConsumerApplication).
    fn application_with(
        factory: impl Fn(&WebSocketScope) -> Result<Self> + Send + Sync + 'static,
    ) -> WebSocketApplication<Self> {
        WebSocketApplication::new(factory)
    }

    /// Groups to join before `connect` is called. As in Channels, they are joined for a connection that is going to be
    /// rejected, too; join in `connect` what only accepted ones may hear.
    fn groups(&self) -> Vec<Group<Self::Event>> {
        Vec::new()
    }

    /// A client wants to connect. Accepts by default.
    ///
    /// Accept, reject or respond through the context; a handler that does none of it leaves the client waiting until
    /// another one does. A [`Refusal`](crate::Refusal) refuses the handshake by way of `?`.
    fn connect(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
    ) -> impl Future<Output = Result> + Send {
        async { cx.accept().await }
    }

    /// The client has sent a message. Does nothing by default.
    fn receive(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
        input: Self::Input,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, input);
        ready(Ok(()))
    }

    /// The client has sent something that is not an [`Input`](Self::Input).
    ///
    /// Closes by default, with the [code and the reason](InvalidFrame::close) of the error. For [`Json`](crate::Json) that is 1003 for a
    /// binary message, and 1007 for text that is no JSON, not of the expected shape, or that would be
    /// [changed](crate::InvalidJson::Unfit) by being read. The reason says which field is wrong and why, and so does an event for
    /// the log, of the level DEBUG. (Channels fails with 1011 here, as if the mistake were the server's.)
    fn invalid(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
        error: InvalidFrame,
    ) -> impl Future<Output = Result> + Send {
        async move { cx.close(close_for(&error)).await }
    }

    /// An event has arrived, through a group, a channel, a timer or a handle. Does nothing by default.
    fn event(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
        event: &Self::Event,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, event);
        ready(Ok(()))
    }

    /// Events have been missed, or may have been. Does nothing by default.
    ///
    /// `gap.lost` are events that found no room in the mailbox, since this consumer or its client was too slow, and ready
    /// frames that its client did not read in time: they are counted exactly. `gap.uncounted` says that the channel layer
    /// lost its backend for a while, and is there again. Either way this is the moment to fetch what the client should know.
    fn missed(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
        gap: Gap,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, gap);
        ready(Ok(()))
    }

    /// The connection is over. Called once after `connect` was; does nothing by default.
    ///
    /// Groups have been left, and the client is gone or about to be. `close` says why: what the client sent, what
    /// the server ended the connection with, 1006 for a client that went away without a word, 1011 if a handler failed.
    fn disconnect(
        &mut self,
        cx: &mut WebSocketContext<Self::Event>,
        close: Close,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, close);
        ready(Ok(()))
    }
}
