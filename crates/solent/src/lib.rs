//! A framework for real-time applications: the ideas of Django Channels, made of types.
//!
//! A server that sends back what it gets, at `ws://127.0.0.1:8000/ws/echo/`:
//!
//! ```no_run
//! use solent::{Error, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext};
//!
//! #[derive(Default)]
//! struct Echo;
//!
//! impl WebSocketConsumer for Echo {
//!     type Input = String;
//!     type Event = NoEvents;
//!
//!     async fn receive(&mut self, cx: &mut WebSocketContext, text: String) -> Result {
//!         cx.send(text).await
//!     }
//! }
//!
//! fn main() -> Result<(), Error> {
//!     Solent::new().websocket("ws/echo/", Echo::application()).run()
//! }
//! ```
//!
//! A whole chat. Every client of a room sends `{"message": …}` and gets what the others send:
//!
//! ```no_run
#![doc = include_str!("../examples/chat.rs")]
//! ```
//!
//! # What is in it?
//!
//! - [`Solent`] puts an application together: routes, consumers, a channel layer, settings; and serves it.
//! - A **consumer** handles one connection, event by event: [`WebSocketConsumer`],
//!   [`HttpConsumer`], and blocking forms of both. A [`ChannelConsumer`] handles the messages of a named channel: work
//!   that [workers](Solent::worker) do.
//! - A [`Group`] is a named set of connections. What one process or consumer sends to it, every member gets, typed.
//! - A **channel layer** carries it: [`MemoryLayer`](layer::MemoryLayer) within a process, two on
//!   Redis (feature `redis`) between processes, Python's among them.
//! - An [`AuthStack`] finds the user of each connection by its session, and keeps pages of other sites out (feature `auth`, one
//!   of the default ones).
//! - Below them are [applications](spec::Application) and [connections](spec::Connection), ASGI's model made of types,
//!   for what consumers do not fit.
//!
//! # Where is what?
//!
//! [`consumers`], [`routing`], [`session`], [`edge`], [`auth`], [`layer`], [`server`], [`spec`] are the crates that this one is a map of, and
//! [`app`] is what starts and stops an application. The twenty names that most programs need are here at the root as well.
//!
//! # What is not here?
//!
//! No ORM, no templates, no HTTP framework: mount axum, or any other `tower` service, with
//! [`Solent::mount_service`].

mod announce;
mod args;
#[cfg(feature = "axum")]
pub mod axum;
mod background;
mod bound;
mod builder;
mod context;
mod error;
mod hooks;
mod layer_url;
mod layers;
mod lifespan;
mod routed;
#[cfg(feature = "testing")]
pub mod testing;
mod work;

#[cfg(feature = "auth")]
#[doc(inline)]
pub use solent_auth as auth;
#[doc(inline)]
pub use solent_consumers as consumers;
#[cfg(feature = "django")]
#[doc(inline)]
pub use solent_django as django;
#[cfg(feature = "auth")]
#[doc(inline)]
pub use solent_edge as edge;
#[cfg(feature = "jwt")]
#[doc(inline)]
pub use solent_jwt as jwt;
#[doc(inline)]
pub use solent_routing as routing;
#[doc(inline)]
pub use solent_server as server;
#[cfg(feature = "auth")]
#[doc(inline)]
pub use solent_session as session;
#[doc(inline)]
pub use solent_spec as spec;

/// What an application is started, watched and stopped with, beside [`Solent`] itself.
pub mod app {
    pub use crate::{
        args::ArgsError,
        background::{BackgroundConfig, Health, Restart, TaskHealth, TaskState},
        bound::{BoundSolent, StopHandle},
        context::Context,
        layer_url::{LayerUrl, LayerUrlError},
    };
}

/// Channel layers: the trait, what its methods take and give, and the layers themselves.
pub mod layer {
    #[doc(inline)]
    pub use solent_layer::{
        BoxError, Capacities, ChannelLayer, ChannelName, ChannelPattern, Claim, DecodeError,
        Delivery, DropCause, DropCounts, DynLayer, EncodeError, FullPolicy, Gap, GroupName,
        GroupReport, Inbox, InboxSettings, InboxWatch, LayerError, Local, LocalConfig, LocalWatch,
        Mailbox, MailboxOwner, Message, NameError, NameSource, Pushed, Room, SendError, Wakers,
        is_away,
    };
    #[cfg(feature = "memory")]
    #[doc(inline)]
    pub use solent_layer_memory::{MemoryConfig, MemoryLayer};
    #[cfg(feature = "redis")]
    #[doc(inline)]
    pub use solent_layer_redis as redis;
}

pub use http::StatusCode;
#[cfg(feature = "auth")]
pub use solent_auth::{AuthScope, AuthStack};
pub use solent_consumers::{
    ChannelConsumer, ChannelContext, Group, HttpConsumer, HttpContext, Json, NoEvents, Refusal,
    WebSocketConsumer, WebSocketContext,
};
pub use solent_spec::{Application, RequestScope, Result, websocket::Frame};

pub use self::{args::Args, builder::Solent, error::Error};
