//! What survives when Redis goes away and comes back.

use std::time::{Duration, Instant};

use solent_layer::{ChannelLayer, ChannelName, LayerError, SendError};
use solent_layer_redis::RedisQueueLayer;
use solent_test_servers::{Proxy, RedisCluster, RedisSentinels, RedisServer};
use tokio::runtime::Handle;

use super::scene::*;
use crate::scene::*;

fn hasty_layer(server: &RedisServer) -> RedisQueueLayer {
    RedisQueueLayer::new(hasty(&server.url())).unwrap()
}

/// A message reaches a member, however often it has to be sent.
async fn reach(layer: &RedisQueueLayer, mailbox: &mut solent_layer::Mailbox, n: u64) {
    until("a group can be sent to", async || {
        let sent = layer.group_send(&room(), number(n)).await;
        sent.is_ok_and(|report| report.delivered == 1)
    })
    .await;
    assert_eq!(receive(mailbox).await, n);
}

#[tokio::test]
async fn members_join_again_when_redis_has_lost_everything() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (hasty_layer(&server), hasty_layer(&server));
    let mut mailbox = member(&here).await;
    reach(&there, &mut mailbox, 1).await;

    server.kill().await.unwrap();
    server.restart().await.unwrap();

    receive_gap(&mut mailbox).await;
    reach(&there, &mut mailbox, 2).await;
    receive_nothing(&mut mailbox).await;
}

#[tokio::test]
async fn member_has_joined_again_before_it_is_told_of_a_gap() {
    let server = RedisServer::start().await.unwrap();
    let layer = hasty_layer(&server);
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 1).await;

    for _ in 0..5 {
        server.kill().await.unwrap();
        server.restart().await.unwrap();
        receive_gap(&mut mailbox).await;
        assert_eq!(set(&server, "asgi:group:room").await.len(), 1);
    }
}

#[tokio::test]
async fn mailboxes_that_are_dropped_while_redis_is_away_leave_when_it_is_back() {
    let server = RedisServer::builder().persistent().start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::from_millis(100));
    let layer = RedisQueueLayer::new(config).unwrap();
    let (mut stays, goes) = (member(&layer).await, member(&layer).await);
    server.kill().await.unwrap();

    drop(goes);
    assert!(layer.group_discard(&room(), stays.name()).await.is_err());
    server.restart().await.unwrap();

    receive_gap(&mut stays).await;
    until("one has left", async || {
        set(&server, "asgi:group:room").await == [stays.name().as_str().as_bytes()]
    })
    .await;
    layer.group_discard(&room(), stays.name()).await.unwrap();
    assert!(set(&server, "asgi:group:room").await.is_empty());
}

#[tokio::test]
async fn killed_connections_come_back() {
    let server = RedisServer::start().await.unwrap();
    let layer = hasty_layer(&server);
    let mut mailbox = member(&layer).await;
    let jobs: ChannelName = "jobs".parse().unwrap();
    let mut listener = layer.listen(&jobs).await.unwrap();
    reach(&layer, &mut mailbox, 0).await;

    for n in 1..20 {
        receive_nothing(&mut listener).await;
        server
            .command(&["CLIENT", "KILL", "TYPE", "normal"])
            .await
            .unwrap();
        receive_gap(&mut mailbox).await;
        receive_gap(&mut listener).await;
        reach(&layer, &mut mailbox, n).await;
        layer.send(&jobs, number(n)).await.unwrap();
        assert_eq!(receive(&mut listener).await, n);
    }
}

