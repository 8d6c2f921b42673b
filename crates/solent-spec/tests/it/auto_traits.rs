use std::sync::Arc;

use solent_spec::{
    Body, BoxApplication, BoxFuture, Channel, Connection, Http, Lifespan, Link, Message, Result,
    SendError, WebSocket,
    channel::ChannelScope,
    http::{ExchangeBody, ExchangeFuture, HttpOrder, HttpScope},
    lifespan::{LifespanOrder, LifespanScope},
    message::{DecodeError, EncodeError},
    request::{CompactHead, HeaderBlock, Listener, ParamError, Path, UrlRoute},
    tower::{ApplicationService, ServiceApplication, ServiceFuture},
    websocket::{Close, Frame, FrameSinkHandle, SharedFrame, WebSocketOrder, WebSocketScope},
};

fn send<T: Send>() {}
fn sync<T: Send + Sync>() {}
fn unpin<T: Unpin>() {}

#[test]
fn what_an_application_holds_moves_between_threads() {
    send::<Body>();
    send::<BoxFuture<Result>>();
    send::<Connection<Channel>>();
    send::<Connection<Http>>();
    send::<Connection<Lifespan>>();
    send::<Connection<WebSocket>>();
    send::<ExchangeBody>();
    send::<ExchangeFuture>();
    send::<ServiceFuture>();
    send::<solent_spec::http::Inbound>();
    send::<solent_spec::http::Outbound>();
    send::<solent_spec::lifespan::Inbound>();
    send::<solent_spec::lifespan::Outbound>();
    send::<solent_spec::websocket::Inbound>();
    send::<solent_spec::websocket::Outbound>();
}

#[test]
fn what_many_connections_share_is_sync() {
    sync::<ApplicationService>();
    sync::<BoxApplication<Http>>();
    sync::<BoxApplication<WebSocket>>();
    sync::<ChannelScope>();
    sync::<Close>();
    sync::<CompactHead>();
    sync::<DecodeError>();
    sync::<EncodeError>();
    sync::<Frame>();
    sync::<FrameSinkHandle>();
    sync::<HeaderBlock>();
    sync::<HttpOrder>();
    sync::<HttpScope>();
    sync::<LifespanOrder>();
    sync::<LifespanScope>();
    sync::<Link>();
    sync::<Listener>();
    sync::<Message>();
    sync::<ParamError>();
    sync::<Path>();
    sync::<SendError>();
    sync::<ServiceApplication<Arc<()>>>();
    sync::<SharedFrame>();
    sync::<UrlRoute>();
    sync::<WebSocketOrder>();
    sync::<WebSocketScope>();
}

#[test]
fn what_is_polled_needs_no_pinning() {
    unpin::<Body>();
    unpin::<Connection<Http>>();
    unpin::<ExchangeBody>();
    unpin::<ExchangeFuture>();
    unpin::<ServiceFuture>();
}
