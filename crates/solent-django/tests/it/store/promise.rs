//! What all stores promise, save those whose keys are the sessions.

use solent_auth::{DynSessionStore, Saved, SessionStore};

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
