//! solent-auth from outside.

// What the applications behind a middleware are, and what the log was told.
mod log;
mod open;

// Which pages may open a WebSocket.
mod origin;
