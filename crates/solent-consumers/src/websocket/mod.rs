//! Consumers of WebSockets.

mod application;
mod consumer;
mod context;
mod json;
mod session;
mod sync;
mod sync_context;

pub use self::{
    application::{WebSocketApplication, websocket_consumer},
    consumer::WebSocketConsumer,
    context::WebSocketContext,
    json::{Json, JsonWebSocketConsumer, json_websocket_consumer},
    sync::{
        BlockingJsonWebSocket, BlockingWebSocket, SyncJsonWebSocketConsumer, SyncWebSocketConsumer,
        sync_json_websocket_consumer, sync_websocket_consumer,
    },
    sync_context::SyncWebSocketContext,
};
