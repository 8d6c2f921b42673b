//! What every store that keeps sessions itself promises.

use std::time::{Duration, SystemTime};

use serde_json::json;
use solent_auth::{Saved, SessionData, SessionKey, SessionStore, StoreError};

pub(crate) fn data(value: u64) -> SessionData {
    let nested = json!({ "list": [1, 2.5, null, true], "text": "é→\u{1F600}\"\\" });
    SessionData::from_iter([
        ("value".to_owned(), value.into()),
        ("nested".to_owned(), nested),
    ])
}

pub(crate) fn after(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

pub(crate) fn before(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}

/// Runs everything below.
pub(crate) async fn check(store: impl SessionStore) -> Result<(), StoreError> {
    sessions_are_kept_until_they_are_deleted(&store).await?;
    expired_sessions_are_gone(&store).await?;
    foreign_keys_are_no_sessions(&store).await?;
    sessions_far_in_the_future_are_kept(&store).await?;
    new_sessions_have_keys_of_their_own(&store).await
}

async fn sessions_are_kept_until_they_are_deleted(
    store: &impl SessionStore,
) -> Result<(), StoreError> {
    let key = store.create(&data(1), after(60)).await?;
    assert_eq!(store.load(&key).await?, Some(data(1)));
    assert_eq!(store.save(&key, &data(2), after(60)).await?, Saved::Kept);
    assert_eq!(store.load(&key).await?, Some(data(2)));

    store.delete(&key).await?;
    store.delete(&key).await?;
    assert_eq!(store.load(&key).await?, None);
    assert_eq!(store.save(&key, &data(3), after(60)).await?, Saved::Gone);
    assert_eq!(store.load(&key).await?, None);
    Ok(())
}

async fn expired_sessions_are_gone(store: &impl SessionStore) -> Result<(), StoreError> {
    let stale = store.create(&data(1), before(3600)).await?;
    let kept = store.create(&data(2), after(60)).await?;
    let ended = store.save(&kept, &data(2), before(3600)).await?;
    assert_eq!(ended, Saved::Kept);
    // Redis counts in milliseconds, and one is the least that it takes.
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while store.load(&stale).await?.is_some() || store.load(&kept).await?.is_some() {
        assert!(std::time::Instant::now() < deadline, "still there");
        tokio::task::yield_now().await;
    }

    assert_eq!(store.save(&kept, &data(3), after(60)).await?, Saved::Gone);
    Ok(())
}

async fn foreign_keys_are_no_sessions(store: &impl SessionStore) -> Result<(), StoreError> {
    let long = "x".repeat(SessionKey::MAX_LEN);
    for text in [
        "forged-key-12345",
        "../../../etc/passwd",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "*[a-z]?*",
        &long,
    ] {
        let key = SessionKey::parse(text).unwrap();

        assert_eq!(store.load(&key).await?, None, "{text}");
        assert_eq!(
            store.save(&key, &data(1), after(60)).await?,
            Saved::Gone,
            "{text}"
        );
        store.delete(&key).await?;
        assert_eq!(store.load(&key).await?, None, "{text}");
    }
    Ok(())
}

async fn sessions_far_in_the_future_are_kept(store: &impl SessionStore) -> Result<(), StoreError> {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 1000);
    let key = store.create(&data(1), far).await?;

    assert_eq!(store.load(&key).await?, Some(data(1)));
    Ok(())
}

async fn new_sessions_have_keys_of_their_own(store: &impl SessionStore) -> Result<(), StoreError> {
    let one = store.create(&data(1), after(60)).await?;
    let other = store.create(&data(2), after(60)).await?;

    assert_ne!(one, other);
    assert!(one.as_str().len() >= 22, "128 bits in Base64");
    assert_eq!(store.load(&one).await?, Some(data(1)));
    assert_eq!(store.load(&other).await?, Some(data(2)));
    Ok(())
}
