//! What Redis refuses, which waiting does not change.

use std::{error::Error, time::Duration};

use solent_layer::{ChannelLayer, Claim, DynLayer, LayerError, SendError};
use solent_layer_redis::{
    RedisConfig, RedisPubSubLayer, RedisQueueLayer,
    store::{StoreFailure, StoreLink},
};
use solent_test_servers::RedisServer;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use crate::scene::*;

/// Both layers, which wait for very long.
fn layers(url: &str) -> [DynLayer; 2] {
    let config = RedisConfig::default()
        .hosts([host(url)])
        .send_wait(Duration::from_secs(3600));
    [
        DynLayer::new(RedisPubSubLayer::new(config.clone()).unwrap()),
        DynLayer::new(RedisQueueLayer::new(config).unwrap()),
    ]
}

/// The output, which does not take as long as the layer would wait.
async fn at_once<T>(call: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), call)
        .await
        .expect("an answer at once")
}

/// An error with all its causes.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}

#[track_caller]
fn assert_refused<T>(result: Result<T, LayerError>, expected: &str) {
    let error = result.err().expect("redis refuses it");
    assert!(matches!(error, LayerError::Backend(_)), "{error:?}");
    // Redis 7.0 and 7.2 do not write capitals in the same places.
    let words = words(&error).to_lowercase();
    let expected = expected.to_lowercase();
    assert!(words.contains(&expected), "{words:?} has no {expected:?}");
}

