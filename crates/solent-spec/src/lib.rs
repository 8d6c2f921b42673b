//! `async fn(Connection<P>) -> Result`
//!
//! That is an application. This crate says what a [`Protocol`] `P` is, what a [`Connection`] gives and takes, and which
//! protocols there are: [`Http`], [`WebSocket`], [`Lifespan`] and [`Channel`]. They are ASGI's, made of types: a scope
//! that is known before the first event, events that cannot be of the wrong protocol, and a state machine for the
//! orders in which they may come.
//!
//! Servers and test kits implement [`Transport`]; applications and middleware implement [`Application`]. Neither has to
//! know the other.
//!
//! ```
//! use solent_spec::{Connection, Http, Result, http::{Inbound, Outbound}};
//!
//! async fn hello(mut connection: Connection<Http>) -> Result {
//!     let greeting = format!("You asked for {}.", connection.scope().path());
//!     connection.send(Outbound::text(greeting)).await?;
//!     Ok(())
//! }
//! # fn application(_: impl solent_spec::Application<Http>) {}
//! # application(hello);
//! ```
//!
//! # What is in it?
//!
//! - [`Connection`]: a scope and a transport, owned by one application for as long as it lives.
//! - [`Head`] and [`Link`]: the request and the circumstances that the scopes of HTTP and WebSocket share.
//! - [`Message`]: what travels through a channel layer, a MessagePack map with a `type`.
//! - [`SharedFrame`](websocket::SharedFrame): what one WebSocket message to many clients is made of, encoded once.
//! - [`tower`]: HTTP applications from services and services from applications.
//!
//! # What is not here?
//!
//! No runtime and no I/O: nothing in this crate opens a socket or starts a task, and only
//! [`Throttle`] looks at a clock.

mod application;
mod body;
mod closed;
mod connection;
mod draining;
mod error;
mod fault;
mod mismatch;
mod protocol;
mod throttle;

pub mod channel;
pub mod http;
pub mod json;
pub mod lifespan;
pub mod message;
mod middleware;
pub mod request;
pub mod tower;
pub mod websocket;

pub use self::{
    application::{Application, BoxApplication, BoxFuture},
    body::Body,
    channel::Channel,
    closed::{Closed, ClosedSignal},
    connection::{Connection, Transport},
    draining::Draining,
    error::{AppError, BoxError, Chain, Result, SendError, TryLater, is_disconnect},
    fault::{client_fault, client_fault_close},
    http::Http,
    lifespan::Lifespan,
    message::Message,
    middleware::{FromFn, Middleware, Next, from_fn},
    protocol::{HttpProtocol, Protocol},
    request::{Head, Link, RequestScope},
    throttle::Throttle,
    websocket::WebSocket,
};
