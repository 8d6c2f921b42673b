//! Sessions: what is remembered of a browser, and where.

mod http;
mod memory;
mod object;
pub(crate) mod probe;
mod websocket;
