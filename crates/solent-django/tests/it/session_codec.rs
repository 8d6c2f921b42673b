use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use solent_django::{
    session::codec::{COOKIE_SALT, STORE_SALT, decode, encode},
    signing::{Compress, TimestampSigner},
};

use crate::vectors::{keys, only, rows, text, then, value};

fn content(row: &Value) -> (&str, &str) {
    let stored = row.get("session_data").or(row.get("cookie_value")).unwrap();
    (text(row, "salt"), stored.as_str().unwrap())
}

#[test]
fn every_recorded_session_is_read() {
    for row in rows("/sessions/data") {
        let (salt, stored) = content(row);
        let is_bad = row["note"]
            .as_str()
            .is_some_and(|note| note.starts_with("bad"));

        let data = decode(&keys(), salt, stored, None, then());

        let expected = (!is_bad).then(|| row["decoded"].as_object().unwrap().clone());
        assert_eq!(data, expected, "{row}");
    }
    let row = value("/sessions/db/sqlite_row");
    let data = decode(&keys(), STORE_SALT, text(row, "session_data"), None, then()).unwrap();
    assert_eq!(data["_auth_user_id"], "1");
}

#[test]
fn sessions_that_are_not_compressed_are_written_as_django_writes_them() {
    let mut compared = 0;
    for row in rows("/sessions/data") {
        let (salt, stored) = content(row);
        let data = row["decoded"].as_object().unwrap();
        let key = row["signed_with"]
            .as_str()
            .unwrap_or(text(value("/meta"), "secret_key"));

        let written = encode(&only(key), salt, data, then());

        assert_eq!(
            decode(&keys(), salt, &written, None, then()).as_ref(),
            Some(data)
        );
        if row["compressed"] == true {
            assert!(written.starts_with('.'), "{written}");
        } else if !text_is_bad(row) {
            assert_eq!(written, stored);
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}

fn text_is_bad(row: &Value) -> bool {
    row["note"]
        .as_str()
        .is_some_and(|note| note.starts_with("bad"))
}

#[test]
fn each_engine_has_its_salt() {
    for salt in value("/sessions/key_salts").as_object().unwrap().values() {
        assert_eq!(salt, STORE_SALT);
    }
    let stored = encode(&keys(), STORE_SALT, &Map::new(), then());
    assert_eq!(decode(&keys(), COOKIE_SALT, &stored, None, then()), None);
}

#[test]
fn a_session_in_a_cookie_ends_with_its_age() {
    let age = Duration::from_secs(1_209_600);
    let stored = encode(&keys(), COOKIE_SALT, &Map::new(), then());

    assert!(decode(&keys(), COOKIE_SALT, &stored, Some(age), then() + age).is_some());
    let later = then() + age + Duration::from_millis(1);
    assert_eq!(
        decode(&keys(), COOKIE_SALT, &stored, Some(age), later),
        None
    );
}

#[test]
fn what_is_signed_and_no_object_is_no_session() {
    let signer = TimestampSigner::new(keys()).salt(STORE_SALT);
    let texts = [
        signer.sign_object_at(&json!([1]), Compress::Never, then()),
        signer.sign_at("", then()),
        signer.sign_at("bm8gSlNPTg", then()),
        signer.sign_at("é?", then()),
        signer.sign_at(".bm8gemxpYg", then()),
        signer.sign_at(".", then()),
    ];
    for stored in texts {
        assert_eq!(
            decode(&keys(), STORE_SALT, &stored, None, then()),
            None,
            "{stored}"
        );
    }
}

#[test]
fn few_bytes_do_not_become_very_many() {
    let spaces = " ".repeat(9 << 20);
    let signer = TimestampSigner::new(keys()).salt(STORE_SALT);
    let small = signer.sign_object_at(&json!(spaces), Compress::IfSmaller, then());
    assert!(small.len() < 20_000, "{}", small.len());

    assert_eq!(decode(&keys(), STORE_SALT, &small, None, then()), None);
}

#[test]
fn numbers_that_only_python_has_survive_being_written_back() {
    let stored = TimestampSigner::new(keys()).salt(STORE_SALT).sign_at(
        "eyJhIjpOYU4sImIiOi1JbmZpbml0eSwiYyI6MTg0NDY3NDQwNzM3MDk1NTE2MTYsImQiOjFlKzE2fQ",
        then(),
    );

    let data = decode(&keys(), STORE_SALT, &stored, None, then()).unwrap();

    assert_eq!(data["d"], 1e16);
    assert_eq!(data["c"], json!({"$python": "18446744073709551616"}));
    assert_eq!(encode(&keys(), STORE_SALT, &data, then()), stored);
}

fn maps() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<u16>(), 0..80).prop_map(Value::from),
    ];
    prop::collection::btree_map(any::<String>(), leaf, 0..8)
        .prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(data in maps()) {
        let stored = encode(&keys(), STORE_SALT, &data, then());
        prop_assert_eq!(decode(&keys(), STORE_SALT, &stored, None, then()), Some(data));
    }

    #[test]
    fn one_changed_character_makes_it_no_session(data in maps(), place in any::<prop::sample::Index>()) {
        let mut stored = encode(&keys(), STORE_SALT, &data, then());
        let place = place.index(stored.len());
        let other = if stored.as_bytes()[place] == b'A' { "B" } else { "A" };
        stored.replace_range(place..=place, other);
        prop_assert_eq!(decode(&keys(), STORE_SALT, &stored, None, then()), None);
    }

    #[test]
    fn nothing_read_panics(stored in any::<String>()) {
        let _ = decode(&keys(), STORE_SALT, &stored, None, then());
    }
}
