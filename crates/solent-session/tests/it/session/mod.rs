//! Sessions: what is remembered of a browser, and where.

// What every store that keeps sessions itself promises.
mod contract;
// A store that counts, and fails as it is told.
pub(crate) mod probe;

// A session by itself, with HTTP responses, and with sockets.
mod http;
mod object;
mod websocket;

// Responses that wait for a store.
mod waiting;

// The stores.
mod cookie_store;
mod memory;

// Requests of one browser at the same time.
mod merge;
#[cfg(all(unix, feature = "redis"))]
mod redis;
#[cfg(feature = "tower-sessions")]
mod tower;
