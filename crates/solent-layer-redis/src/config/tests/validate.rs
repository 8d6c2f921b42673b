use std::{num::NonZeroUsize, time::Duration};

use crate::config::{
    Backoff, ConfigError, RedisAddress, RedisCluster, RedisConfig, RedisHost, RedisSentinel,
    RedisServer, RedisTls,
};

fn config() -> RedisConfig {
    RedisConfig::default()
}

#[test]
fn defaults_are_those_of_channels_redis() {
    let config = config();

    config.validate().unwrap();
    assert_eq!(config.hosts, [RedisHost::default()]);
    assert_eq!(config.prefix, "asgi");
    assert_eq!(config.expiry.as_secs(), 60);
    assert_eq!(config.group_expiry.as_secs(), 86400);
    assert_eq!(config.capacities.of(&"x".parse().unwrap()), 100);
    assert_eq!(config.random_prefix, 12);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let second = Duration::from_secs(1);
    let cluster = || RedisCluster::new([("a", 1)]);
    let hosts = |host: RedisHost| config().hosts([host]);
    for (config, name, words) in [
        (
            config().hosts(Vec::<RedisHost>::new()),
            "hosts",
            "need a host",
        ),
        (
            config().hosts([cluster(), cluster()]),
            "hosts",
            "let it be the only one",
        ),
        (
            hosts(RedisServer::default().user("u").into()),
            "hosts",
            "add it",
        ),
        (
            hosts(RedisServer::unix("/s").tls(RedisTls::default()).into()),
            "hosts",
            "leave the TLS out",
        ),
        (
            hosts(RedisSentinel::new("m", Vec::<RedisAddress>::new()).into()),
            "hosts",
            "need a Sentinel",
        ),
        (
            hosts(RedisSentinel::new("", [("a", 1)]).into()),
            "hosts",
            "name of the master",
        ),
        (
            hosts(RedisCluster::new(Vec::<RedisAddress>::new()).into()),
            "hosts",
            "need a node",
        ),
        (
            hosts(RedisCluster::new([RedisAddress::Unix("/s".into())]).into()),
            "hosts",
            "TCP ports only",
        ),
        (config().prefix("a\n"), "prefix", "control character"),
        (config().hosts([cluster()]).prefix("{a}"), "prefix", "brace"),
        (config().expiry(Duration::ZERO), "expiry", "whole seconds"),
        (
            config().expiry(Duration::from_millis(1500)),
            "expiry",
            "whole seconds",
        ),
        (config().expiry(Duration::MAX), "expiry", "whole seconds"),
        (
            config().group_expiry(Duration::ZERO),
            "group_expiry",
            "whole seconds",
        ),
        (config().random_prefix(0), "random_prefix", "one is lost"),
        (config().random_prefix(7), "random_prefix", "one is lost"),
        (config().random_prefix(1025), "random_prefix", "1024"),
        (
            config().encryption_keys(["a", ""]),
            "encryption_keys",
            "empty",
        ),
        (
            config().connect_timeout(Duration::ZERO),
            "connect_timeout",
            "from 1ms to 86400s",
        ),
        (
            config().connect_timeout(Duration::MAX),
            "connect_timeout",
            "from 1ms to 86400s",
        ),
        (
            config().response_timeout(Duration::ZERO),
            "response_timeout",
            "from 1ms",
        ),
        (
            config().send_wait(Duration::MAX),
            "send_wait",
            "from 0ns to 86400s",
        ),
        (
            config().keepalive(second / 2),
            "keepalive",
            "from 1s to 32767s",
        ),
        (
            config().keepalive(second * 32768),
            "keepalive",
            "from 1s to 32767s",
        ),
        (
            config().backoff(Backoff::default().first(Duration::ZERO)),
            "backoff.first",
            "from 1ms",
        ),
        (
            config().backoff(Backoff::default().most(Duration::MAX)),
            "backoff.most",
            "to 86400s",
        ),
        (
            config().backoff(Backoff::default().first(second).most(second / 2)),
            "backoff.most",
            "longer",
        ),
        (
            config().max_pending(NonZeroUsize::MAX),
            "max_pending",
            "1048576 at most",
        ),
        (
            config().pool_size(NonZeroUsize::MAX),
            "pool_size",
            "10000 at most",
        ),
    ] {
        match config.validate() {
            Err(ConfigError::Setting { name: own, problem }) => {
                assert_eq!(own, name);
                assert!(problem.contains(words), "{problem}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn settings_at_the_edge_are_accepted() {
    for config in [
        config().prefix(""),
        config().prefix("é {x}"),
        config().random_prefix(8),
        config().random_prefix(0).encryption_keys(["a"]),
        config().expiry(Duration::from_secs(1)),
        config().send_wait(Duration::ZERO),
        config().hosts([RedisServer::default(), RedisServer::default().database(1)]),
        config().hosts([RedisCluster::new([("a", 1)])]),
    ] {
        config.validate().unwrap();
    }
}
