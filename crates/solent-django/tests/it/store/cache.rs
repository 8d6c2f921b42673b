//! The engine `cache`, with Django's Redis cache.

use std::time::Duration;

use solent_django::session::{CacheSerializer, CacheSessions, RedisCache};
use solent_session::{SessionStore, StoreError};
use solent_test_servers::{RedisServer, Reply};

use super::{a_minute_ago, data, in_a_minute, key, promise};
use crate::vectors;

fn cache(redis: &RedisServer) -> RedisCache {
    RedisCache::open(&redis.url()).unwrap()
}

#[tokio::test]
async fn sessions_are_kept() {
    let redis = RedisServer::start().await.unwrap();

    promise::keep_sessions(CacheSessions::new(cache(&redis))).await;
    let json = cache(&redis).serializer(CacheSerializer::Json).version(2);
    promise::keep_sessions(CacheSessions::new(json)).await;
}

#[tokio::test]
async fn requests_at_once_lose_nothing() {
    let redis = RedisServer::start().await.unwrap();

    promise::lose_nothing(CacheSessions::new(cache(&redis))).await;
}

#[tokio::test]
async fn what_django_wrote_is_read() {
    let redis = RedisServer::start().await.unwrap();
    let mut count = 0;
    for entry in vectors::rows("/sessions/cache/entries") {
        let name = vectors::text(entry, "redis_key");
        let value = vectors::hex(vectors::text(entry, "value_hex"));
        redis
            .query(&[b"SET", name.as_bytes(), &value])
            .await
            .unwrap();
        let Some((_, session)) = name.split_once("django.contrib.sessions.cache") else {
            continue;
        };
        let cache = match entry["alias"].as_str() {
            Some("pfx") => cache(&redis).key_prefix("site").version(3),
            _ => cache(&redis),
        };
        // The other engine's copies have other names.
        if session.starts_with("d_db") {
            continue;
        }

        let read = CacheSessions::new(cache).load(&key(session)).await.unwrap();

        assert_eq!(read.as_ref(), entry["object"].as_object(), "{name}");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[tokio::test]
async fn every_protocol_of_pickle_is_read() {
    let redis = RedisServer::start().await.unwrap();
    let store = CacheSessions::new(cache(&redis));
    for row in vectors::rows("/sessions/pickle_by_protocol") {
        let value = vectors::hex(vectors::text(row, "hex"));
        let name = b":1:django.contrib.sessions.cache12345678";
        redis.query(&[&b"SET"[..], name, &value]).await.unwrap();

        let read = store.load(&key("12345678")).await.unwrap();

        assert_eq!(
            read.as_ref(),
            row["object"].as_object(),
            "{}",
            row["protocol"]
        );
    }
}

#[tokio::test]
async fn entries_are_what_django_reads() {
    let redis = RedisServer::start().await.unwrap();
    let store = CacheSessions::new(cache(&redis).key_prefix("site").version(3));

    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();

    let name = format!("site:3:django.contrib.sessions.cache{}", session.as_str());
    assert_eq!(redis.keys().await.unwrap(), [name.as_str()]);
    let left: u64 = redis
        .command(&["TTL", &name])
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!((58..=60).contains(&left), "{left}");
    let Reply::Bytes(value) = redis.query(&["GET", &name]).await.unwrap() else {
        panic!("no value");
    };
    assert_eq!(value[..2], [0x80, 4], "a pickle of protocol 4");
}

#[tokio::test]
async fn what_is_no_session_is_none_and_stays() {
    let redis = RedisServer::start().await.unwrap();
    let store = CacheSessions::new(cache(&redis));
    let system = b"cposix\nsystem\np0\n(Vtrue\np1\ntp2\nRp3\n.";
    for value in [&system[..], b"42", b"", b"\x80\x05\x88.", b"\x80\x05}\x94"] {
        let name = b":1:django.contrib.sessions.cache12345678";
        redis.query(&[&b"SET"[..], name, value]).await.unwrap();

        assert_eq!(store.load(&key("12345678")).await.unwrap(), None);
        promise::write_over_nothing(store.clone(), &key("12345678")).await;
        assert_eq!(redis.keys().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn expired_sessions_are_none() {
    let redis = RedisServer::start().await.unwrap();
    let store = CacheSessions::new(cache(&redis));

    let session = store.create(&data("ann"), a_minute_ago()).await.unwrap();
    let gone = async || while store.load(&session).await.unwrap().is_some() {};

    tokio::time::timeout(Duration::from_secs(10), gone())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_first_server_is_written_and_the_others_are_read() {
    let (leader, replica) = (
        RedisServer::start().await.unwrap(),
        RedisServer::start().await.unwrap(),
    );
    let location = format!("{},{}", leader.url(), replica.url());
    let store = CacheSessions::new(RedisCache::open(&location).unwrap());

    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();

    assert_eq!(leader.keys().await.unwrap().len(), 1);
    assert_eq!(store.load(&session).await.unwrap(), None);
}

#[tokio::test]
async fn a_frozen_server_is_an_error_within_the_time_of_the_url() {
    let redis = RedisServer::start().await.unwrap();
    let location = format!("{}?socket_timeout=0.3", redis.url());
    let store = CacheSessions::new(RedisCache::open(&location).unwrap());
    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();

    redis.pause().await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(10), store.load(&session)).await;
    redis.resume().await.unwrap();

    let error = asked.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let found = async {
        loop {
            if let Ok(found) = store.load(&session).await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(10), found).await;
    assert_eq!(found.unwrap(), Some(data("ann")));
}

#[tokio::test]
async fn wrong_credentials_are_refused_at_the_start() {
    let redis = RedisServer::builder().password("right").start().await;
    let redis = redis.unwrap();
    let location = redis.url().replacen("right", "wrong", 1);
    let store = CacheSessions::new(RedisCache::open(&location).unwrap());

    let error = store.check().await.unwrap_err();

    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error_and_found_again() {
    let redis = RedisServer::builder().persistent().start().await.unwrap();
    let store = CacheSessions::new(cache(&redis));
    let session = store.create(&data("ann"), in_a_minute()).await.unwrap();

    redis.kill().await.unwrap();
    assert!(store.load(&session).await.is_err());

    redis.restart().await.unwrap();
    assert_eq!(store.load(&session).await.unwrap(), Some(data("ann")));
}
