//! What survives when Redis goes away and comes back.

use std::time::Duration;

use solent_layer::{ChannelLayer, LayerError, Mailbox, SendError};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisSentinel};
use solent_test_servers::{Proxy, RedisCluster, RedisSentinels, RedisServer};
use tokio::runtime::Handle;

use crate::{promises::unhurried, scene::*};

fn layer(url: &str) -> RedisPubSubLayer {
    RedisPubSubLayer::new(hasty(url)).unwrap()
}

/// A message reaches a member, however often it has to be sent.
async fn reach(layer: &RedisPubSubLayer, mailbox: &mut Mailbox, n: u64) {
    until("a group can be sent to", async || {
        let sent = layer.group_send(&room(), number(n)).await;
        sent.is_ok_and(|report| report.processes == 1)
    })
    .await;
    assert_eq!(receive(mailbox).await, n);
}

#[tokio::test]
async fn subscriptions_are_back_before_the_gap_is_told() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server.url()), layer(&server.url()));
    let mut mailbox = member(&here).await;
    reach(&there, &mut mailbox, 0).await;

    for n in 1..6 {
        server.kill().await.unwrap();
        server.restart().await.unwrap();
        receive_gap(&mut mailbox).await;
        // Sent at once, and not twice.
        reach(&there, &mut mailbox, n).await;
        receive_nothing(&mut mailbox).await;
    }
}

#[tokio::test]
async fn cut_while_nothing_is_sent_is_not_noticed_by_senders() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server.url());
    let mut mailbox = member(&layer).await;

    for n in 0..5 {
        layer.group_send(&room(), number(n)).await.unwrap();
        assert_eq!(receive(&mut mailbox).await, n);
        server.kill().await.unwrap();
        server.restart().await.unwrap();
        receive_gap(&mut mailbox).await;
    }
}

#[tokio::test]
async fn killed_connections_come_back() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server.url());
    let mut mailbox = member(&layer).await;
    let mut listener = layer.listen(&"jobs".parse().unwrap()).await.unwrap();
    reach(&layer, &mut mailbox, 0).await;

    for n in 1..20 {
        for kind in ["normal", "pubsub"] {
            let kill = ["CLIENT", "KILL", "TYPE", kind];
            server.command(&kill).await.unwrap();
        }
        receive_gap(&mut mailbox).await;
        receive_gap(&mut listener).await;
        reach(&layer, &mut mailbox, n).await;
        until("a name can be sent to", async || {
            layer.send(listener.name(), number(n)).await.is_ok()
        })
        .await;
        assert_eq!(receive(&mut listener).await, n);
    }
}

#[tokio::test]
async fn thousand_cuts_leave_nothing_behind() {
    let server = RedisServer::start().await.unwrap();
    let wire = Proxy::start(server.addr()).await.unwrap();
    let layer = layer(&server.url_via(&wire));
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 0).await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    let connections = wire.open();

    for _ in 0..1000 {
        wire.cut().await;
        receive_gap(&mut mailbox).await;
    }

    reach(&layer, &mut mailbox, 1).await;
    until("no task and no connection is left over", async || {
        Handle::current().metrics().num_alive_tasks() <= tasks && wire.open() <= connections
    })
    .await;
}

#[tokio::test]
async fn sends_wait_for_a_while_and_then_say_what_is_wrong() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::from_millis(100));
    let layer = RedisPubSubLayer::new(config).unwrap();
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 0).await;

    server.kill().await.unwrap();
    until("the connection is known to be broken", async || {
        let sent = layer.group_send(&room(), number(1)).await;
        let Err(SendError::Layer(LayerError::Away(error))) = sent else {
            panic!("nobody was to take it: {sent:?}");
        };
        error.to_string().contains("out of reach")
    })
    .await;

    server.restart().await.unwrap();
    receive_gap(&mut mailbox).await;
    reach(&layer, &mut mailbox, 2).await;
}

