//! Tests of what is built with Solent.
//!
//! A **communicator** is the client of one application, in the test's own process: no sockets, no ports, no waiting.
//! What it sends the application receives, and the reverse, under the ordering rules of the protocol.
//!
//! ```
//! use solent_spec::{Connection, Result, WebSocket, websocket::{Inbound, Outbound}};
//! use solent_testing::WebSocketCommunicator;
//!
//! async fn shout(mut connection: Connection<WebSocket>) -> Result {
//!     while let Some(event) = connection.receive().await {
//!         match event {
//!             Inbound::Connect => connection.send(Outbound::accept()).await?,
//!             Inbound::Message(frame) => {
//!                 let text = frame.as_text().ok_or("text, please")?.to_uppercase();
//!                 connection.send(Outbound::Message(text.into())).await?;
//!             }
//!             Inbound::Disconnect(_) => break,
//!         }
//!     }
//!     Ok(())
//! }
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)] // in a test: #[tokio::test(start_paused = true)]
//! async fn main() -> Result {
//!     let mut client = WebSocketCommunicator::start(shout, "/ws/")?;
//!     client.connect().await?.accepted()?;
//!
//!     client.send_text("hello").await?;
//!     assert_eq!(client.receive_text().await?, "HELLO");
//!
//!     client.send_binary([0]).await?;
//!     let error = client.receive().await.unwrap_err();
//!     assert_eq!(error.application_error().unwrap().to_string(), "text, please");
//!     Ok(())
//! }
//! ```
//!
//! # What is in it?
//!
//! - [`HttpCommunicator`], [`WebSocketCommunicator`], [`LifespanCommunicator`] and [`ChannelCommunicator`] speak their
//!   protocols; [`Communicator`] speaks any, yours too, with the [`Rules`] you give it.
//! - [`TestRequest`]: what a client sends and a server knows, down to addresses, state and features.
//! - [`CommunicatorError`]: what was wanted and what came, or the application's own error.
//! - [`LiveServer`]: a server on a port of its own, for browsers and other real clients.
//! - [`conformance`]: every promise of a channel layer as a test, for authors of layers.
//!
//! # How does time pass?
//!
//! Run tests with a paused clock: `#[tokio::test(start_paused = true)]`. A wait then takes no time at all, and yet is
//! exact, since the clock only moves when nothing else can: [`receive_nothing`](Communicator::receive_nothing) means that the
//! application and all its tasks have gone as far as they could, and an application's own timers go off in order.
//!
//! A time-out is an answer, not the end: the application goes on, and so may the test. Only [`Communicator::stop`] stops an
//! application; dropping a communicator is leaving, which every application has to bear.
//!
//! # What is not here?
//!
//! No client: take the one you like for a [`LiveServer`]. No mocks of applications: an `async fn` is one.

mod channel;
mod communicator;
mod config;
mod error;
mod http;
mod lifespan;
mod live;
mod queues;
mod request;
mod rules;
mod websocket;

pub mod conformance;

pub use self::{
    channel::ChannelCommunicator,
    communicator::Communicator,
    config::CommunicatorConfig,
    error::CommunicatorError,
    http::{HttpCommunicator, TestResponse},
    lifespan::LifespanCommunicator,
    live::LiveServer,
    request::TestRequest,
    rules::{AnyOrder, Rules},
    websocket::{Accepted, Answer, Rejection, WebSocketCommunicator},
};
