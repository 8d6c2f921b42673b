//! The crate from outside.

// Which of the public types are `Send`, `Sync` and `Unpin`.
mod auto_traits;
// Applications as requests and responses: errors, streaming, backpressure, clients that leave.
mod exchange;
// What decodes as a message and what does not.
mod message;
// In which order events may be sent, against a second opinion.
mod order;
// Services as applications and applications as services.
mod tower;
