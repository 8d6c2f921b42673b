//! All promises of a layer, on each kind of Redis.

use std::time::Duration;

use solent_layer_redis::{Json, RedisConfig, RedisHost, RedisQueueLayer};
use solent_testing::{
    conformance::{Profile, Promise, Wanted, promises},
    servers::RedisServer,
};
use tokio::runtime::Runtime;

use crate::promises::keep_some;

fn profile() -> Profile {
    Profile::default()
        .real_expiry(Duration::from_secs(1))
        .spans_processes(true)
        .reports(false)
        .tells_full(false)
}

fn config(wanted: Wanted, hosts: Vec<RedisHost>) -> RedisConfig {
    RedisConfig::default()
        .hosts(hosts)
        .prefix(wanted.namespace)
        .capacities(wanted.capacities)
        .expiry(wanted.expiry)
        .group_expiry(wanted.group_expiry)
        .policy(wanted.policy)
}

/// Tries all promises on databases of a server.
fn keep_on_databases(databases: usize, change: fn(RedisConfig) -> RedisConfig) {
    keep_some_on_databases(databases, promises(), change);
}

fn keep_some_on_databases(
    databases: usize,
    some: impl Iterator<Item = &'static Promise>,
    change: fn(RedisConfig) -> RedisConfig,
) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    let url = server.url();
    keep_some(&profile(), some, move |wanted| {
        let url = url.trim_end_matches('/');
        let hosts = (0..databases).map(|number| format!("{url}/{number}").parse().unwrap());
        RedisQueueLayer::new(change(config(wanted, hosts.collect()))).unwrap()
    });
}

#[test]
fn every_promise_is_kept_on_one_server() {
    keep_on_databases(1, |config| config);
}

#[test]
fn every_promise_is_kept_on_two_hosts() {
    keep_on_databases(2, |config| config);
}

#[test]
fn every_promise_is_kept_with_encryption() {
    keep_on_databases(1, |config| config.encryption_keys(["new", "old"]));
}

#[test]
fn every_promise_is_kept_in_json() {
    // JSON has no octets.
    let octets = ["ready_frame_survives", "every_kind_of_value_survives"];
    let some = promises().filter(|promise| !octets.contains(&promise.name));
    keep_some_on_databases(1, some, |config| config.serializer(Json::new()));
}
