//! What is told of sends, and what Redis has to do.

use solent_layer::{ChannelLayer, DropCause, GroupName};
use solent_layer_redis::{RedisConfig, RedisPubSubLayer};
use solent_test_servers::RedisServer;

use crate::{promises::unhurried, scene::*};

fn layer(server: &RedisServer) -> RedisPubSubLayer {
    RedisPubSubLayer::new(unhurried(
        RedisConfig::default().hosts([host(&server.url())]),
    ))
    .unwrap()
}

async fn commands(server: &RedisServer) -> u64 {
    let count = server.info("total_commands_processed").await.unwrap();
    count.parse().unwrap()
}

#[tokio::test]
async fn group_send_is_one_command_however_many_members_there_are() {
    let server = RedisServer::start().await.unwrap();
    let (here, there) = (layer(&server), layer(&server));
    let mut members = Vec::new();
    for _ in 0..200 {
        members.push(member(&here).await);
    }
    there.group_send(&room(), number(0)).await.unwrap();
    let before = commands(&server).await;

    let report = there.group_send(&room(), number(1)).await.unwrap();

    // The other one asks for the count.
    assert_eq!(commands(&server).await - before, 2);
    assert_eq!(report.processes, 1);
    for mailbox in &mut members {
        assert_eq!((receive(mailbox).await, receive(mailbox).await), (0, 1));
    }
}

#[tokio::test]
async fn idle_process_with_many_members_costs_redis_nothing() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let mut members = Vec::new();
    for number in 0..1000 {
        let mailbox = layer.open("a.").await.unwrap();
        let group: GroupName = format!("room_{}", number % 100).parse().unwrap();
        layer.group_add(&group, mailbox.name()).await.unwrap();
        members.push(mailbox);
    }
    let before = commands(&server).await;

    receive_nothing(&mut members[0]).await;

    assert_eq!(commands(&server).await - before, 1);
}

#[tokio::test]
async fn what_nobody_subscribes_to_is_told_and_counted() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);

    let report = layer.group_send(&room(), number(1)).await.unwrap();
    layer
        .send(&"jobs".parse().unwrap(), number(1))
        .await
        .unwrap();

    assert_eq!(report.processes, 0);
    assert_eq!(layer.drops().unwrap().get(DropCause::Closed), 1);
}

#[tokio::test]
async fn process_unsubscribes_when_its_last_member_leaves() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let (one, two) = (member(&layer).await, member(&layer).await);
    let subscribed = async || {
        let asked = ["PUBSUB", "NUMSUB", "asgi__group__room"];
        server.command(&asked).await.unwrap()
    };
    assert!(subscribed().await.ends_with('1'), "{}", subscribed().await);

    drop(one);
    layer.group_discard(&room(), two.name()).await.unwrap();

    until("nobody is subscribed", async || {
        subscribed().await.ends_with('0')
    })
    .await;
}

#[tokio::test]
async fn message_that_nobody_could_read_is_refused_with_its_field() {
    let server = RedisServer::start().await.unwrap();
    let layer = layer(&server);
    let scores = std::collections::BTreeMap::from([("scores", [(1_u64, true)])]);
    let odd = std::collections::BTreeMap::from([(
        "scores",
        std::collections::BTreeMap::from([(7_u64, "seven")]),
    )]);

    let fine = solent_layer::Message::encode(&scores).unwrap();
    assert!(layer.group_send(&room(), fine).await.is_ok());
    let refused = solent_layer::Message::encode(&odd).unwrap();
    let error = layer.group_send(&room(), refused).await.unwrap_err();

    let mut words = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = next {
        words.push_str(&error.to_string());
        next = error.source();
    }
    assert!(words.contains("scores"), "{words}");
}