#[tokio::test]
async fn send_that_may_not_wait_fails_until_there_is_a_connection() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::ZERO);
    let layer = RedisPubSubLayer::new(config).unwrap();

    let first = layer.group_send(&room(), number(1)).await;

    assert!(first.is_err(), "{first:?}");
    until("there is a connection", async || {
        layer.group_send(&room(), number(2)).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn nobody_joins_while_redis_is_away() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::from_millis(300));
    let layer = RedisPubSubLayer::new(config).unwrap();
    let mut mailbox = opened(&layer).await;
    server.kill().await.unwrap();

    until("a channel cannot be opened", async || {
        matches!(layer.open("a.").await, Err(LayerError::Away(_)))
    })
    .await;
    let joined = layer.group_add(&room(), mailbox.name()).await;
    assert!(matches!(joined, Err(LayerError::Away(_))), "{joined:?}");
    let listening = layer.listen(&"jobs".parse().unwrap()).await;
    assert!(matches!(listening, Err(LayerError::Away(_))));
    server.restart().await.unwrap();

    // What failed has left nothing behind.
    receive_gap(&mut mailbox).await;
    let nobody = server
        .command(&["PUBSUB", "NUMSUB", "asgi__group__room"])
        .await;
    assert_eq!(nobody.unwrap(), "asgi__group__room\n0");
    join(&layer, &mailbox).await;
    reach(&layer, &mut mailbox, 2).await;
}

#[tokio::test]
async fn channels_hear_from_all_hosts_though_others_gave_up_opening_theirs() {
    let (one, other) = (
        RedisServer::start().await.unwrap(),
        RedisServer::start().await.unwrap(),
    );
    let config = unhurried(RedisConfig::default().hosts([host(&one.url()), host(&other.url())]));
    let layer = RedisPubSubLayer::new(config).unwrap();
    for _ in 0..20 {
        // Polled once, and given up.
        let opening = layer.open("a.");
        tokio::select! {
            biased;
            _ = opening => {}
            () = std::future::ready(()) => {}
        }
    }

    let opened = (0..40).map(|_| layer.open("a."));
    let mailboxes = futures::future::join_all(opened).await;

    for (n, mailbox) in (0..).zip(mailboxes) {
        let mut mailbox = mailbox.unwrap();
        layer.send(mailbox.name(), number(n)).await.unwrap();
        assert_eq!(receive(&mut mailbox).await, n);
    }
}

#[tokio::test]
async fn stalled_redis_is_waited_for() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server.url()), layer(&server.url()));
    let mut mailbox = member(&here).await;
    reach(&there, &mut mailbox, 0).await;

    server.pause().await.unwrap();
    let sending = tokio::spawn(async move { there.group_send(&room(), number(1)).await });
    receive_nothing(&mut mailbox).await;
    server.resume().await.unwrap();

    assert!(sending.await.unwrap().is_ok());
    assert_eq!(receive(&mut mailbox).await, 1);
}

#[tokio::test]
async fn promoted_replica_is_found() {
    let sentinels = RedisSentinels::start().await.unwrap();
    let ports = sentinels.sentinels().iter();
    let addresses: Vec<_> = ports.map(|one| ("127.0.0.1", one.port())).collect();
    let host = RedisSentinel::new(sentinels.master_name(), addresses);
    let layer = RedisPubSubLayer::new(hasty("redis://").hosts([host])).unwrap();
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 0).await;

    sentinels.fail_over().await.unwrap();

    receive_gap(&mut mailbox).await;
    reach(&layer, &mut mailbox, 1).await;
}

#[tokio::test]
async fn cluster_goes_on_without_a_node() {
    for sharded in [false, true] {
        let cluster = RedisCluster::builder()
            .masters(3)
            .replicas()
            .start()
            .await
            .unwrap();
        let nodes: Vec<_> = cluster
            .nodes()
            .iter()
            .map(|node| ("127.0.0.1", node.port()))
            .collect();
        let host = solent_layer_redis::RedisCluster::new(nodes).sharded_pubsub(sharded);
        let layer = RedisPubSubLayer::new(hasty("redis://").hosts([host])).unwrap();
        let mut mailbox = member(&layer).await;

        for taken in 0..2 {
            cluster.take_away(taken).await.unwrap();
            let mut n = 0;
            until("a message gets through", async || {
                n += 1;
                let _ = layer.group_send(&room(), number(n)).await;
                let waiting = tokio::time::timeout(Duration::from_millis(100), mailbox.recv());
                matches!(waiting.await, Ok(Some(solent_layer::Delivery::Message(_))))
            })
            .await;
            cluster.bring_back(taken).await.unwrap();
        }
    }
}
