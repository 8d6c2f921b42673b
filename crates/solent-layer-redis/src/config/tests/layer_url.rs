use std::time::Duration;

use bytes::Bytes;
use solent_layer::{ChannelName, FullPolicy};

use crate::config::{
    ConfigError, RedisHost, RedisLayerKind, RedisLayerUrl, RedisServer, Secret, layer_url::OPTIONS,
};

#[test]
fn url_of_a_host_alone_is_the_pubsub_layer_with_defaults() {
    let url: RedisLayerUrl = "redis://h/1".parse().unwrap();

    assert_eq!(url.kind, RedisLayerKind::PubSub);
    assert_eq!(
        url.config.hosts,
        [RedisServer::new("h", 6379).database(1).into()]
    );
    assert_eq!(url.config.prefix, "asgi");
    assert_eq!(url.config.expiry, Duration::from_secs(60));
}

#[test]
fn every_setting_can_be_in_the_url() {
    let url: RedisLayerUrl = "rediss://:p@h/1?layer=queue&prefix=shop%3A&serializer=json&encryption_key=a%20b\
        &encryption_key=%FF&random_prefix=16&expiry=30&group_expiry=3600&capacity=7&channel_capacity=a.*:8\
        &channel_capacity=b:9&policy=drop-oldest&send_wait=0.25&connect_timeout=3&response_timeout=4&keepalive=20&heartbeat=2&renewal=3\
        &max_pending=5&pool_size=6&ssl_cert_reqs=none"
        .parse()
        .unwrap();

    let config = url.config;
    assert_eq!(url.kind, RedisLayerKind::Queue);
    assert_eq!(config.prefix, "shop:");
    assert_eq!(
        config.encryption_keys,
        [Secret::from("a b"), Secret::from([0xFF])]
    );
    assert_eq!(config.random_prefix, 16);
    assert_eq!(config.expiry, Duration::from_secs(30));
    assert_eq!(config.group_expiry, Duration::from_secs(3600));
    assert_eq!(
        ["a.x", "b", "c"].map(|name| config.capacities.of(&name.parse::<ChannelName>().unwrap())),
        [8, 9, 7]
    );
    assert_eq!(config.policy, FullPolicy::DropOldest);
    assert_eq!(config.send_wait, Duration::from_millis(250));
    assert_eq!(config.connect_timeout, Duration::from_secs(3));
    assert_eq!(config.response_timeout, Duration::from_secs(4));
    assert_eq!(config.keepalive, Duration::from_secs(20));
    assert_eq!(config.heartbeat, Duration::from_secs(2));
    assert_eq!(config.renewal, Duration::from_secs(3));
    assert_eq!(config.max_pending.get(), 5);
    assert_eq!(config.pool_size.get(), 6);
    assert!(
        matches!(&config.hosts[..], [RedisHost::Server(server)] if server.access.tls.is_some())
    );
}

#[test]
fn plus_is_a_space_in_an_option_and_a_plus_in_a_password() {
    let url: RedisLayerUrl = "redis://:p+q@h/1?encryption_key=a+b&encryption_key=a%2Bb"
        .parse()
        .unwrap();

    assert_eq!(
        url.config.encryption_keys,
        [Secret::from("a b"), Secret::from("a+b")]
    );
    assert_eq!(
        url.config.hosts,
        ["redis://:p%2Bq@h/1".parse::<RedisHost>().unwrap()]
    );
}

