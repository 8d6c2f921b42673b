//! A session by itself.

use std::time::{Duration, SystemTime};

use solent_session::{
    CookieSecret, CookieStore, Expiry, SessionConfig, SessionError, SessionKey, SessionStore,
    Sessions,
};

use super::probe::Probe;

type Result<T = ()> = std::result::Result<T, SessionError>;

fn sessions() -> (Probe, Sessions) {
    let probe = Probe::default();
    (probe.clone(), Sessions::new(probe))
}

#[tokio::test]
async fn session_is_read_once_for_all_clones() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(Some(probe.with("color", "blue").await));
    let clone = session.clone();

    let (one, other, data) = tokio::join!(
        session.get::<String>("color"),
        clone.get::<String>("color"),
        clone.data()
    );

    assert_eq!(one?.as_deref(), Some("blue"));
    assert_eq!(other?.as_deref(), Some("blue"));
    assert_eq!(data?.len(), 1);
    assert!(session.contains("color").await?);
    assert_eq!(probe.counts(), (1, 0));
    Ok(())
}

#[tokio::test]
async fn new_session_reads_nothing_and_is_not_kept_while_empty() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(None);

    assert!(session.is_empty().await?);
    session.save().await?;
    session.cycle_key().await?;
    session.flush().await?;
    session.save().await?;

    assert_eq!(session.key(), None);
    assert_eq!(probe.counts(), (0, 0));
    Ok(())
}

#[tokio::test]
async fn only_changes_count_as_such() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(Some(probe.with("color", "blue").await));

    session.insert("color", "blue").await?;
    assert_eq!(session.remove("shape").await?, None);
    session.set_expiry(None).await?;
    assert!(!session.is_modified());

    session.insert("color", "red").await?;
    assert!(session.is_modified());
    session.save().await?;
    assert!(!session.is_modified());
    assert_eq!(session.remove("color").await?, Some("red".into()));
    assert!(session.is_modified());
    Ok(())
}

#[tokio::test]
async fn saved_values_can_be_read_under_the_key() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(None);

    session.insert("cart", vec![1, 2]).await?;
    session.save().await?;

    let again = sessions.session(session.key());
    assert_eq!(again.get::<Vec<u8>>("cart").await?, Some(vec![1, 2]));
    assert_eq!(probe.counts(), (1, 1));
    Ok(())
}

#[tokio::test]
async fn value_of_another_type_is_an_error_that_names_it() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(Some(probe.with("color", "blue").await));

    let error = session.get::<u32>("color").await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "value of \"color\" in the session is of another type"
    );
    Ok(())
}

#[tokio::test]
async fn flush_deletes_the_row_and_forgets_the_key() -> Result {
    let (probe, sessions) = sessions();
    let key = probe.with("color", "blue").await;
    let session = sessions.session(Some(key.clone()));

    session.flush().await?;

    assert_eq!(session.key(), None);
    assert!(session.is_empty().await?);
    assert!(probe.memory().is_empty());
    // Without a look into it, too.
    assert_eq!(probe.counts(), (0, 1));

    session.insert("color", "red").await?;
    session.save().await?;
    assert_ne!(session.key(), Some(key));
    assert_eq!(probe.memory().len(), 1);
    Ok(())
}

#[tokio::test]
async fn cycled_key_has_the_same_values_at_once_and_the_old_one_none() -> Result {
    let (probe, sessions) = sessions();
    let old = probe.with("color", "blue").await;
    let session = sessions.session(Some(old.clone()));

    session.insert("user", 7).await?;
    session.cycle_key().await?;

    let new = session.key().unwrap();
    assert_ne!(new, old);
    assert!(!session.is_modified());
    assert_eq!(probe.memory().load(&old).await?, None);
    let data = probe.memory().load(&new).await?.unwrap();
    assert_eq!((&data["color"], &data["user"]), (&"blue".into(), &7.into()));
    Ok(())
}

#[tokio::test]
async fn key_that_nobody_issued_is_forgotten() -> Result {
    let (_, sessions) = sessions();
    let forged = SessionKey::parse("forged-by-somebody").unwrap();
    let session = sessions.session(Some(forged.clone()));

    assert!(session.is_empty().await?);
    session.insert("color", "blue").await?;
    session.save().await?;

    // No fixation: the session is under a key of the store's own.
    assert_ne!(session.key(), Some(forged));
    Ok(())
}

