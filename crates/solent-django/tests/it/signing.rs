use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use solent_auth::HashCheck;
use solent_django::signing::{
    Compress, SecretKeys, SignedCookies, Signer, SigningAlgorithm, SigningError, TimestampSigner,
    auth_hash, base62_decode, base62_encode, check_auth_hash, dumps, loads, salted_hmac,
};

use crate::vectors::{at, hex, keys, only, rows, text, then, value};

fn algorithm(row: &Value) -> SigningAlgorithm {
    match row["algorithm"].as_str() {
        Some("sha1") => SigningAlgorithm::Sha1,
        _ => SigningAlgorithm::Sha256,
    }
}

#[test]
fn every_recorded_mac_is_made() {
    for row in rows("/salted_hmac") {
        let mac = salted_hmac(
            text(row, "key_salt"),
            text(row, "value").as_bytes(),
            text(row, "secret").as_bytes(),
            algorithm(row),
        );
        assert_eq!(mac, hex(text(row, "digest_hex")), "{row}");
    }
}

#[test]
fn every_recorded_number_is_written_and_read_in_base_62() {
    for row in rows("/base62") {
        let number = row["n"].as_i64().unwrap();
        assert_eq!(base62_encode(number), text(row, "s"));
        assert_eq!(base62_decode(text(row, "s")), Some(number));
    }
    for text in [
        "",
        "-",
        "--1",
        "+1",
        "é",
        "1 ",
        "zzzzzzzzzzzz",
        "-zzzzzzzzzzzz",
    ] {
        assert_eq!(base62_decode(text), None, "{text}");
    }
}

#[test]
fn every_recorded_text_is_signed_and_believed() {
    for row in rows("/signer") {
        let (value, signed, salt) = (text(row, "value"), text(row, "signed"), text(row, "salt"));
        let key = row["key"].as_str();
        let signing = key.map_or(keys(), only);
        let is_believed = row["verifies"] != false;

        let told = if text(row, "kind") == "Signer" {
            let separator = row["sep"].as_str().unwrap_or(":");
            let signer = |keys| {
                Signer::new(keys)
                    .salt(salt)
                    .algorithm(algorithm(row))
                    .separator(separator)
                    .unwrap()
            };
            assert_eq!(signer(signing).sign(value), signed);
            signer(keys()).unsign(signed).ok()
        } else {
            let signer = |keys| TimestampSigner::new(keys).salt(salt);
            assert_eq!(signer(signing).sign_at(value, then()), signed);
            signer(keys())
                .unsign_at(signed, Some(Duration::ZERO), then())
                .ok()
        };

        assert_eq!(told, is_believed.then_some(value), "{row}");
    }
}

#[test]
fn every_recorded_object_is_signed_and_read() {
    for row in rows("/dumps") {
        let (salt, signed) = (text(row, "salt"), text(row, "signed"));
        let object = &row["object"];
        let compress = match row["compress"] == true {
            true => Compress::IfSmaller,
            false => Compress::Never,
        };
        let signer = TimestampSigner::new(keys()).salt(salt);

        assert_eq!(loads(&keys(), salt, signed, None).unwrap(), *object);
        let written = signer.sign_object_at(object, compress, then());
        assert_eq!(
            signer.unsign_object_at(&written, None, then()).unwrap(),
            *object
        );
        assert_eq!(written.starts_with('.'), signed.starts_with('.'));
        if !signed.starts_with('.') {
            assert_eq!(written, signed);
        }
    }
}

#[test]
fn age_is_exact() {
    let signer = TimestampSigner::new(keys()).salt("django.core.signing");
    for row in rows("/max_age") {
        let max_age = Duration::from_secs(row["max_age"].as_u64().unwrap());
        let now = at(row["now"].as_f64().unwrap());

        let told = signer.unsign_object_at(text(row, "signed"), Some(max_age), now);

        match row["ok"] == true {
            true => assert!(told.is_ok(), "{row}: {told:?}"),
            false => assert!(
                matches!(told, Err(SigningError::Expired)),
                "{row}: {told:?}"
            ),
        }
    }
}

#[test]
fn every_recorded_forgery_is_refused() {
    for row in rows("/bad") {
        let told = loads(&keys(), "django.core.signing", text(row, "signed"), None);
        assert!(matches!(told, Err(SigningError::Bad)), "{row}: {told:?}");
    }
}

#[test]
fn what_was_never_signed_with_a_time_is_refused() {
    let salt = "same";
    for value in ["", "x", "x:", "x:?", "x:zzzzzzzzzzzzzz"] {
        let signed = Signer::new(keys()).salt(salt).sign(value);
        let told = TimestampSigner::new(keys())
            .salt(salt)
            .unsign(&signed, None);
        assert!(matches!(told, Err(SigningError::Bad)), "{value}: {told:?}");
    }
}

