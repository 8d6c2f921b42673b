//! The text that Django's session engines keep: signed, and compressed where that makes it shorter.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use solent_session::StoreError;
use solent_spec::Chain;

use crate::{
    python::json,
    signing::{Compress, SecretKeys, SigningError, TimestampSigner},
};

/// The salt of the engines `db`, `cached_db` and `file`.
///
/// It is `django.contrib.sessions.` and the name of the engine's class: a project with a class of its own has another.
pub const STORE_SALT: &str = "django.contrib.sessions.SessionStore";

/// The salt of the engine `signed_cookies`.
pub const COOKIE_SALT: &str = "django.contrib.sessions.backends.signed_cookies";

/// Writes the data of a session: the column `session_data`, a file, or the value of a cookie.
///
/// What is in `data` is written so that Django reads the same; see [`decode`] for what JSON has no form for.
#[must_use]
pub fn encode(keys: &SecretKeys, salt: &str, data: &Map<String, Value>, now: SystemTime) -> String {
    signer(keys, salt).sign_json_at(&json::write_map(data), Compress::IfSmaller, now)
}

/// Reads the data of a session; `None`, and an event, if it is not one that a project with these keys wrote.
///
/// With `max_age` it is not read either if it was written longer ago: the engine `signed_cookies` has no other
/// way to expire. The other engines look at the row or the file.
///
/// Python's JSON has numbers that are none in Rust. They stand in the data as objects that are written back as what they were:
/// `{"$python": "NaN"}`, `{"$python": "-Infinity"}`, `{"$python": "18446744073709551616"}`.
#[must_use]
pub fn decode(
    keys: &SecretKeys,
    salt: &str,
    text: &str,
    max_age: Option<Duration>,
    now: SystemTime,
) -> Option<Map<String, Value>> {
    read(keys, salt, text, max_age, now).ok().flatten()
}

/// Reads the data of a session; `None` if it is too old.
pub(super) fn read(
    keys: &SecretKeys,
    salt: &str,
    text: &str,
    max_age: Option<Duration>,
    now: SystemTime,
) -> Result<Option<Map<String, Value>>, StoreError> {
    match signer(keys, salt).unsign_object_at(text, max_age, now) {
        Ok(Value::Object(data)) => Ok(Some(data)),
        Ok(_) => {
            tracing::info!(salt, "session data is not an object, and cannot be read");
            Err(StoreError::Unreadable)
        }
        Err(SigningError::Expired) => {
            tracing::debug!(salt, "session data is too old; taken as no session");
            Ok(None)
        }
        Err(error) => {
            // Any client may forge cookies, as often as it likes.
            tracing::info!(salt, error = %Chain(&error), "session data cannot be read");
            Err(StoreError::Unreadable)
        }
    }
}

fn signer(keys: &SecretKeys, salt: &str) -> TimestampSigner {
    TimestampSigner::new(keys.clone()).salt(salt)
}