async fn assert_useless(url: &str, expected: &str) {
    for layer in layers(url) {
        assert_refused(at_once(layer.check()).await, expected);
        assert_refused(at_once(layer.open("a.")).await, expected);
        assert_refused(
            at_once(layer.listen(&"jobs".parse().unwrap())).await,
            expected,
        );
        let sent = at_once(layer.group_send(&room(), number(1))).await;
        match sent {
            Err(SendError::Layer(error)) => assert_refused::<()>(Err(error), expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn wrong_password_fails_everything_at_once_with_the_words_of_redis() {
    let server = RedisServer::builder()
        .password("right")
        .start()
        .await
        .unwrap();
    let place = server.addr();

    assert_useless(&format!("redis://:wrong@{place}"), "WRONGPASS").await;
    assert_useless(&format!("redis://{place}"), "NOAUTH").await;
}

#[tokio::test]
async fn wrong_database_fails_everything_at_once_with_the_words_of_redis() {
    let server = RedisServer::start().await.unwrap();

    assert_useless(
        &format!("{}/9999", server.url()),
        "DB index is out of range",
    )
    .await;
}

#[tokio::test]
async fn tls_on_one_side_only_fails_everything_at_once() {
    let (plain, tls) = (
        RedisServer::start().await.unwrap(),
        RedisServer::builder().tls().start().await.unwrap(),
    );

    assert_useless(&format!("redis://{}", tls.addr()), "speaks TLS").await;
    let url = format!("rediss://{}?ssl_cert_reqs=none", plain.addr());
    for layer in layers(&url) {
        let checked = at_once(layer.check()).await;
        assert!(
            matches!(checked, Err(LayerError::Backend(_))),
            "{checked:?}"
        );
    }
}

#[tokio::test]
async fn server_that_is_no_cluster_fails_everything_at_once() {
    let server = RedisServer::start().await.unwrap();

    let url = format!("redis+cluster://{}", server.addr());
    assert_useless(&url, "cluster support disabled").await;
}

#[tokio::test]
async fn missing_rights_fail_what_needs_them_and_nothing_else() {
    let server = RedisServer::start().await.unwrap();
    let rights = [
        "on",
        ">secret",
        "+@all",
        "~*",
        "resetchannels",
        "&asgi__group__room*",
    ];
    let mut command = vec!["ACL", "SETUSER", "guest"];
    command.extend(rights);
    server.command(&command).await.unwrap();
    let url = format!("redis://guest:secret@{}", server.addr());
    let config = RedisConfig::default()
        .hosts([host(&url)])
        .send_wait(Duration::from_secs(3600));
    let layer = RedisPubSubLayer::new(config).unwrap();

    assert_refused(at_once(layer.open("a.")).await, "No permissions");
    assert_refused(
        at_once(layer.listen(&"jobs".parse().unwrap())).await,
        "No permissions",
    );

    assert!(at_once(layer.group_send(&room(), number(1))).await.is_ok());
}

#[tokio::test]
async fn key_of_another_type_fails_its_group_and_no_other() {
    let server = RedisServer::start().await.unwrap();
    server
        .command(&["SET", "asgi:group:room", "mine"])
        .await
        .unwrap();
    let [_, layer] = layers(&server.url());
    let mut mailbox = layer.open("a.").await.unwrap();

    let joined = at_once(layer.group_add(&room(), mailbox.name())).await;
    assert_refused(joined, "wrong kind of value");

    let other = "other".parse().unwrap();
    layer.group_add(&other, mailbox.name()).await.unwrap();
    layer.group_send(&other, number(1)).await.unwrap();
    assert_eq!(receive(&mut mailbox).await, 1);
}

#[tokio::test]
async fn password_that_is_mended_lets_in_without_a_restart() {
    let server = RedisServer::start().await.unwrap();
    let url = format!("redis://guest:secret@{}", server.addr());
    for layer in layers(&url) {
        assert_refused(at_once(layer.open("a.")).await, "WRONGPASS");

        let user = [
            "ACL", "SETUSER", "guest", "on", ">secret", "+@all", "~*", "&*",
        ];
        server.command(&user).await.unwrap();

        until("a channel can be opened", async || {
            layer.open("a.").await.is_ok()
        })
        .await;
        server.command(&["ACL", "DELUSER", "guest"]).await.unwrap();
    }
}

/// A user who may do everything but this.
async fn guest_without(server: &RedisServer, command: &str) -> String {
    let without = format!("-{command}");
    let user = [
        "ACL", "SETUSER", "guest", "reset", "on", ">secret", "+@all", "~*", "&*", &without,
    ];
    server.command(&user).await.unwrap();
    format!("redis://guest:secret@{}", server.addr())
}

#[tokio::test]
async fn start_fails_at_once_for_each_command_that_is_not_allowed() {
    let server = RedisServer::start().await.unwrap();
    let needed = [
        &["publish", "subscribe", "psubscribe"][..],
        &[
            "bzmpop",
            "eval",
            "evalsha",
            "exists",
            "expire",
            "set",
            "zadd",
            "zcard",
            "zrange",
            "zrangebyscore",
            "zrem",
            "zremrangebyscore",
            "zscore",
        ],
    ];
    for (nth, commands) in needed.into_iter().enumerate() {
        for command in commands {
            let url = guest_without(&server, command).await;
            let layer = &layers(&url)[nth];
            assert_refused(at_once(layer.check()).await, command);
        }
    }
    let url = guest_without(&server, "flushall").await;
    for layer in layers(&url) {
        at_once(layer.check()).await.unwrap();
    }
    let left = server.keys().await.unwrap();
    assert!(
        left.iter()
            .all(|key| key.starts_with("asgi:solent:process:")),
        "{left:?}"
    );
}

#[tokio::test]
async fn renamed_command_fails_the_start_at_once() {
    let server = RedisServer::builder()
        .arg("--rename-command")
        .arg("ZADD")
        .arg("hidden")
        .start()
        .await
        .unwrap();
    let [_, queue] = layers(&server.url());

    assert_refused(at_once(queue.check()).await, "unknown command");
}

/// Each state in which Redis answers, and cannot work now: the command that brings it there, and back.
const NOT_NOW: [[&[&str]; 2]; 3] = [
    [
        &["REPLICAOF", "127.0.0.1", "1"],
        &["REPLICAOF", "NO", "ONE"],
    ],
    [
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "maxmemory", "0"],
    ],
    [
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
    ],
];

#[tokio::test]
async fn redis_that_cannot_work_now_is_away_and_then_back() {
    for [cannot, can] in NOT_NOW {
        let server = RedisServer::start().await.unwrap();
        let config = hasty(&server.url()).send_wait(Duration::from_millis(300));
        let layer = RedisQueueLayer::new(config).unwrap();
        server.command(cannot).await.unwrap();

        let checked = at_once(layer.check()).await;
        let opened = at_once(layer.open("a.")).await;

        assert!(
            matches!(checked, Err(LayerError::Away(_))),
            "{cannot:?}: {checked:?}"
        );
        assert!(
            matches!(opened, Err(LayerError::Away(_))),
            "{cannot:?}: {opened:?}"
        );
        server.command(can).await.unwrap();
        until("the layer can be used", async || {
            layer.check().await.is_ok() && layer.open("a.").await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn redis_that_is_busy_with_a_script_is_away_in_every_database() {
    for database in [0, 1] {
        let server = RedisServer::builder()
            .arg("--lua-time-limit")
            .arg("10")
            .start()
            .await
            .unwrap();
        let url = format!("{}/{database}", server.url());
        let mut busy = TcpStream::connect(server.addr()).await.unwrap();
        busy.write_all(b"EVAL \"for i = 1, 1e11 do end\" 0\r\n")
            .await
            .unwrap();
        until("Redis says that it is busy", async || {
            server.command(&["GET", "a"]).await.is_err()
        })
        .await;

        let config = hasty(&url).send_wait(Duration::from_millis(300));
        let layers = [
            DynLayer::new(RedisPubSubLayer::new(config.clone()).unwrap()),
            DynLayer::new(RedisQueueLayer::new(config).unwrap()),
        ];
        let claim = Claim::new("lease".parse().unwrap());
        for layer in &layers {
            let checked = at_once(layer.check()).await;
            assert!(
                matches!(checked, Err(LayerError::Away(_))),
                "{database}: {checked:?}"
            );
            let held = at_once(layer.hold(&claim, Duration::from_secs(1))).await;
            assert!(
                matches!(held, Err(LayerError::Away(_))),
                "{database}: {held:?}"
            );
        }
        let mut store = StoreLink::open(&url).unwrap();
        store.set_patience(Duration::from_millis(300));
        let read = at_once(store.get("a")).await;
        assert!(
            matches!(read, Err(StoreFailure::Away(_))),
            "{database}: {read:?}"
        );

        server.command(&["SCRIPT", "KILL"]).await.unwrap();
        for layer in &layers {
            until("the layer can be used", async || {
                layer.check().await.is_ok()
            })
            .await;
        }
    }
}
