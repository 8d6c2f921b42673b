//! `django_vectors.json`: values that Django made with a fixed secret key at a fixed time.
//! `pickles.json`: what Python 3.11 pickles, in every protocol that can.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use solent_django::signing::SecretKeys;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("django_vectors.json")).unwrap());

static PICKLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("pickles.json")).unwrap());

/// Recorded pickles, with the protocol and the row that each belongs to.
pub(crate) fn pickles(kind: &str) -> impl Iterator<Item = (&'static Value, i64, Vec<u8>)> {
    PICKLES[kind].as_array().unwrap().iter().flat_map(|row| {
        let pickles = row["pickles"].as_array().unwrap().iter();
        pickles.map(move |p| (row, p["protocol"].as_i64().unwrap(), hex(text(p, "hex"))))
    })
}

/// The rows at a JSON pointer.
pub(crate) fn rows(pointer: &str) -> &'static [Value] {
    let rows = VECTORS.pointer(pointer).unwrap().as_array().unwrap();
    assert!(!rows.is_empty(), "{pointer}");
    rows
}

/// The value at a JSON pointer.
pub(crate) fn value(pointer: &str) -> &'static Value {
    VECTORS.pointer(pointer).unwrap()
}

/// The text in a field of a row.
pub(crate) fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {row}"))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let bytes = digits.as_bytes().chunks(2);
    bytes
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The secret key of the project, and the one it had before.
pub(crate) fn keys() -> SecretKeys {
    SecretKeys::new(text(value("/meta"), "secret_key"))
        .unwrap()
        .fallbacks([value("/meta/secret_key_fallbacks/0").as_str().unwrap()])
        .unwrap()
}

/// One key and no other.
pub(crate) fn only(key: &str) -> SecretKeys {
    SecretKeys::new(key).unwrap()
}

/// Seconds since 1970.
pub(crate) fn at(seconds: f64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
}

/// The time at which everything was signed.
pub(crate) fn then() -> SystemTime {
    at(1_700_000_000.0)
}