#[tokio::test]
async fn sends_fail_with_a_reason_while_redis_is_away() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::from_millis(100));
    let layer = RedisQueueLayer::new(config).unwrap();
    let mailbox = member(&layer).await;
    server.kill().await.unwrap();

    let begun = Instant::now();
    let mut failed = None;
    // The first may be told that the connection broke while Redis worked on it.
    for _ in 0..2 {
        failed = layer.send(mailbox.name(), number(1)).await.err();
    }

    assert!(begun.elapsed() < Duration::from_secs(2), "{begun:?}");
    match failed {
        Some(SendError::Layer(LayerError::Away(cause))) => {
            assert!(cause.to_string().contains("out of reach"), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_cuts_leave_nothing_behind() {
    let server = RedisServer::start().await.unwrap();
    let proxy = Proxy::start(server.addr()).await.unwrap();
    let layer = RedisQueueLayer::new(hasty(&server.url_via(&proxy))).unwrap();
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 0).await;
    let metrics = Handle::current().metrics();
    let tasks = metrics.num_alive_tasks();
    let (connections, clients) = (proxy.open(), clients(&server).await);

    for _ in 0..1000 {
        proxy.cut().await;
        receive_gap(&mut mailbox).await;
    }

    reach(&layer, &mut mailbox, 1).await;
    until("connections are as many as before", async || {
        proxy.open() == connections && self::clients(&server).await == clients
    })
    .await;
    until("tasks are as many as before", async || {
        metrics.num_alive_tasks() <= tasks
    })
    .await;
    assert_eq!(set(&server, "asgi:group:room").await.len(), 1);
}

/// How many connections the server has, the one that asks included.
async fn clients(server: &RedisServer) -> String {
    server.info("connected_clients").await.unwrap()
}

#[tokio::test]
async fn new_master_is_found() {
    let sentinels = RedisSentinels::start().await.unwrap();
    let places = sentinels
        .sentinels()
        .iter()
        .map(|sentinel| ("127.0.0.1", sentinel.port()));
    let host = solent_layer_redis::RedisSentinel::new(sentinels.master_name(), places);
    let layer = RedisQueueLayer::new(hasty("redis://").hosts([host])).unwrap();
    let mut mailbox = member(&layer).await;
    reach(&layer, &mut mailbox, 1).await;

    sentinels.fail_over().await.unwrap();

    receive_gap(&mut mailbox).await;
    reach(&layer, &mut mailbox, 2).await;
}

#[tokio::test]
async fn process_that_redis_has_forgotten_joins_again() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer_with(&server, |config| {
        config.group_expiry(Duration::from_secs(1))
    });
    let mailbox = member(&layer).await;

    // Nothing tells the layer; it renews memberships from time to time.
    server.command(&["FLUSHALL"]).await.unwrap();

    until("the mailbox is a member again", async || {
        set(&server, "asgi:group:room").await == [mailbox.name().as_str().as_bytes()]
    })
    .await;
}

/// Tries each way in which Redis can forget a member.
#[tokio::test]
async fn member_that_redis_has_forgotten_is_back_within_a_renewal_and_hears_of_a_gap() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer_with(&server, |config| config.renewal(Duration::from_secs(1)));
    let mut mailbox = member(&layer).await;
    let name = mailbox.name().as_str().to_owned();

    for forget in [
        &["DEL", "asgi:group:room"][..],
        &["ZREM", "asgi:group:room", &name],
        &["RENAME", "asgi:group:room", "elsewhere"],
        &["FLUSHALL"],
    ] {
        server.command(forget).await.unwrap();

        receive_gap(&mut mailbox).await;
        assert_eq!(set(&server, "asgi:group:room").await, [name.as_bytes()]);
    }
    receive_nothing(&mut mailbox).await;
}

#[tokio::test]
async fn own_key_that_is_overwritten_is_a_queue_again() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).heartbeat(Duration::from_millis(200));
    let layer = RedisQueueLayer::new(config).unwrap();
    let mut mailbox = member(&layer).await;
    let key = format!("asgi{}", mailbox.name().non_local());

    server.command(&["SET", &key, "not a queue"]).await.unwrap();

    // A wait that has begun goes on; the next one fails.
    until("a message arrives", async || {
        let _ = layer.send(mailbox.name(), number(1)).await;
        arrives(&mut mailbox).await
    })
    .await;
}

#[tokio::test]
async fn name_whose_key_is_overwritten_keeps_no_other_name_from_being_read() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).heartbeat(Duration::from_millis(200));
    let layer = RedisQueueLayer::new(config).unwrap();
    let (bad, good): (ChannelName, ChannelName) = ("bad".parse().unwrap(), "good".parse().unwrap());
    let (mut reads_bad, mut reads_good) = (
        layer.listen(&bad).await.unwrap(),
        layer.listen(&good).await.unwrap(),
    );
    server
        .command(&["SET", "asgibad", "not a queue"])
        .await
        .unwrap();

    let waiting = tokio::spawn(async move { reads_bad.recv().await });
    layer.send(&good, number(1)).await.unwrap();

    assert_eq!(receive(&mut reads_good).await, 1);
    waiting.abort();
}

