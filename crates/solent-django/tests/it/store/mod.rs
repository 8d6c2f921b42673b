//! The stores, each with what Django wrote and for what Django reads.

// What all stores promise.
mod promise;

mod cache;
mod cached_database;
mod cookie;
mod database;
mod file;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use solent_session::{SessionData, SessionKey};

/// A session like Django's.
fn data(name: &str) -> SessionData {
    let data = json!({
        "_auth_user_id": "1",
        "name": name,
        "nested": {"list": [1, -2.5, null, true, "ä€𝄞"]},
    });
    match data {
        Value::Object(data) => data,
        other => panic!("{other}"),
    }
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

fn a_minute_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(60)
}

fn looks_like_django_s(key: &SessionKey) -> bool {
    let key = key.as_str();
    key.len() == 32
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[test]
fn cookies_that_django_takes_for_no_key_are_none_here() {
    for rule in crate::vectors::rows("/sessions/key_rules") {
        let cookie = crate::vectors::text(rule, "cookie_value");
        let parsed = SessionKey::parse(cookie).ok();
        let used = parsed.as_ref().map(SessionKey::as_str);
        assert_eq!(used, rule["session_key_used"].as_str(), "{cookie}");
    }
    assert!(looks_like_django_s(&key(crate::vectors::text(
        crate::vectors::value("/sessions/new_key_example"),
        "key"
    ))));
}
