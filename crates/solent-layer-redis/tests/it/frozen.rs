//! What stands still: connections stay open, and nothing answers.

use std::{sync::Arc, time::Duration};

use solent_layer::{ChannelLayer, DynLayer, Mailbox};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisQueueLayer, RedisSentinel};
use solent_test_servers::{RedisSentinels, RedisServer};
use tokio::time::{Instant, timeout};

use crate::scene::*;

/// Time limits that are over soon.
fn short(config: RedisConfig) -> RedisConfig {
    config
        .heartbeat(Duration::from_millis(300))
        .connect_timeout(Duration::from_millis(300))
        .response_timeout(Duration::from_millis(300))
        .send_wait(Duration::from_millis(300))
}

/// Sends until a message arrives.
async fn reach(layer: &DynLayer, mailbox: &mut Mailbox) {
    let mut n = 0;
    until("a message arrives", async || {
        n += 1;
        let _ = layer.group_send(&room(), number(n)).await;
        let waiting = timeout(Duration::from_millis(100), mailbox.recv());
        matches!(waiting.await, Ok(Some(solent_layer::Delivery::Message(_))))
    })
    .await;
}

/// The master stands still and its replica is promoted: who was there before receives again, though the old one never wakes.
async fn follow(make: impl Fn(RedisConfig) -> DynLayer) {
    let sentinels = RedisSentinels::start().await.unwrap();
    let places = sentinels.sentinels().iter();
    let places = places.map(|sentinel| ("127.0.0.1", sentinel.port()));
    let host = RedisSentinel::new(sentinels.master_name(), places);
    let layer = make(short(hasty("redis://").hosts([host])));
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox).await;

    let master = sentinels.master().await.unwrap();
    master.pause().await.unwrap();
    until("another is master", async || {
        sentinels
            .master()
            .await
            .is_ok_and(|now| now.port() != master.port())
    })
    .await;

    reach(&layer, &mut mailbox).await;
}

#[tokio::test]
async fn subscriber_leaves_a_master_that_stands_still() {
    follow(|config| DynLayer::new(RedisPubSubLayer::new(config).unwrap())).await;
}

#[tokio::test]
async fn reader_leaves_a_master_that_stands_still() {
    follow(|config| DynLayer::new(RedisQueueLayer::new(config).unwrap())).await;
}

#[tokio::test]
async fn subscriber_that_is_cut_off_without_a_word_hears_of_a_gap() {
    let server = RedisServer::start().await.unwrap();
    let wire = solent_test_servers::Proxy::start(server.addr())
        .await
        .unwrap();
    for queue in [false, true] {
        let config = short(hasty(&server.url_via(&wire)));
        let layer = if queue {
            DynLayer::new(RedisQueueLayer::new(config).unwrap())
        } else {
            DynLayer::new(RedisPubSubLayer::new(config).unwrap())
        };
        let mut mailbox = member(&layer).await;
        let before = wire.accepted();

        wire.stall();
        until("another connection is tried", async || {
            wire.accepted() > before
        })
        .await;
        wire.resume().await.unwrap();

        receive_gap(&mut mailbox).await;
    }
}

#[tokio::test]
async fn every_sender_hears_in_time_that_redis_stands_still() {
    let server = RedisServer::start().await.unwrap();
    let layer = RedisPubSubLayer::new(short(hasty(&server.url()))).unwrap();
    let layer = Arc::new(layer);
    until("redis is there", async || {
        layer.group_send(&room(), number(0)).await.is_ok()
    })
    .await;

    server.pause().await.unwrap();
    let mut senders = Vec::new();
    for n in 0..40 {
        let layer = Arc::clone(&layer);
        senders.push(tokio::spawn(async move {
            let begun = Instant::now();
            let sent = layer.group_send(&room(), number(n)).await;
            (sent.is_err(), begun.elapsed())
        }));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    for sender in senders {
        let (failed, waited) = sender.await.unwrap();
        assert!(failed, "nobody was there to take it");
        // One answer and one connection, each waited for in vain, and some time to spare for a busy machine.
        assert!(waited < Duration::from_secs(2), "{waited:?}");
    }
}