#[test]
fn a_separator_that_signatures_could_contain_is_refused() {
    for separator in ["", "-", "_", "=", "a", "Z", "0", "^", "a-=", "\n"] {
        assert!(
            Signer::new(keys()).separator(separator).is_err(),
            "{separator:?}"
        );
    }
    for separator in [":", "/", "a:", "::", "é"] {
        let signer = Signer::new(keys()).separator(separator).unwrap();
        assert_eq!(signer.unsign(&signer.sign("v")).unwrap(), "v");
    }
}

#[test]
fn an_empty_secret_key_is_refused() {
    assert!(SecretKeys::new("").is_err());
    assert!(only("a").fallbacks(["b", ""]).is_err());
}

#[test]
fn secret_keys_are_not_printed() {
    let shown = format!("{:?} {:?}", keys(), Signer::new(keys()));
    assert!(
        !shown.contains("insecure") && !shown.contains("previous"),
        "{shown}"
    );
}

#[test]
fn an_object_can_be_signed_without_a_time() {
    let signer = Signer::new(keys()).salt("plain");
    let object = Value::from(vec![7; 100]);
    for compress in [Compress::Never, Compress::IfSmaller] {
        let signed = signer.sign_object(&object, compress);
        assert_eq!(signer.unsign_object(&signed).unwrap(), object);
    }
}

#[test]
fn dumps_signs_as_of_now() {
    let signed = dumps(&keys(), "s", &Value::Null, Compress::Never);
    let an_hour = Some(Duration::from_secs(3600));
    assert_eq!(loads(&keys(), "s", &signed, an_hour).unwrap(), Value::Null);
}

#[test]
fn every_recorded_cookie_is_signed_and_believed() {
    for row in rows("/signed_cookies_api") {
        let (name, signed) = (text(row, "cookie"), text(row, "signed"));
        let cookies = SignedCookies::new(&keys()).salt(text(row, "salt_argument"));
        let is_legacy = !text(row, "signer_salt").starts_with("django.http.cookies.v2:");

        if is_legacy {
            let told = cookies.unsign_at(name, signed, None, then());
            assert!(matches!(told, Err(SigningError::Bad)), "{row}");
        } else {
            assert_eq!(cookies.sign_at(name, text(row, "value"), then()), signed);
        }
        let cookies = cookies.legacy_salt(is_legacy);
        assert_eq!(
            cookies.unsign_at(name, signed, None, then()).unwrap(),
            text(row, "value")
        );
        let other = cookies.unsign_at("other", signed, None, then());
        assert!(matches!(other, Err(SigningError::Bad)), "{other:?}");
    }
}

#[test]
fn a_cookie_that_is_too_old_is_not_tried_with_the_legacy_salt() {
    let cookies = SignedCookies::new(&keys()).legacy_salt(true);
    let signed = cookies.sign_at("theme", "dark", then());
    let later = then() + Duration::from_secs(2);
    let told = cookies.unsign_at("theme", &signed, Some(Duration::from_secs(1)), later);
    assert!(matches!(told, Err(SigningError::Expired)), "{told:?}");
}

#[test]
fn every_recorded_hash_of_a_password_is_made() {
    for row in rows("/auth_hash") {
        let keys = only(text(row, "secret"));
        assert_eq!(
            auth_hash(text(row, "password_field"), &keys),
            text(row, "session_auth_hash")
        );
    }
}

#[test]
fn a_session_hash_is_current_former_or_wrong() {
    let [current, former, ..] = rows("/auth_hash") else {
        panic!("two rows")
    };
    let column = text(current, "password_field");
    let check = |hash: &str| check_auth_hash(column, &keys(), hash);

    assert_eq!(
        check(text(current, "session_auth_hash")),
        HashCheck::Current
    );
    assert_eq!(check(text(former, "session_auth_hash")), HashCheck::Former);
    for wrong in ["", "47", &text(current, "session_auth_hash").to_uppercase()] {
        assert_eq!(check(wrong), HashCheck::Wrong);
    }
    let without_fallback = only(text(value("/meta"), "secret_key"));
    let told = check_auth_hash(column, &without_fallback, text(former, "session_auth_hash"));
    assert_eq!(told, HashCheck::Wrong);
}

proptest! {
    #[test]
    fn what_is_signed_is_believed(value in any::<String>(), salt in any::<String>()) {
        let signer = Signer::new(keys()).salt(&salt);
        let signed = signer.sign(&value);
        prop_assert_eq!(signer.unsign(&signed).unwrap(), &value);
        let signer = TimestampSigner::new(keys()).salt(&salt);
        let signed = signer.sign(&value);
        prop_assert_eq!(signer.unsign(&signed, None).unwrap(), &value);
    }

    #[test]
    fn nothing_unsigned_is_believed(text in any::<String>()) {
        prop_assert!(Signer::new(keys()).unsign(&text).is_err());
        prop_assert!(loads(&keys(), "salt", &text, None).is_err());
    }

    #[test]
    fn numbers_survive_base_62(number in any::<i64>()) {
        prop_assert_eq!(base62_decode(&base62_encode(number)), Some(number));
    }
}
