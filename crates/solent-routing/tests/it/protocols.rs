use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures::executor::block_on;
use solent_routing::{ChannelRouter, NoApplication, Protocols};
use solent_spec::{
    BoxApplication, Channel, Connection, Http, Lifespan, Message, Result, SendError, Transport,
    WebSocket, channel::ChannelScope,
};

use super::driver::{app, connect, get};

/// A worker without messages.
struct Idle;

impl Transport<Channel> for Idle {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<Message>> {
        Poll::Ready(None)
    }

    fn start_send(&mut self, event: Infallible) -> Result<(), SendError> {
        match event {}
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn protocol_router_finds_applications_by_protocol() {
    let protocols = Protocols::new()
        .with::<Http>(app(1))
        .with::<WebSocket>(app(2));

    assert_eq!(get(protocols.get::<Http>().unwrap(), "/").answer, 1);
    assert_eq!(
        connect(protocols.get::<WebSocket>().unwrap(), &[], "/").answer,
        2
    );
    assert!(protocols.get::<Lifespan>().is_none());
}

#[test]
fn channel_router_finds_applications_by_name() {
    let ended = |text: &'static str| move |_: Connection<Channel>| async move { Err(text.into()) };
    let router = ChannelRouter::new()
        .channel("test", ended("test was called"))
        .channel("other_test", ended("other_test was called"));
    let router = BoxApplication::new(router);
    let call = |channel: &str| {
        block_on(router.call(Connection::new(ChannelScope::new(channel), Idle))).unwrap_err()
    };

    assert_eq!(call("test").to_string(), "test was called");
    assert_eq!(call("other_test").to_string(), "other_test was called");
    let error = call("chat");
    assert!(
        error.is::<NoApplication>() && error.to_string().contains("\"chat\""),
        "{error}"
    );
}
