//! One of two hosts is away.

use std::time::Duration;

use futures::future::join_all;
use solent_layer::{ChannelLayer, DynLayer, GroupName, LayerError, Mailbox, SendError};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer, RedisQueueLayer};
use solent_test_servers::RedisServer;

use crate::scene::*;

/// So many names that each host has some of them.
const NAMES: usize = 64;

fn group(n: usize) -> GroupName {
    format!("room.{n}").parse().unwrap()
}

/// A member of a group of its own. Each has a prefix of its own, which chooses the host in the queue layer.
async fn lone_member(layer: &DynLayer, n: usize) -> Mailbox {
    let mailbox = layer.open(&format!("a{n}.")).await.unwrap();
    layer.group_add(&group(n), mailbox.name()).await.unwrap();
    mailbox
}

async fn lone_members(layer: &DynLayer) -> Vec<Mailbox> {
    join_all((0..NAMES).map(|n| lone_member(layer, n))).await
}

/// Sends to each group. Those whose hosts are there are reached; of the others the sender hears that Redis is away. Tells how
/// many were reached.
async fn reach(layer: &DynLayer, members: &mut [Mailbox]) -> usize {
    let sending = members.iter_mut().enumerate().map(async |(n, mailbox)| {
        match layer.group_send(&group(n), number(7)).await {
            Ok(_) => {
                assert_eq!(receive(mailbox).await, 7);
                true
            }
            Err(SendError::Layer(LayerError::Away(_))) => false,
            Err(other) => panic!("{other:?}"),
        }
    });
    let reached = join_all(sending).await;
    reached.into_iter().filter(|reached| *reached).count()
}

/// How many calls have worked. The others have told that Redis is away.
fn worked<T>(results: &[Result<T, LayerError>]) -> usize {
    let is_told = |result: &Result<T, LayerError>| match result {
        Ok(_) => true,
        Err(LayerError::Away(_)) => false,
        Err(other) => panic!("{other:?}"),
    };
    results.iter().filter(|result| is_told(result)).count()
}

/// Names of the host that is away fail in time and say so, and all others work as before.
async fn half_works(make: impl Fn(RedisConfig) -> DynLayer) {
    let (one, other) = (
        RedisServer::start().await.unwrap(),
        RedisServer::start().await.unwrap(),
    );
    let config = hasty("redis://").hosts([host(&one.url()), host(&other.url())]);
    let layer = make(config.send_wait(Duration::from_millis(500)));
    let mut members = lone_members(&layer).await;
    assert_eq!(reach(&layer, &mut members).await, NAMES);

    other.kill().await.unwrap();

    let checked = layer.check().await;
    assert!(matches!(checked, Err(LayerError::Away(_))), "{checked:?}");
    let reached = reach(&layer, &mut members).await;
    assert!((1..NAMES).contains(&reached), "{reached} were reached");
    let prefixes: Vec<_> = (0..NAMES).map(|n| format!("b{n}.")).collect();
    let opened = join_all(prefixes.iter().map(|prefix| layer.open(prefix))).await;
    let open = worked(&opened);
    assert!((1..NAMES).contains(&open), "{open} were opened");
    let here = opened.into_iter().find_map(Result::ok).unwrap();
    let groups: Vec<_> = (0..NAMES).map(group).collect();
    let joining = groups
        .iter()
        .map(|group| layer.group_add(group, here.name()));
    let joined = worked(&join_all(joining).await);
    assert!((1..NAMES).contains(&joined), "{joined} were joined");
    drop(here);

    other.restart().await.unwrap();

    until("all are reached again", async || {
        layer.check().await.is_ok() && reach(&layer, &mut members).await == NAMES
    })
    .await;
}

#[tokio::test]
async fn publishing_works_with_the_names_of_the_host_that_is_there() {
    half_works(|config| DynLayer::new(RedisPubSubLayer::new(config).unwrap())).await;
}

#[tokio::test]
async fn queues_work_with_the_names_of_the_host_that_is_there() {
    half_works(|config| DynLayer::new(RedisQueueLayer::new(config).unwrap())).await;
}
