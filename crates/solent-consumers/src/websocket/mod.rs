//! Consumers of WebSockets.

mod consumer;
mod context;
mod input;
mod session;
mod sync;
mod sync_context;

pub use self::{
    consumer::WebSocketConsumer,
    context::WebSocketContext,
    input::{FromFrame, InvalidFrame, Json, MessagePack},
    sync::{BlockingWebSocket, SyncWebSocketConsumer},
    sync_context::SyncWebSocketContext,
};
