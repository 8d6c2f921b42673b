//! A consumer is a struct with a handler for each kind of event of its connection.
//!
//! There is one value for each connection, made by a factory; what it has to remember is its fields. It acts through the
//! context that its handlers are given: it answers its client, joins groups, sends events to them, sets timers.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use solent_consumers::{Group, Json, WebSocketConsumer, WebSocketContext, WithLayer};
//! use solent_layer_memory::MemoryLayer;
//! use solent_spec::{Application, Result};
//! use solent_testing::WebSocketCommunicator;
//!
//! /// What a room's members tell each other.
//! #[derive(Serialize, Deserialize)]
//! #[serde(tag = "type")]
//! enum RoomEvent {
//!     #[serde(rename = "chat.message")]
//!     Message { message: String },
//! }
//!
//! /// What a client sends.
//! #[derive(Deserialize)]
//! struct Said {
//!     message: String,
//! }
//!
//! struct Chat {
//!     room: Group<RoomEvent>,
//! }
//!
//! impl WebSocketConsumer for Chat {
//!     type Event = RoomEvent;
//!     type Input = Json<Said>;
//!
//!     async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
//!         cx.join(&self.room).await?;
//!         cx.accept().await
//!     }
//!
//!     async fn receive(&mut self, cx: &mut WebSocketContext<RoomEvent>, said: Json<Said>) -> Result {
//!         let Json(Said { message }) = said;
//!         cx.send_to(&self.room, &RoomEvent::Message { message }).await?;
//!         Ok(())
//!     }
//!
//!     async fn event(&mut self, cx: &mut WebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
//!         cx.forward(event).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result {
//! let chat = Chat::application_with(|_| Ok(Chat { room: Group::new("lobby")? }));
//! let chat = chat.inside(&WithLayer::new(MemoryLayer::default()));
//!
//! // What a client says, all in the room hear.
//! let (mut client, _) = WebSocketCommunicator::open(chat, "/ws/chat/").await?;
//! client.send_text(r#"{"message": "hello"}"#).await?;
//! assert_eq!(client.receive_text().await?, r#"{"type":"chat.message","message":"hello"}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # What do I implement, and what do I get?
//!
//! - [`WebSocketConsumer`]; [`HttpConsumer`], which can answer later; [`ChannelConsumer`], which a [`Worker`] runs. Each has a
//!   `Sync…` form whose handlers may block.
//! - [`FromFrame`]: what a WebSocket consumer takes from its client, such as [`Json`].
//! - [`WebSocketContext`], [`HttpContext`] and [`ChannelContext`]: what handlers act through. The first two dereference
//!   to [`ConsumerContext`]: groups, the layer, timers, tasks, the handle. All have the type of the consumer's events.
//! - [`Group`]: a named set of consumers, with the type of the events that are sent to it. Only consumers whose `Event` can
//!   be made of those can join it ([`GroupFor`]). [`Address`]: one channel, typed in the same way.
//! - [`Handle`]: reaches one consumer from anywhere in its process.
//! - [`WithLayer`]: the middleware that gives consumers their channel layer.
//! - [`Refusal`]: an error that refuses a connection with a status.
//!
//! # What does it promise?
//!
//! - Handlers of one connection run one at a time, in order. The client and everything else take turns.
//! - `disconnect` is called exactly once after `connect` was (of a channel consumer, once it was made), whatever ends the connection; if the server drops the
//!   connection's task, in a task of its own with a deadline ([`disconnects_finished`] waits for those).
//! - Groups, timers, background tasks and handles end with the connection.
//! - A message from a layer is decoded once per process; an event sent on as it is, is made JSON once. A message that is
//!   not one of the consumer's events is logged, counted and dropped, and no message reaches a handler it is not meant
//!   for.
//! - What a client asks for and does not fit is no failure of the application: see [`Refusal`].
//! - An idle connection keeps one small future and its consumer. What is optional costs memory once it is used.
//!
//! # What happens when the client leaves?
//!
//! A handler runs to its end, also if its client is gone. One that takes long can ask: `cx.closed()` resolves when
//! the client is gone, beside whatever else the handler waits for; blocking handlers have `is_closed()` and
//! `wait_closed(timeout)`, and a worker's handlers are told the same when the worker stops. A consumer with
//! [`CANCEL_ON_DISCONNECT`](WebSocketConsumer::CANCEL_ON_DISCONNECT) has all its handlers given up then, those for events of timers too.
//!
//! # What may be called from where?
//!
//! | | async handlers, [`spawn`](ConsumerContext::spawn) | handlers of `Sync…` consumers |
//! |---|---|---|
//! | runs on | the connection's task: must not block | a thread of the blocking pool, at most [256](limit_sync_handlers) at a time |
//! | the context's methods | `.await` | as they are, they wait |
//! | other async code | `.await` | `cx.block_on(…)` |
//! | code that blocks | [`tokio::task::spawn_blocking`] | as it is |
//! | another consumer | [`Handle::post`], [`Group::send`] | [`Handle::try_post`], or these in `cx.block_on(…)` |
//!
//! Factories, `groups()` and `body_limit()` are called on the connection's task and must not block, for `Sync…` consumers as
//! well. A blocking handler holds its thread while it waits, also for a client that is slow to read: servers bound that time.
//!
//! # What is not here?
//!
//! No sockets, no routes, no layers: servers, routers and layers are crates of their own, and any of them will do.

mod address;
mod application;
mod blocking;
mod channel;
mod context;
mod counts;
mod error;
mod event;
mod fault;
mod finishing;
mod group;
mod http;
mod layers;
mod session;
mod websocket;
mod who;

pub use self::{
    address::Address,
    application::{ChannelApplication, ConsumerApplication, HttpApplication, WebSocketApplication},
    blocking::limit_sync_handlers,
    channel::{
        BlockingChannel, ChannelConfig, ChannelConsumer, ChannelContext, ChannelCounts,
        SyncChannelConsumer, SyncChannelContext, Worker, WorkerConfig, WorkerCounts, WorkerError,
    },
    context::{ConsumerContext, Handle, PostError, SyncConsumerContext, TimerId},
    counts::ConsumerCounts,
    error::{ContextError, HandlerPanicked, NoLayer, Refusal},
    event::{ConsumerEvent, NoEvents},
    finishing::disconnects_finished,
    group::{FrameGroup, Group, GroupFor},
    http::{
        BlockingHttp, HttpConsumer, HttpContext, SyncHttpConsumer, SyncHttpContext, Unfinished,
    },
    layers::{Layers, WithLayer},
    websocket::{
        BlockingWebSocket, FromFrame, InvalidFrame, Json, MessagePack, SyncWebSocketConsumer,
        SyncWebSocketContext, WebSocketConsumer, WebSocketContext,
    },
};
pub use solent_spec::json::InvalidJson;
