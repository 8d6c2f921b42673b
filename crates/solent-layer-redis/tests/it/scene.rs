//! What the tests of both layers have in common.

use std::{collections::BTreeMap, time::Duration};

use solent_layer::{ChannelLayer, Delivery, GroupName, Mailbox, Message};
use solent_layer_redis::{Backoff, RedisConfig, RedisHost};
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long nothing must happen to be believed.
const SETTLE: Duration = Duration::from_millis(200);

pub(crate) fn host(url: &str) -> RedisHost {
    url.parse().unwrap()
}

/// Settings that try to connect often.
pub(crate) fn hasty(url: &str) -> RedisConfig {
    let backoff = Backoff::default()
        .first(Duration::from_millis(1))
        .most(Duration::from_millis(50));
    RedisConfig::default().hosts([host(url)]).backoff(backoff)
}

/// A message with a number.
pub(crate) fn number(number: u64) -> Message {
    Message::encode(&BTreeMap::from([("n", number)])).unwrap()
}

pub(crate) fn read(message: &Message) -> u64 {
    message.decode::<BTreeMap<String, u64>>().unwrap()["n"]
}

/// The number of the message that arrives next, whatever may have been missed before it.
pub(crate) async fn receive(mailbox: &mut Mailbox) -> u64 {
    loop {
        match deliver(mailbox).await {
            Delivery::Message(message) => return read(&message),
            Delivery::Gap(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The mailbox is told that it may have missed messages.
pub(crate) async fn receive_gap(mailbox: &mut Mailbox) {
    let delivery = deliver(mailbox).await;
    assert!(matches!(delivery, Delivery::Gap(_)), "{delivery:?}");
}

pub(crate) async fn receive_nothing(mailbox: &mut Mailbox) {
    if let Ok(delivery) = timeout(SETTLE, mailbox.recv()).await {
        panic!("nothing was to arrive, not {delivery:?}");
    }
}

pub(crate) async fn deliver(mailbox: &mut Mailbox) -> Delivery {
    let delivery = timeout(PATIENCE, mailbox.recv()).await;
    delivery
        .expect("something was to arrive")
        .expect("the mailbox is open")
}

pub(crate) fn room() -> GroupName {
    "room".parse().unwrap()
}

/// A mailbox, however often it has to be tried: a layer with little patience gives up on a busy machine.
pub(crate) async fn opened(layer: &impl ChannelLayer) -> Mailbox {
    let mut opened = None;
    until("a channel is opened", async || {
        opened = layer.open("a.").await.ok();
        opened.is_some()
    })
    .await;
    opened.expect("it was opened")
}

/// A mailbox that is a member of the room.
pub(crate) async fn member(layer: &impl ChannelLayer) -> Mailbox {
    let mailbox = opened(layer).await;
    join(layer, &mailbox).await;
    mailbox
}

pub(crate) async fn join(layer: &impl ChannelLayer, mailbox: &Mailbox) {
    until("the mailbox is a member", async || {
        layer.group_add(&room(), mailbox.name()).await.is_ok()
    })
    .await;
}

/// Asks again and again until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
