//! What the tests of this layer have in common.

use solent_layer_redis::{RedisConfig, RedisQueueLayer};
use solent_test_servers::{RedisServer, Reply};

use crate::{promises::UNHURRIED, scene::host};

/// A layer on database 0 of a server.
pub(super) fn layer(server: &RedisServer) -> RedisQueueLayer {
    layer_with(server, |config| config)
}

pub(super) fn layer_with(
    server: &RedisServer,
    change: impl FnOnce(RedisConfig) -> RedisConfig,
) -> RedisQueueLayer {
    // A busy machine must not look like a Redis that is away.
    let config = RedisConfig::default()
        .hosts([host(&server.url())])
        .send_wait(UNHURRIED);
    RedisQueueLayer::new(change(config)).unwrap()
}

/// The members of a sorted set.
pub(super) async fn set(server: &RedisServer, key: &str) -> Vec<Vec<u8>> {
    match server.query(&["ZRANGE", key, "0", "-1"]).await.unwrap() {
        Reply::List(items) => items
            .into_iter()
            .map(|item| match item {
                Reply::Bytes(bytes) => bytes,
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
