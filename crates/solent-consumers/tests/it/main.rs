//! Consumers from outside: what they promise to those who write them, on scripted transports and paused time.

/// Scripted clients, and small things the tests share.
mod support;

/// Which types may cross threads.
mod auto_traits;
/// Workers and channel consumers.
mod channel;
/// Clients that leave while a handler runs.
mod closed;
/// `disconnect` exactly once, whatever ends the connection.
mod disconnect;
/// What a client is to blame for.
mod fault;
/// HTTP consumers.
mod http;
/// Groups and events.
mod layer;
/// Handles, timers and tasks.
mod own;
/// Ready frames, and whose turn it is.
mod ready;
/// Consumers whose handlers block.
mod sync;
/// What the log tells of consumers that fail.
mod told;
/// The handshake, messages and closing, row by row as Channels tests them.
mod websocket;
