//! A Redis that may remove keys which are in use.

use std::time::Duration;

use solent_layer::{ChannelLayer, Claim, DynLayer};
use solent_layer_redis::{RedisPubSubLayer, RedisQueueLayer};
use solent_test_servers::Log;
use solent_test_servers::RedisServer;

use crate::scene::*;

/// How often a log has the warning.
fn warnings(log: &Log) -> usize {
    log.text().matches("maxmemory-policy to noeviction").count()
}

async fn evicting() -> RedisServer {
    let server = RedisServer::builder();
    let server = server.arg("--maxmemory-policy").arg("allkeys-lru");
    server.start().await.unwrap()
}

async fn hold(layer: &impl ChannelLayer) {
    let claim = Claim::new(room());
    layer.hold(&claim, Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn start_warns_once_that_redis_may_remove_groups_and_messages() {
    let server = evicting().await;
    let log = Log::new();
    let layer = RedisQueueLayer::new(hasty(&server.url())).unwrap();

    layer.check().await.unwrap();
    let _mailbox = member(&layer).await;

    assert_eq!(warnings(&log), 1, "{}", log.text());
    assert!(log.text().contains("allkeys-lru"), "{}", log.text());
}

#[tokio::test]
async fn layer_that_publishes_warns_when_it_has_its_first_key() {
    let server = evicting().await;
    let log = Log::new();
    let layer = RedisPubSubLayer::new(hasty(&server.url())).unwrap();
    layer.check().await.unwrap();
    assert_eq!(warnings(&log), 0, "{}", log.text());

    hold(&layer).await;
    hold(&layer).await;

    assert_eq!(warnings(&log), 1, "{}", log.text());
}

#[tokio::test]
async fn policy_is_known_where_settings_may_not_be_read() {
    let server = evicting().await;
    let forbid = ["ACL", "SETUSER", "default", "-config"];
    server.command(&forbid).await.unwrap();
    let log = Log::new();

    let layer = RedisQueueLayer::new(hasty(&server.url())).unwrap();
    layer.check().await.unwrap();

    assert_eq!(warnings(&log), 1, "{}", log.text());
}

#[tokio::test]
async fn redis_that_was_away_at_the_start_is_asked_when_it_is_back() {
    let server = evicting().await;
    server.kill().await.unwrap();
    let log = Log::new();
    let config = hasty(&server.url()).send_wait(Duration::ZERO);
    let config = config.renewal(Duration::from_secs(1));
    let layer = RedisQueueLayer::new(config).unwrap();
    assert!(layer.open("a.").await.is_err());

    server.restart().await.unwrap();

    until("it is warned", async || warnings(&log) == 1).await;
}

#[tokio::test]
async fn redis_that_keeps_everything_is_no_reason_to_warn() {
    let server = RedisServer::start().await.unwrap();
    let log = Log::new();
    let config = hasty(&server.url());
    for layer in [
        DynLayer::new(RedisQueueLayer::new(config.clone()).unwrap()),
        DynLayer::new(RedisPubSubLayer::new(config).unwrap()),
    ] {
        layer.check().await.unwrap();
        hold(&layer).await;
    }

    assert_eq!(warnings(&log), 0, "{}", log.text());
}
