//! What every store that keeps sessions itself promises.

use std::time::{Duration, SystemTime};

use serde_json::json;
use solent_session::{
    Saved, Session, SessionData, SessionError, SessionKey, SessionStore, Sessions, StoreError,
};

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

/// What every store promises that can compare and write in one step: requests of one browser at the same time lose nothing.
pub(crate) async fn check_merging(store: impl SessionStore) {
    let sessions = Sessions::new(store);
    let key = requests_at_once_leave_what_each_set(&sessions).await;
    counters_count_every_request(&sessions, &key).await;
    removed_names_stay_removed(&sessions, &key).await;
    ended_sessions_are_not_brought_back(&sessions, &key).await;
}

/// Sessions of as many requests of one browser, which have read what is there.
async fn requests(sessions: &Sessions, key: &SessionKey, count: usize) -> Vec<Session> {
    let mut all = Vec::new();
    for _ in 0..count {
        let session = sessions.session(Some(key.clone()));
        session.data().await.unwrap();
        all.push(session);
    }
    all
}

async fn requests_at_once_leave_what_each_set(sessions: &Sessions) -> SessionKey {
    let first = sessions.session(None);
    first.insert("first", true).await.unwrap();
    first.save().await.unwrap();
    let key = first.key().unwrap();

    let mut tasks = tokio::task::JoinSet::new();
    for (n, session) in requests(sessions, &key, 20).await.into_iter().enumerate() {
        tasks.spawn(async move {
            session.insert(format!("name{n}"), n).await?;
            session.save().await
        });
    }
    for saved in tasks.join_all().await {
        saved.unwrap();
    }

    let data = sessions.session(Some(key.clone())).data().await.unwrap();
    let names: Vec<_> = data.keys().cloned().collect();
    let mut expected: Vec<_> = (0..20).map(|n| format!("name{n}")).collect();
    expected.push("first".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    key
}

async fn counters_count_every_request(sessions: &Sessions, key: &SessionKey) {
    let mut tasks = tokio::task::JoinSet::new();
    for session in requests(sessions, key, 20).await {
        tasks.spawn(async move {
            let increment = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
            session.update("count", increment).await
        });
    }
    let mut seen: Vec<_> = tasks
        .join_all()
        .await
        .into_iter()
        .map(|count| count.unwrap())
        .collect();
    seen.sort_unstable();

    assert_eq!(seen, (1..=20).map(Some).collect::<Vec<_>>());
    let count = sessions
        .session(Some(key.clone()))
        .get::<u64>("count")
        .await;
    assert_eq!(count.unwrap(), Some(20));
}

async fn removed_names_stay_removed(sessions: &Sessions, key: &SessionKey) {
    let [one, other] = &requests(sessions, key, 2).await[..] else {
        panic!("two were asked for")
    };

    one.remove("first").await.unwrap();
    one.save().await.unwrap();
    other.insert("last", 1).await.unwrap();
    other.save().await.unwrap();

    let data = sessions.session(Some(key.clone())).data().await.unwrap();
    assert!(
        !data.contains_key("first") && data.contains_key("last"),
        "{data:?}"
    );
}

async fn ended_sessions_are_not_brought_back(sessions: &Sessions, key: &SessionKey) {
    let all = requests(sessions, key, 3).await;

    all[0].flush().await.unwrap();
    all[1].insert("name", "late").await.unwrap();
    let saved = all[1].save().await;
    let updated = all[2].update("count", |_: Option<u64>| Some(1)).await;

    assert!(matches!(saved, Err(SessionError::Vanished)), "{saved:?}");
    assert!(
        matches!(updated, Err(SessionError::Vanished)),
        "{updated:?}"
    );
    assert_eq!(sessions.store().load(key).await.unwrap(), None);
}
