//! A protocol server: HTTP/1.1 and WebSocket on one side, applications on the other.
//!
//! It accepts connections, turns them into scopes and events, and calls an application for each. It enforces the limits
//! that keep a peer from doing harm, keeps connections alive, and ends without cutting a client off.
//!
//! # What is in it?
//!
//! - [`Server`]: settings and applications; [`BoundServer`]: the same once it listens; [`ServerHandle`]: stops it.
//! - [`ServerConfig`]: every limit and time-out, with its default.
//! - [`Bind`]: where to listen, TCP or Unix sockets, also inherited ones.
//! - [`ProxyProtocolConfig`]: which peers say whose connection it is, by the PROXY protocol.
//!
//! # How is a WebSocket served?
//!
//! hyper reads the handshake. The application runs inside the response until it accepts; from then on it runs on a task
//! of its own that owns the raw socket, and nothing of hyper is left. Reads go to a buffer that all sockets of a
//! thread share; what is sent is written at once, or, while more input is at hand, together with the answers to
//! it. An idle socket owns no buffer.
//!
//! # What is not here?
//!
//! No channel layer, no routing, no consumers: an application brings its own.

mod clock;
mod connection;
mod failure;
mod http;
mod listen;
mod proxy;
mod server;
mod settings;
mod websocket;

pub use self::{
    listen::{Account, Bind, BindParseError, UnixSocket},
    proxy::ProxyProtocolConfig,
    server::{BoundServer, ServeError, Server, ServerHandle, shutdown_signal},
    settings::{
        ConnectionLimits, DeflateConfig, DrainConfig, HttpLimits, ServerConfig, WebSocketConfig,
    },
};
