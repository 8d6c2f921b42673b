//! Names that workers listen on.

use std::{future::poll_fn, task::Poll};

use solent_layer::{ChannelLayer, ChannelName, Mailbox};
use solent_layer_redis::RedisQueueLayer;
use solent_test_servers::RedisServer;

use super::scene::*;
use crate::scene::*;

fn jobs() -> ChannelName {
    "jobs".parse().unwrap()
}

/// The mailbox has asked for the next message, and does not look again.
async fn ask(mailbox: &mut Mailbox) {
    let polled = poll_fn(|cx| Poll::Ready(mailbox.poll_recv(cx))).await;
    assert!(polled.is_pending(), "{polled:?}");
}

#[tokio::test]
async fn message_stays_in_redis_until_a_reader_waits() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut listener = layer.listen(&jobs()).await.unwrap();

    layer.send(&jobs(), number(1)).await.unwrap();
    layer.send(&jobs(), number(2)).await.unwrap();
    assert_eq!(receive(&mut listener).await, 1);

    tokio::task::yield_now().await;
    assert_eq!(set(&server, "asgijobs").await.len(), 1);
    assert_eq!(receive(&mut listener).await, 2);
    assert!(set(&server, "asgijobs").await.is_empty());
}

#[tokio::test]
async fn unread_message_goes_back_when_the_last_listener_goes() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server), layer(&server));
    let mut listener = here.listen(&jobs()).await.unwrap();
    ask(&mut listener).await;
    there.send(&jobs(), number(1)).await.unwrap();
    until("the message was taken", async || listener.len() == 1).await;
    assert_eq!(set(&server, "{asgijobs}:solent:taken").await.len(), 1);

    drop(listener);

    let mut other = there.listen(&jobs()).await.unwrap();
    assert_eq!(receive(&mut other).await, 1);
    until("no backup is left", async || {
        set(&server, "{asgijobs}:solent:taken").await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn process_takes_no_message_before_redis_knows_that_it_lives() {
    let server = RedisServer::start().await.unwrap();
    // It may not say that it lives.
    let rights = [
        "ACL", "SETUSER", "mute", "on", "nopass", "~*", "&*", "+@all", "-set",
    ];
    server.command(&rights).await.unwrap();
    let mute = RedisQueueLayer::new(hasty(&server.url().replace("://", "://mute:x@"))).unwrap();
    let mut never = mute.listen(&jobs()).await.unwrap();
    ask(&mut never).await;
    let other = layer(&server);
    let mut listener = other.listen(&jobs()).await.unwrap();

    // Each of many would be taken by one of the two.
    for n in 0..20 {
        other.send(&jobs(), number(n)).await.unwrap();
        assert_eq!(receive(&mut listener).await, n);
    }
    assert!(never.is_empty(), "{never:?}");
}

#[tokio::test]
async fn closed_layer_puts_unread_messages_back() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server), layer(&server));
    let mut listener = here.listen(&jobs()).await.unwrap();
    ask(&mut listener).await;
    there.send(&jobs(), number(1)).await.unwrap();
    until("the message was taken", async || listener.len() == 1).await;

    here.close().await.unwrap();

    assert_eq!(set(&server, "asgijobs").await.len(), 1);
    assert_eq!(listener.recv().await, None);
}

#[tokio::test]
async fn one_connection_waits_for_many_names() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut listeners = Vec::new();
    for name in 0..20 {
        let name: ChannelName = format!("jobs.{name}").parse().unwrap();
        let mut listener = layer.listen(&name).await.unwrap();
        ask(&mut listener).await;
        listeners.push(listener);
    }

    for round in 0..10 {
        for (n, listener) in (0..).zip(&mut listeners) {
            layer.send(listener.name(), number(n)).await.unwrap();
            assert_eq!(receive(listener).await, n, "in round {round}");
            ask(listener).await;
        }
    }
    let blocked = server.info("blocked_clients").await.unwrap();
    assert!(blocked == "1" || blocked == "0", "{blocked}");
}

#[tokio::test]
async fn competing_processes_get_every_message_once() {
    const COUNT: u64 = 2000;
    let server = RedisServer::start().await.unwrap();
    let sender = layer(&server);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let layer = layer(&server);
        readers.spawn(async move {
            let mut listener = layer.listen(&jobs()).await.unwrap();
            let mut seen = Vec::new();
            loop {
                match receive(&mut listener).await {
                    u64::MAX => return seen,
                    n => seen.push(n),
                }
            }
        });
    }

    for n in 0..COUNT {
        until("there is room", async || {
            sender.send(&jobs(), number(n)).await.is_ok()
        })
        .await;
    }
    for _ in 0..4 {
        until("there is room", async || {
            sender.send(&jobs(), number(u64::MAX)).await.is_ok()
        })
        .await;
    }

    let seen = readers.join_all().await;
    let mut all = seen.concat();
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..COUNT));
    assert!(seen.iter().all(|seen| !seen.is_empty()));
}