#[test]
fn serializer_is_the_one_named() {
    let message =
        solent_spec::Message::from_encoded(Bytes::from_static(b"\x81\xa4type\xa1t")).unwrap();
    for (url, expected) in [
        ("redis://h", &b"\x81\xa4type\xa1t"[..]),
        ("redis://h?serializer=msgpack", &b"\x81\xa4type\xa1t"[..]),
        ("redis://h?serializer=json", &br#"{"type": "t"}"#[..]),
    ] {
        let url: RedisLayerUrl = url.parse().unwrap();
        assert_eq!(url.config.serializer.serialize(&message).unwrap(), expected);
    }
}

#[test]
fn names_of_python_mean_the_same() {
    let url: RedisLayerUrl =
        "redis://h?socket_connect_timeout=3&socket_timeout=4.5&health_check_interval=20&max_connections=6"
            .parse()
            .unwrap();

    assert_eq!(url.config.connect_timeout, Duration::from_secs(3));
    assert_eq!(url.config.response_timeout, Duration::from_millis(4500));
    assert_eq!(url.config.heartbeat, Duration::from_secs(20));
    assert_eq!(url.config.pool_size.get(), 6);
}

#[test]
fn hosts_are_separated_by_whitespace_and_keep_their_order() {
    let url: RedisLayerUrl =
        "  redis://h/1?prefix=p\n\tredis://h/0  redis+sentinel://a,b/m redis+unix:///r.sock?db=3 "
            .parse()
            .unwrap();

    let hosts: Vec<String> = url.config.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(
        hosts,
        [
            "redis://h:6379/1",
            "redis://h:6379/0",
            "redis+sentinel://a:26379,b:26379/m/0",
            "redis+unix:///r.sock?db=3"
        ]
    );
}

#[test]
fn bad_urls_are_refused_with_what_to_do() {
    for (url, words) in [
        ("", "is empty, write one such as `redis://localhost:6379/0`"),
        (" \n", "is empty"),
        ("memory://", "unknown scheme"),
        ("redis://h?layer=core", "is `pubsub` or `queue`"),
        ("redis://h?serializer=pickle", "is `msgpack` or `json`"),
        (
            "redis://h?expiry=abc",
            "`expiry` of the Redis URL is a number of seconds",
        ),
        ("redis://h?expiry=-1", "is a number of seconds"),
        ("redis://h?expiry=nan", "is a number of seconds"),
        ("redis://h?expiry=1e300", "is a number of seconds"),
        (
            "redis://h?expiry=0",
            "setting `expiry` must be whole seconds",
        ),
        (
            "redis://h?expiry=1.5",
            "setting `expiry` must be whole seconds",
        ),
        (
            "redis://h?group_expiry=0",
            "setting `group_expiry` must be whole seconds",
        ),
        (
            "redis://h?prefix=%0A",
            "setting `prefix` has a control character",
        ),
        (
            "redis://h?random_prefix=7",
            "setting `random_prefix` must be from 8 to 1024",
        ),
        (
            "redis://h?encryption_key=",
            "setting `encryption_keys` have an empty one",
        ),
        ("redis://h?capacity=0", "must be 1 at least"),
        (
            "redis://h?capacity=-1",
            "is not a whole number that it can be",
        ),
        ("redis://h?channel_capacity=a", "is a pattern and a number"),
        (
            "redis://h?channel_capacity=a:b",
            "is a pattern and a number",
        ),
        (
            "redis://h?policy=x",
            "is `refuse`, `drop-oldest` or `disconnect`",
        ),
        (
            "redis://h?pool_size=0",
            "is not a whole number that it can be",
        ),
        ("redis://h?pool_size=1&max_connections=2", "leave one out"),
        (
            "redis://h?heartbeat=10&health_check_interval=20",
            "leave one out",
        ),
        ("redis://h?prefix=a&prefix=b", "is there twice"),
        (
            "redis://h?connect_timeout=0",
            "setting `connect_timeout` must be from 1ms to 86400s",
        ),
        (
            "redis://h?nonsense=1",
            "is unknown, known are capacity, channel_capacity, connect_timeout, db, ",
        ),
        (
            "redis://h redis://i?prefix=x",
            "`prefix` of the Redis URL is a setting of the whole layer, move it to the first",
        ),
        (
            "redis://h redis://i?nonsense=x",
            "is unknown, known are db, pass, password, user, username",
        ),
        (
            "redis://h|redis://i",
            "several hosts are separated by whitespace",
        ),
        ("redis://h redis+cluster://a,b", "let it be the only one"),
        ("redis+cluster://a?prefix=%7Bx%7D", "has a brace"),
    ] {
        let error = url.parse::<RedisLayerUrl>().expect_err(url).to_string();
        assert!(error.contains(words), "{url}: {error}");
    }
}

#[test]
fn hosts_know_every_option_of_a_layer() {
    for name in OPTIONS {
        // The layer takes it, whatever it says of the value …
        let layer = format!("redis://h?{name}=x").parse::<RedisLayerUrl>();
        // … and the host says whose it is.
        let host = format!("redis://h?{name}=x").parse::<RedisHost>();

        let layer = layer.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(!layer.contains("unknown"), "{name}: {layer}");
        assert!(
            matches!(&host, Err(ConfigError::Option { name: own, problem }) if own == name && problem.contains("layer")),
            "{host:?}"
        );
    }
    let error = "redis://h?nonsense=1"
        .parse::<RedisLayerUrl>()
        .unwrap_err()
        .to_string();
    let known = error
        .split_once("known are ")
        .unwrap()
        .1
        .split(", ")
        .count();
    assert_eq!(
        known,
        OPTIONS.len() + ["db", "username", "user", "password", "pass"].len()
    );
}
