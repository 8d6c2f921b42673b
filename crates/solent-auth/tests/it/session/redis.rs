//! Sessions in Redis.

use solent_auth::{InvalidStoreUrl, RedisStore, SessionKey, SessionStore, StoreError};
use solent_spec::Result;
use solent_testing::servers::RedisServer;

use super::contract::{after, check, data};

#[tokio::test]
async fn redis_keeps_what_stores_promise() -> Result {
    let server = RedisServer::start().await?;

    check(RedisStore::new(&server.url())?).await?;
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