#[test]
fn members_of_a_killed_process_are_removed_by_those_who_live() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    let url = server.url();
    let renewing = |url: &str| {
        let config = hasty(url).renewal(Duration::from_secs(1));
        RedisQueueLayer::new(config).unwrap()
    };
    let killed = tokio::runtime::Runtime::new().unwrap();
    let dead = renewing(&url);
    let gone = killed.block_on(member(&dead));
    // Its tasks end, and nothing is told to Redis.
    killed.shutdown_background();

    runtime.block_on(async {
        let layer = renewing(&url);
        let lives = member(&layer).await;
        assert_eq!(set(&server, "asgi:group:room").await.len(), 2);

        until("the dead are gone", async || {
            set(&server, "asgi:group:room").await == [lives.name().as_str().as_bytes()]
        })
        .await;
    });
    drop((gone, dead));
}

#[tokio::test]
async fn old_redis_loses_nothing_when_it_refuses_to_give_more() {
    let server = RedisServer::builder()
        .arg("--rename-command")
        .arg("BZMPOP")
        .arg("")
        .start()
        .await
        .unwrap();
    let forbid = ["ACL", "SETUSER", "default", "-zpopmin"];
    server.command(&forbid).await.unwrap();
    let layer = hasty_layer(&server);
    let mut mailbox = member(&layer).await;

    for n in 0..20 {
        layer.send(mailbox.name(), number(n)).await.unwrap();
    }

    for n in 0..20 {
        assert_eq!(receive(&mut mailbox).await, n);
    }
}

#[tokio::test]
async fn nobody_joins_while_redis_is_away() {
    let server = RedisServer::start().await.unwrap();
    let config = hasty(&server.url()).send_wait(Duration::from_millis(300));
    let layer = RedisQueueLayer::new(config).unwrap();
    let mut mailbox = opened(&layer).await;
    server.kill().await.unwrap();

    until("a channel cannot be opened", async || {
        matches!(layer.open("a.").await, Err(LayerError::Away(_)))
    })
    .await;
    let joined = layer.group_add(&room(), mailbox.name()).await;
    assert!(matches!(joined, Err(LayerError::Away(_))), "{joined:?}");
    server.restart().await.unwrap();

    receive_gap(&mut mailbox).await;
    assert!(set(&server, "asgi:group:room").await.is_empty());
    join(&layer, &mailbox).await;
    reach(&layer, &mut mailbox, 1).await;
}

#[tokio::test]
async fn cluster_goes_on_without_a_node() {
    let cluster = RedisCluster::builder()
        .masters(3)
        .replicas()
        .start()
        .await
        .unwrap();
    let nodes = cluster.nodes().iter();
    let host = solent_layer_redis::RedisCluster::new(nodes.map(|node| ("127.0.0.1", node.port())));
    let layer = RedisQueueLayer::new(hasty("redis://").hosts([host])).unwrap();
    let mut mailbox = member(&layer).await;
    let mut listener = layer.listen(&"jobs".parse().unwrap()).await.unwrap();

    for taken in 0..2 {
        cluster.take_away(taken).await.unwrap();
        let mut n = 0;
        until("a message gets through to a member", async || {
            n += 1;
            let _ = layer.group_send(&room(), number(n)).await;
            arrives(&mut mailbox).await
        })
        .await;
        until("a message gets through to a name", async || {
            let _ = layer.send(listener.name(), number(n)).await;
            arrives(&mut listener).await
        })
        .await;
        cluster.bring_back(taken).await.unwrap();
    }
}

/// Whether a message arrives soon.
async fn arrives(mailbox: &mut solent_layer::Mailbox) -> bool {
    let waiting = tokio::time::timeout(Duration::from_millis(200), mailbox.recv());
    matches!(waiting.await, Ok(Some(solent_layer::Delivery::Message(_))))
}
