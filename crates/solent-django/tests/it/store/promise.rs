//! What all stores promise, save those whose keys are the sessions.

use solent_session::{DynSessionStore, Saved, SessionError, SessionKey, SessionStore, Sessions};
use tokio::task::JoinSet;

use super::{data, in_a_minute, key, looks_like_django_s};

/// Runs `store` through the life of sessions.
pub(super) async fn keep_sessions(store: impl SessionStore) {
    let store = DynSessionStore::new(store);

    let ann = store.create(&data("ann"), in_a_minute()).await.unwrap();
    let bob = store.create(&data("bob"), in_a_minute()).await.unwrap();
    assert!(looks_like_django_s(&ann) && ann != bob);
    assert_eq!(store.load(&ann).await.unwrap(), Some(data("ann")));

    let saved = store.save(&ann, &data("anna"), in_a_minute()).await;
    assert_eq!(saved.unwrap(), Saved::Kept);
    assert_eq!(store.load(&ann).await.unwrap(), Some(data("anna")));

    store.delete(&ann).await.unwrap();
    assert_eq!(store.load(&ann).await.unwrap(), None);
    assert_eq!(store.load(&bob).await.unwrap(), Some(data("bob")));

    // What was deleted does not come back.
    let saved = store.save(&ann, &data("ann"), in_a_minute()).await;
    assert_eq!(saved.unwrap(), Saved::Gone);
    assert_eq!(store.load(&ann).await.unwrap(), None);
    store.delete(&ann).await.unwrap();

    for forged in [
        "12345678".to_owned(),
        "x".repeat(50),
        "x".repeat(4096),
        "../../../../etc/passwd".to_owned(),
        "'or'1'='1".to_owned(),
        "%00%00%00%00".to_owned(),
    ] {
        let forged = key(&forged);
        assert_eq!(
            store.load(&forged).await.unwrap(),
            None,
            "{}",
            forged.as_str()
        );
        let saved = store.save(&forged, &data("eve"), in_a_minute()).await;
        assert_eq!(saved.unwrap(), Saved::Gone, "{}", forged.as_str());
        store.delete(&forged).await.unwrap();
    }
}

/// Runs requests of one browser at the same time.
pub(super) async fn lose_nothing(store: impl SessionStore) {
    let sessions = Sessions::new(store);
    let first = sessions.session(None);
    first.insert("first", true).await.unwrap();
    first.save().await.unwrap();
    let key = first.key().unwrap();
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let session = sessions.session(Some(key.clone()));
        session.data().await.unwrap();
        requests.spawn(async move {
            session.insert(format!("name{n}"), n).await?;
            if n == 7 {
                session.remove("first").await?;
            }
            session.save().await?;
            let increment = |count: Option<u64>| Some(count.unwrap_or(0) + 1);
            session.update("count", increment).await
        });
    }
    for saved in requests.join_all().await {
        saved.unwrap();
    }

    let late = sessions.session(Some(key.clone()));
    let data = late.data().await.unwrap();
    let names: Vec<_> = data.keys().map(String::as_str).collect();
    let mut expected: Vec<_> = (0..20).map(|n| format!("name{n}")).collect();
    expected.push("count".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(data["count"], 20);

    sessions.session(Some(key.clone())).flush().await.unwrap();
    late.insert("late", true).await.unwrap();
    let saved = late.save().await;
    assert!(matches!(saved, Err(SessionError::Vanished)), "{saved:?}");
    assert_eq!(sessions.store().load(&key).await.unwrap(), None);
}

/// Has a page write to a session that it cannot read; what was there has to be there afterwards.
pub(super) async fn write_over_nothing(store: impl SessionStore, unreadable: &SessionKey) {
    let session = Sessions::new(store).session(Some(unreadable.clone()));
    assert!(session.is_empty().await.unwrap());

    session.insert("name", "ann").await.unwrap();
    let saved = session.save().await;

    assert!(matches!(saved, Err(SessionError::Unreadable)), "{saved:?}");
}
