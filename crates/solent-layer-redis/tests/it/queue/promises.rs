//! All promises of a layer, on each kind of Redis.

use std::time::Duration;

use solent_layer_redis::{Json, RedisConfig, RedisHost, RedisQueueLayer};
use solent_test_servers::{RedisCluster, RedisSentinels, RedisServer};
use solent_testing::conformance::{Profile, Promise, Wanted, promises};
use tokio::runtime::Runtime;

use crate::promises::{UNHURRIED, keep_some, unhurried};

fn profile() -> Profile {
    Profile::default()
        .real_expiry(Duration::from_secs(1))
        .spans_processes(true)
        .leases(true)
        .reports(false)
        .tells_full(false)
        // What a process has taken is its own.
        .flushes_all(false)
}

/// Tries promises with these hosts, and with other settings besides.
fn keep(
    hosts: Vec<RedisHost>,
    some: impl Iterator<Item = &'static Promise>,
    change: fn(RedisConfig) -> RedisConfig,
) {
    // What is at different hosts has no order.
    let profile = profile().one_order(hosts.len() == 1);
    keep_some(&profile, some, move |wanted| {
        let config = config(wanted, hosts.iter().cloned());
        RedisQueueLayer::new(change(unhurried(config))).unwrap()
    });
}

fn config(wanted: Wanted, hosts: impl IntoIterator<Item = RedisHost>) -> RedisConfig {
    RedisConfig::default()
        .hosts(hosts)
        .prefix(wanted.namespace)
        .capacities(wanted.capacities)
        .expiry(wanted.expiry)
        .group_expiry(wanted.group_expiry)
        .policy(wanted.policy)
}

/// Databases of a server, as hosts.
fn databases(server: &RedisServer, count: usize) -> Vec<RedisHost> {
    let url = server.url();
    let url = url.trim_end_matches('/');
    let hosts = (0..count).map(|number| format!("{url}/{number}").parse().unwrap());
    hosts.collect()
}

fn start_server() -> (Runtime, RedisServer) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    (runtime, server)
}

#[test]
fn every_promise_is_kept_on_one_server() {
    let (_runtime, server) = start_server();
    keep(databases(&server, 1), promises(), |config| config);
}

#[test]
fn every_promise_is_kept_by_a_redis_that_gives_one_message_at_a_time() {
    let runtime = Runtime::new().unwrap();
    // Redis 6 has no BZMPOP.
    let builder = RedisServer::builder();
    let old = ["--rename-command", "BZMPOP", ""]
        .into_iter()
        .fold(builder, |builder, arg| builder.arg(arg));
    let server = runtime.block_on(old.start()).unwrap();
    keep(databases(&server, 1), promises(), |config| config);
}

#[test]
fn every_promise_is_kept_on_three_hosts() {
    let (_runtime, server) = start_server();
    keep(databases(&server, 3), promises(), |config| config);
}

#[test]
fn every_promise_is_kept_with_encryption() {
    let (_runtime, server) = start_server();
    keep(databases(&server, 1), promises(), |config| {
        config.encryption_keys(["new", "old"])
    });
}

#[test]
fn every_promise_is_kept_in_json() {
    let (_runtime, server) = start_server();
    // JSON has no bytes.
    let bytes = ["ready_frame_survives", "every_kind_of_value_survives"];
    let some = promises().filter(|promise| !bytes.contains(&promise.name));
    keep(databases(&server, 1), some, |config| {
        config.serializer(Json::new())
    });
}

#[test]
fn every_promise_is_kept_by_the_master_of_sentinels() {
    let runtime = Runtime::new().unwrap();
    let sentinels = runtime
        .block_on(RedisSentinels::builder().down_after(UNHURRIED).start())
        .unwrap();
    let places = sentinels
        .sentinels()
        .iter()
        .map(|sentinel| ("127.0.0.1", sentinel.port()));
    let host = solent_layer_redis::RedisSentinel::new(sentinels.master_name(), places);
    keep(vec![host.into()], promises(), |config| config);
}

#[test]
fn every_promise_is_kept_on_a_cluster() {
    let runtime = Runtime::new().unwrap();
    let cluster = runtime
        .block_on(RedisCluster::builder().node_timeout(UNHURRIED).start())
        .unwrap();
    let places = cluster
        .nodes()
        .iter()
        .map(|node| ("127.0.0.1", node.port()));
    let host = solent_layer_redis::RedisCluster::new(places);
    keep(vec![host.into()], promises(), |config| config);
}
