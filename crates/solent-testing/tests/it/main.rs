//! The crate from outside.

// Which of the public types are `Send` and `Sync`.
mod auto_traits;
// Messages to workers.
mod channel;
// What all communicators promise, on a protocol of the test's own.
mod communicator;
// The layer conformance kit, tried on sound layers and on one with selectable defects.
mod conformance;
// Requests and responses, whole and streamed.
mod http;
// Start-up and shutdown.
mod lifespan;
// A real client at a real port.
mod live;
// A function as middleware, for both protocols.
mod middleware;
// Targets, headers and circumstances of a request, as the application sees them.
mod request;
// Handshakes, messages and closes.
mod websocket;
