//! Sessions in Redis.

use std::time::Duration;

use solent_session::{
    InvalidStoreUrl, RedisStore, SessionError, SessionKey, SessionStore, Sessions, StoreError,
};
use solent_spec::{Chain, Middleware, Result};
use solent_test_servers::{RedisSentinels, RedisServer};
use tokio::time::timeout;

use super::contract::{after, check, check_merging, data};

#[tokio::test]
async fn redis_keeps_what_stores_promise() -> Result {
    let server = RedisServer::start().await?;

    check(RedisStore::new(&server.url())?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_lose_nothing_in_redis() -> Result {
    let server = RedisServer::start().await?;

    check_merging(RedisStore::new(&server.url())?).await;
    Ok(())
}

#[tokio::test]
async fn session_of_another_kind_is_never_written_over() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?;
    let key = SessionKey::random();
    let name = format!("solent:session:{}", key.as_str());
    server.command(&["SET", &name, "a pickle"]).await?;
    let session = Sessions::new(store).session(Some(key));

    session.insert("color", "blue").await?;
    let error = session.save().await.unwrap_err();

    assert!(matches!(error, SessionError::Unreadable), "{error}");
    assert_eq!(server.command(&["GET", &name]).await?, "a pickle");
    assert_eq!(server.keys().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn session_with_values_that_would_change_is_never_written_over() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?;
    for value in [
        "18446744073709551616",
        "-12345678901234567890123",
        "1e400",
        "1e-400",
        "-0",
        "NaN",
        "-Infinity",
        r#""\ud83d""#,
        &format!("{}{}", "[".repeat(1000), "]".repeat(1000)),
    ] {
        let key = SessionKey::random();
        let name = format!("solent:session:{}", key.as_str());
        let json = format!(r#"{{"value":{value}}}"#);
        server.command(&["SET", &name, &json]).await?;
        let session = Sessions::new(store.clone()).session(Some(key));

        session.insert("color", "blue").await?;
        let error = session.save().await.unwrap_err();

        assert!(
            matches!(error, SessionError::Unreadable),
            "{value}: {error}"
        );
        assert_eq!(server.command(&["GET", &name]).await?, json.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn wrong_password_and_missing_rights_are_told_at_once() -> Result {
    let server = RedisServer::start().await?;
    server
        .command(&[
            "ACL", "SETUSER", "weak", "on", ">secret", "~*", "+get", "+ping", "+client",
        ])
        .await?;
    let address = server.url().replacen("redis://", "", 1);
    for user in ["weak:wrong", "weak:secret"] {
        let store = RedisStore::new(&format!("redis://{user}@{address}"))?;

        let error = store.check().await.unwrap_err();

        assert!(matches!(error, StoreError::Refused(_)), "{user}: {error:?}");
    }
    RedisStore::new(&server.url())?.check().await?;
    assert!(server.keys().await?.is_empty());
    Ok(())
}

/// Stops the server's process where it stands, or lets it go on.
fn signal(server: &RedisServer, signal: &str) {
    let pid = server.pid().expect("it runs").to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &pid])
        .status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn frozen_server_is_given_up_and_found_again() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?.patience(Duration::from_millis(300));
    let key = store.create(&data(1), after(60)).await?;

    signal(&server, "-STOP");
    let asked = timeout(Duration::from_secs(10), store.load(&key)).await?;
    signal(&server, "-CONT");

    let error = asked.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let patient = async {
        loop {
            if let Ok(found) = store.load(&key).await {
                return found;
            }
        }
    };
    assert_eq!(
        timeout(Duration::from_secs(10), patient).await?,
        Some(data(1))
    );
    Ok(())
}

#[tokio::test]
async fn sessions_go_on_at_the_master_that_sentinels_name_after_a_frozen_one() -> Result {
    let sentinels = RedisSentinels::start().await?;
    let places: Vec<_> = sentinels
        .urls()
        .iter()
        .map(|url| url.replacen("redis://", "", 1))
        .collect();
    let url = format!(
        "redis+sentinel://{}/{}",
        places.join(","),
        sentinels.master_name()
    );
    let store = RedisStore::new(&url)?.patience(Duration::from_secs(2));
    store.check().await?;

    let frozen = sentinels.master().await?;
    frozen.pause().await?;
    let going_on = async { while store.create(&data(1), after(60)).await.is_err() {} };
    let went_on = timeout(Duration::from_secs(60), going_on).await;
    frozen.resume().await?;

    went_on?;
    Ok(())
}

#[tokio::test]
async fn url_of_a_layer_serves_sessions_too() -> Result {
    let server = RedisServer::start().await?;
    let url = format!("{}?layer=queue&prefix=shop&socket_timeout=3", server.url());

    RedisStore::new(&url)?.check().await?;

    let error = RedisStore::new("redis://host/?socket_timeuot=3").unwrap_err();
    assert!(
        Chain(&error).to_string().contains("socket_timeuot"),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn store_outlives_the_runtime_that_it_was_first_used_in() -> Result {
    let runtime = || tokio::runtime::Runtime::new();
    let first = runtime()?;
    let server = first.block_on(RedisServer::start())?;
    let store = RedisStore::new(&server.url())?;
    let key = first.block_on(store.create(&data(1), after(60)))?;
    drop(first);

    let found = runtime()?.block_on(store.load(&key))?;

    assert_eq!(found, Some(data(1)));
    Ok(())
}

#[tokio::test]
async fn refused_credentials_fail_the_start_and_an_outage_does_not() -> Result {
    let server = RedisServer::builder().password("right").start().await?;
    let address = server
        .url()
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_owned();
    let with = |password: &str| RedisStore::new(&format!("redis://:{password}@{address}"));

    let error = Sessions::new(with("wrong")?).startup().await.unwrap_err();

    assert!(
        Chain(&*error).to_string().contains("WRONGPASS"),
        "{error:?}"
    );
    Sessions::new(with("right")?).startup().await?;
    server.kill().await?;
    Sessions::new(with("wrong")?.patience(Duration::from_millis(200)))
        .startup()
        .await?;
    Ok(())
}

#[tokio::test]
async fn sessions_are_json_that_expires_under_their_prefix() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?.prefix("site:");
    let key = store.create(&data(1), after(60)).await?;

    let name = format!("site:{}", key.as_str());
    assert_eq!(server.keys().await?, std::slice::from_ref(&name));
    let json = server.command(&["GET", &name]).await?;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json)?["value"],
        1
    );
    let left: i64 = server.command(&["PTTL", &name]).await?.parse()?;
    assert!((55_000..=60_000).contains(&left), "{left}");
    Ok(())
}

#[tokio::test]
async fn what_is_no_session_is_none() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?;
    let key = SessionKey::random();
    let name = format!("solent:session:{}", key.as_str());
    for content in ["", "[1]", "{", "not JSON", "null"] {
        server.command(&["SET", &name, content]).await?;

        assert_eq!(store.load(&key).await?, None, "{content}");
    }
    Ok(())
}

#[tokio::test]
async fn redis_that_was_away_is_found_again() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?;
    store.create(&data(1), after(60)).await?;

    server.kill().await?;
    let error = store.load(&SessionKey::random()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");

    server.restart().await?;
    let key = store.create(&data(2), after(60)).await?;
    assert_eq!(store.load(&key).await?, Some(data(2)));
    Ok(())
}

#[tokio::test]
async fn broken_connection_is_not_noticed() -> Result {
    let server = RedisServer::start().await?;
    let store = RedisStore::new(&server.url())?;
    let key = store.create(&data(1), after(60)).await?;

    server
        .command(&["CLIENT", "KILL", "TYPE", "normal"])
        .await?;

    assert_eq!(store.load(&key).await?, Some(data(1)));
    Ok(())
}

#[tokio::test]
async fn url_of_no_redis_is_refused_and_not_shown() -> Result {
    let error: InvalidStoreUrl = RedisStore::new("postgres://user:topsecret@host/").unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("topsecret"),
        "{error:?}"
    );

    let store = RedisStore::new("redis://:topsecret@localhost/")?;
    assert!(!format!("{store:?}").contains("topsecret"), "{store:?}");
    Ok(())
}
