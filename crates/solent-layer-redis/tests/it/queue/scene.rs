//! What these tests have in common.

use std::time::Duration;

use solent_layer::{ChannelLayer, Delivery, GroupName, Mailbox, Message};
use solent_layer_redis::{RedisConfig, RedisQueueLayer};
use solent_testing::servers::{RedisServer, Reply};
use tokio::time::timeout;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long nothing must happen to be believed.
const SETTLE: Duration = Duration::from_millis(200);

/// A layer on database 0 of a server.
pub(super) fn layer(server: &RedisServer) -> RedisQueueLayer {
    layer_with(server, |config| config)
}

pub(super) fn layer_with(
    server: &RedisServer,
    change: impl FnOnce(RedisConfig) -> RedisConfig,
) -> RedisQueueLayer {
    let config = RedisConfig::default().hosts([host(&server.url())]);
    RedisQueueLayer::new(change(config)).unwrap()
}

pub(super) fn host(url: &str) -> solent_layer_redis::RedisHost {
    url.parse().unwrap()
}

/// A message with a number.
pub(super) fn number(number: u64) -> Message {
    Message::encode(&std::collections::BTreeMap::from([("n", number)])).unwrap()
}

/// The number of the message that arrives next, whatever may have been missed before it.
pub(super) async fn receive(mailbox: &mut Mailbox) -> u64 {
    loop {
        match deliver(mailbox).await {
            Delivery::Message(message) => return read(&message),
            Delivery::Gap(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The mailbox is told that it may have missed messages.
pub(super) async fn receive_gap(mailbox: &mut Mailbox) {
    let delivery = deliver(mailbox).await;
    assert!(matches!(delivery, Delivery::Gap(_)), "{delivery:?}");
}

pub(super) async fn receive_nothing(mailbox: &mut Mailbox) {
    if let Ok(delivery) = timeout(SETTLE, mailbox.recv()).await {
        panic!("nothing was to arrive, not {delivery:?}");
    }
}

async fn deliver(mailbox: &mut Mailbox) -> Delivery {
    let delivery = timeout(PATIENCE, mailbox.recv()).await;
    delivery
        .expect("something was to arrive")
        .expect("the mailbox is open")
}

pub(super) fn read(message: &Message) -> u64 {
    message
        .decode::<std::collections::BTreeMap<String, u64>>()
        .unwrap()["n"]
}

pub(super) fn room() -> GroupName {
    "room".parse().unwrap()
}

/// A mailbox that is a member of the room.
pub(super) async fn member(layer: &RedisQueueLayer) -> Mailbox {
    let mailbox = layer.open("a.").await.unwrap();
    layer.group_add(&room(), mailbox.name()).await.unwrap();
    mailbox
}

/// The members of a sorted set.
pub(super) async fn set(server: &RedisServer, key: &str) -> Vec<Vec<u8>> {
    match server.query(&["ZRANGE", key, "0", "-1"]).await.unwrap() {
        Reply::List(items) => items
            .into_iter()
            .map(|item| match item {
                Reply::Bytes(octets) => octets,
                other => panic!("{other:?}"),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn add(server: &RedisServer, key: &str, score: f64, member: &[u8]) {
    let score = score.to_string();
    let command = [&b"ZADD"[..], key.as_bytes(), score.as_bytes(), member];
    server.query(&command).await.unwrap();
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs_f64()
}

/// Asks until the answer is yes.
pub(super) async fn until(what: &str, mut yes: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !yes().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(PATIENCE, asking).await.is_err() {
        panic!("{what}: was to become true");
    }
}