#[tokio::test]
async fn session_that_vanished_is_not_made_again() -> Result {
    let (probe, sessions) = sessions();
    let key = probe.with("color", "blue").await;
    let session = sessions.session(Some(key.clone()));

    session.insert("color", "red").await?;
    probe.memory().delete(&key).await?;

    assert!(matches!(session.save().await, Err(SessionError::Vanished)));
    assert!(session.is_modified());
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test]
async fn session_can_be_looked_at_without_a_change_and_read_again() -> Result {
    let (probe, sessions) = sessions();
    let key = probe.with("color", "blue").await;
    let (here, there) = (
        sessions.session(Some(key.clone())),
        sessions.session(Some(key)),
    );
    here.insert("mine", 1).await?;
    there.insert("color", "red").await?;
    there.save().await?;

    assert_eq!(here.stored().await?.unwrap()["color"], "red");
    assert_eq!(here.get::<String>("color").await?.as_deref(), Some("blue"));

    assert!(here.reload().await?);
    assert_eq!(here.get::<String>("color").await?.as_deref(), Some("red"));
    assert!(!here.contains("mine").await? && !here.is_modified());

    there.flush().await?;
    assert_eq!(here.stored().await?, None);
    assert!(!here.reload().await?);
    assert_eq!(here.key(), None);
    Ok(())
}

#[tokio::test]
async fn store_that_is_down_is_not_an_empty_session() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(Some(probe.with("color", "blue").await));
    probe.set_down(true);

    assert!(matches!(
        session.get::<String>("color").await,
        Err(SessionError::Store(_))
    ));
    assert!(matches!(
        session.insert("a", 1).await,
        Err(SessionError::Store(_))
    ));

    // And it is read once the store is there again.
    probe.set_down(false);
    assert_eq!(
        session.get::<String>("color").await?.as_deref(),
        Some("blue")
    );
    Ok(())
}

#[tokio::test]
async fn flush_that_failed_leaves_the_key_to_try_again() -> Result {
    let (probe, sessions) = sessions();
    let session = sessions.session(Some(probe.with("color", "blue").await));
    probe.set_down(true);

    assert!(session.flush().await.is_err());
    assert!(session.is_empty().await?);

    probe.set_down(false);
    session.flush().await?;
    assert!(probe.memory().is_empty());
    Ok(())
}

#[tokio::test]
async fn expiry_of_a_session_comes_before_that_of_the_settings() -> Result {
    let (_, sessions) = sessions();
    let session = sessions.session(None);
    let hour = Expiry::After(Duration::from_secs(3600));

    assert_eq!(
        session.expiry().await?,
        Expiry::After(Duration::from_secs(1_209_600))
    );
    session.set_expiry(hour).await?;
    assert_eq!(session.expiry().await?, hour);
    session.set_expiry(Expiry::BrowserClose).await?;
    assert_eq!(session.expiry().await?, Expiry::BrowserClose);
    session.set_expiry(None).await?;
    assert!(session.is_empty().await?);

    let closing = sessions.config(SessionConfig::default().expire_at_browser_close(true));
    assert_eq!(closing.session(None).expiry().await?, Expiry::BrowserClose);
    Ok(())
}

#[tokio::test]
async fn number_that_json_does_not_have_is_no_value() -> Result {
    let (_, sessions) = sessions();
    let session = sessions.session(None);
    session.insert("rate", 0.5).await?;

    let inserted = session.insert("rate", f64::NAN).await;
    let updated = session
        .update("rate", |_: Option<f64>| Some(f64::INFINITY))
        .await;

    assert!(
        matches!(inserted, Err(SessionError::Shape { .. })),
        "{inserted:?}"
    );
    assert!(
        matches!(updated, Err(SessionError::Shape { .. })),
        "{updated:?}"
    );
    assert_eq!(session.get::<f64>("rate").await?, Some(0.5));
    Ok(())
}

#[tokio::test]
async fn value_that_stores_could_not_read_again_is_refused() -> Result {
    fn nested(depth: usize) -> serde_json::Value {
        (0..depth).fold(0.into(), |inner, _| serde_json::json!([inner]))
    }
    let store = CookieStore::signed(CookieSecret::random());
    let session = Sessions::new(store.clone()).session(None);

    session.insert("deep", nested(120)).await?;
    let refused = session.insert("deeper", nested(121)).await;

    assert!(
        matches!(refused, Err(SessionError::Shape { .. })),
        "{refused:?}"
    );
    session.save().await?;
    let read = Sessions::new(store).session(session.key());
    assert_eq!(read.get("deep").await?, Some(nested(120)));
    Ok(())
}

#[tokio::test]
async fn session_that_has_expired_is_gone() -> Result {
    let (_, sessions) = sessions();
    let session = sessions.session(None);
    session.insert("color", "blue").await?;
    session
        .set_expiry(Expiry::At(SystemTime::now() - Duration::from_secs(1)))
        .await?;
    session.save().await?;

    assert!(sessions.session(session.key()).is_empty().await?);
    Ok(())
}

#[tokio::test]
async fn debug_output_holds_neither_key_nor_values() -> Result {
    let (probe, sessions) = sessions();
    let key = probe.with("color", "topsecret").await;
    let session = sessions.session(Some(key.clone()));
    session.data().await?;

    let shown = format!("{session:?}");

    assert!(
        !shown.contains("topsecret") && !shown.contains(key.as_str()),
        "{shown}"
    );
    Ok(())
}
