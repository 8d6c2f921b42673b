//! Bursts of what others publish.

use solent_layer::{Capacities, ChannelLayer, Delivery, Mailbox};
use solent_layer_redis::RedisPubSubLayer;
use solent_test_servers::RedisServer;

use crate::scene::*;

/// What is published, by somebody who knows Redis and MessagePack only.
const BURST: u64 = 3000;

async fn publish(server: &RedisServer) {
    for n in 0..BURST {
        let payload = number(n).encoded().clone();
        let publish = [&b"PUBLISH"[..], b"asgi__group__room", &payload];
        server.query(&publish).await.unwrap();
    }
}

async fn members(layer: &RedisPubSubLayer) -> Vec<Mailbox> {
    let mut members = Vec::new();
    for _ in 0..20 {
        members.push(member(layer).await);
    }
    members
}

#[tokio::test]
async fn burst_that_is_published_reaches_every_mailbox_whole() {
    let server = RedisServer::start().await.unwrap();
    let layer = RedisPubSubLayer::new(hasty(&server.url())).unwrap();
    let mut members = members(&layer).await;

    // Nobody reads meanwhile.
    publish(&server).await;

    for mailbox in &mut members {
        for n in 0..BURST {
            let delivery = deliver(mailbox).await;
            assert!(
                matches!(&delivery, Delivery::Message(message) if read(message) == n),
                "{n} was to arrive, not {delivery:?}"
            );
        }
    }
    assert_eq!(layer.drops().unwrap().total(), 0);
}

#[tokio::test]
async fn what_a_stalled_reader_does_not_receive_it_is_told_of_exactly() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).capacities(Capacities::new(500));
    let layer = RedisPubSubLayer::new(config).unwrap();
    let mut members = members(&layer).await;

    publish(&server).await;
    let drops = layer.drops().unwrap();
    let dropped = (BURST - 500) * members.len() as u64;
    until("all have arrived", async || drops.total() == dropped).await;

    for mailbox in &mut members {
        for n in 0..500 {
            assert_eq!(receive(mailbox).await, n);
        }
        let Delivery::Gap(gap) = deliver(mailbox).await else {
            panic!("a gap was to be told");
        };
        assert_eq!((gap.lost, gap.uncounted), (BURST - 500, false));
    }
}
