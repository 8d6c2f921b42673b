//! All promises of a layer, on each kind of Redis.

use std::time::Duration;

use solent_layer_redis::{RedisConfig, RedisHost, RedisPubSubLayer, RedisSentinel};
use solent_test_servers::{RedisCluster, RedisSentinels, RedisServer};
use solent_testing::conformance::{Profile, Wanted};

use crate::promises::{UNHURRIED, keep, unhurried};

fn profile() -> Profile {
    Profile::default()
        .real_expiry(Duration::from_secs(1))
        .spans_processes(true)
        .leases(true)
        .reports(false)
        .tells_full(false)
        // What a process has taken is its own.
        .flushes_all(false)
        .queues(false)
}

/// Tries all promises with these hosts, and with other settings besides.
fn keep_with(
    hosts: Vec<RedisHost>,
    change: impl Fn(RedisConfig) -> RedisConfig + Send + Sync + 'static,
) {
    keep(&profile(), move |wanted| layer(&hosts, wanted, &change));
}

fn layer(
    hosts: &[RedisHost],
    wanted: Wanted,
    change: impl Fn(RedisConfig) -> RedisConfig,
) -> RedisPubSubLayer {
    let config = RedisConfig::default()
        .hosts(hosts.iter().cloned())
        .prefix(wanted.namespace)
        .capacities(wanted.capacities)
        .expiry(wanted.expiry)
        .group_expiry(wanted.group_expiry)
        .policy(wanted.policy);
    RedisPubSubLayer::new(change(unhurried(config))).expect("the settings are right")
}

fn host(url: &str) -> RedisHost {
    url.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server() {
    let server = RedisServer::start().await.unwrap();
    let hosts = vec![host(&server.url())];
    blocking(move || keep_with(hosts, |config| config)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_encryption() {
    let one = RedisServer::builder()
        .password("p@ss")
        .start()
        .await
        .unwrap();
    let two = RedisServer::builder().unix_socket().start().await.unwrap();
    let hosts = vec![host(&one.url()), host(&two.url())];
    // What is at different servers has no order.
    let profile = profile().one_order(false);
    blocking(move || {
        keep(&profile, move |wanted| {
            layer(&hosts, wanted, |config| config.encryption_keys(["secret"]))
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_with_tls() {
    let server = RedisServer::builder().tls().start().await.unwrap();
    let authority = &server.certificates().unwrap().authority;
    let url = format!("{}?ssl_ca_certs={}", server.url(), authority.display());
    let hosts = vec![host(&url)];
    // A handshake takes its time in a build for tests.
    let profile = profile().settle(Duration::from_secs(1));
    blocking(move || {
        keep(&profile, move |wanted| {
            layer(&hosts, wanted, |config| config)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn master_of_sentinels() {
    let sentinels = RedisSentinels::builder()
        .down_after(UNHURRIED)
        .start()
        .await
        .unwrap();
    let urls: Vec<_> = sentinels
        .sentinels()
        .iter()
        .map(|sentinel| ("127.0.0.1", sentinel.port()))
        .collect();
    let hosts = vec![RedisSentinel::new(sentinels.master_name(), urls).into()];
    blocking(move || keep_with(hosts, |config| config)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster() {
    let cluster = RedisCluster::builder()
        .node_timeout(UNHURRIED)
        .start()
        .await
        .unwrap();
    let hosts = vec![nodes(&cluster).into()];
    blocking(move || keep_with(hosts, |config| config)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_whose_shards_publish() {
    let cluster = RedisCluster::builder()
        .node_timeout(UNHURRIED)
        .start()
        .await
        .unwrap();
    let hosts = vec![nodes(&cluster).sharded_pubsub(true).into()];
    // What is of different shards has no order.
    let profile = profile().one_order(false);
    blocking(move || {
        keep(&profile, move |wanted| {
            layer(&hosts, wanted, |config| config)
        })
    })
    .await;
}

fn nodes(cluster: &RedisCluster) -> solent_layer_redis::RedisCluster {
    let nodes = cluster.nodes().iter();
    solent_layer_redis::RedisCluster::new(nodes.map(|node| ("127.0.0.1", node.port())))
}

/// Runs what builds runtimes of its own, while this one keeps the servers.
async fn blocking(run: impl FnOnce() + Send + 'static) {
    if let Err(error) = tokio::task::spawn_blocking(run).await {
        std::panic::resume_unwind(error.into_panic());
    }
}
