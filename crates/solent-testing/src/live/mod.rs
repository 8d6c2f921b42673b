//! A server on a port of its own, for clients that need one.

mod server;

pub use self::server::LiveServer;
