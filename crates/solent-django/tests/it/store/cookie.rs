//! The engine `signed_cookies`.

use std::time::Duration;

use serde_json::json;
use solent_django::{session::SignedCookieSessions, signing::SecretKeys};
use solent_session::{Saved, SessionData, SessionStore, StoreError};

use super::{data, in_a_minute, key};
use crate::vectors;

fn store() -> SignedCookieSessions {
    SignedCookieSessions::new(vectors::keys())
}

#[tokio::test]
async fn the_cookie_is_the_session() {
    let cookie = store().create(&data("ann"), in_a_minute()).await.unwrap();
    assert_eq!(store().load(&cookie).await.unwrap(), Some(data("ann")));

    let Saved::Moved(other) = store()
        .save(&cookie, &data("bob"), in_a_minute())
        .await
        .unwrap()
    else {
        panic!("the cookie has to change");
    };
    assert_eq!(store().load(&other).await.unwrap(), Some(data("bob")));
    store().delete(&other).await.unwrap();
}

#[tokio::test]
async fn cookie_of_another_key_is_not_written_over() {
    let theirs = SignedCookieSessions::new(SecretKeys::new("another secret key").unwrap());
    let cookie = theirs.create(&data("ann"), in_a_minute()).await.unwrap();

    super::promise::write_over_nothing(store(), &cookie).await;
}

#[tokio::test]
async fn forged_cookies_are_none() {
    let cookie = store().create(&data("ann"), in_a_minute()).await.unwrap();
    let cookie = cookie.as_str();
    let stranger = SignedCookieSessions::new(SecretKeys::new("a stranger's").unwrap());
    let theirs = stranger.create(&data("ann"), in_a_minute()).await.unwrap();

    for forged in [
        theirs.as_str(),
        &cookie[1..],
        &cookie[..cookie.len() - 1],
        "eyJfYXV0aF91c2VyX2lkIjoiMSJ9",
        "12345678",
        "::::::::",
    ] {
        assert_eq!(store().load(&key(forged)).await.unwrap(), None, "{forged}");
    }
}

#[tokio::test]
async fn cookies_that_django_wrote_in_2023_are_too_old_unless_age_allows_it() {
    let rows = vectors::rows("/sessions/data");
    let signed = rows.iter().filter(|row| {
        row["salt"] == "django.contrib.sessions.backends.signed_cookies"
            && row["corrupted"].is_null()
    });
    let mut count = 0;
    for row in signed {
        let Ok(cookie) = solent_session::SessionKey::parse(vectors::text(row, "cookie_value"))
        else {
            continue;
        };
        assert_eq!(store().load(&cookie).await.unwrap(), None);
        let patient = store().age(Duration::from_secs(1 << 40));
        assert!(patient.load(&cookie).await.unwrap().is_some(), "{row}");
        count += 1;
    }
    assert!(count > 0);
}

#[tokio::test]
async fn more_than_a_cookie_holds_is_refused() {
    let mut large = SessionData::new();
    // Digits of a chaotic sequence, which do not compress.
    let mut state = 1_u64;
    let noise: String = (0..400)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("{state:016x}")
        })
        .collect();
    large.insert("noise".to_owned(), json!(noise));

    let error = store().create(&large, in_a_minute()).await.unwrap_err();

    assert!(
        matches!(error, StoreError::TooLarge { limit: 4096, .. }),
        "{error}"
    );
}
