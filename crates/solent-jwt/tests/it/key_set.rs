//! Key sets.

use proptest::prelude::*;
use serde_json::{Value, json};
use solent_jwt::{Algorithm, JwtConfig, JwtError, JwtVerifier, KeySet, KeySetError};

use super::sign::{SECRET, base64, claims, key, now, sign, token};

/// RFC 7515 §A.2.
const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": N, "e": "AQAB" })
}

fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn secret() -> Value {
    json!({ "kty": "oct", "k": base64(SECRET) })
}

fn parse(keys: Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string())
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

#[test]
fn key_without_an_algorithm_has_the_usual_one() {
    let keys = parse(json!([rsa(), p256(), secret()])).unwrap();

    let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm().name()).collect();
    assert_eq!(algorithms, ["RS256", "ES256", "HS256"]);
}

#[test]
fn usual_algorithm_of_rsa_can_be_set() {
    let keys = parse(json!([rsa(), with(rsa(), "alg", "RS384"), p256()])).unwrap();

    let keys = keys
        .rsa_algorithm(Algorithm::Ps256)
        .rsa_algorithm(Algorithm::Hs256);

    let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm().name()).collect();
    assert_eq!(algorithms, ["PS256", "RS384", "ES256"]);
}

#[test]
fn keys_that_cannot_be_used_are_skipped() {
    let unusable = [
        json!(null),
        json!("key"),
        json!({}),
        with(rsa(), "kty", "PQC"),
        with(rsa(), "n", "AQAB"),
        with(rsa(), "n", 7),
        with(rsa(), "n", "not base64!"),
        with(rsa(), "e", ""),
        with(rsa(), "use", "enc"),
        with(rsa(), "key_ops", json!(["encrypt"])),
        with(rsa(), "alg", "RSA-OAEP"),
        with(rsa(), "alg", "none"),
        with(rsa(), "alg", "HS256"),
        with(rsa(), "alg", "ES256"),
        with(rsa(), "alg", json!(null)),
        with(p256(), "crv", "P-384"),
        with(p256(), "crv", "P-521"),
        with(p256(), "crv", "secp256k1"),
        with(p256(), "alg", "ES384"),
        with(p256(), "x", "AQAB"),
        with(secret(), "k", "c2hvcnQ"),
        with(secret(), "alg", "RS256"),
        json!({ "kty": "OKP", "crv": "Ed448", "x": "AQAB" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "AQAB" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AQAB" }),
    ];
    for key in &unusable {
        assert!(
            matches!(parse(json!([key])), Err(KeySetError::Empty)),
            "{key}"
        );
    }
    let mut keys = unusable.to_vec();
    keys.push(with(rsa(), "kid", "good"));

    let keys = parse(json!(keys)).unwrap();

    assert_eq!(
        keys.iter().map(|key| key.id()).collect::<Vec<_>>(),
        [Some("good")]
    );
}

#[test]
fn key_for_signatures_is_used() {
    for key in [
        with(rsa(), "use", "sig"),
        with(rsa(), "key_ops", json!(["verify"])),
        with(rsa(), "x5c", json!(["MIIB"])),
        with(rsa(), "from the future", 7),
        // A sign byte, which some write.
        with(rsa(), "e", "AAEAAQ"),
    ] {
        assert_eq!(parse(json!([key])).unwrap().len(), 1, "{key}");
    }
}

#[test]
fn what_is_no_key_set_is_refused() {
    for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[}"#, "<html>"] {
        assert!(
            matches!(KeySet::parse(json), Err(KeySetError::Malformed(_))),
            "{json}"
        );
    }
    let many = vec![rsa(); KeySet::MAX_KEYS + 1];
    assert!(matches!(parse(json!(many)), Err(KeySetError::TooLarge)));
    let long = " ".repeat(KeySet::MAX_LEN + 1);
    assert!(matches!(KeySet::parse(long), Err(KeySetError::TooLarge)));
}

#[tokio::test]
async fn key_is_chosen_by_its_id() {
    let other = solent_jwt::Key::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let keys = KeySet::from_iter([other.with_id("old"), key(Algorithm::Hs256).with_id("new")]);
    let verifier = JwtVerifier::new(keys, JwtConfig::default());
    let token = |id: &str| {
        let header = json!({ "alg": "HS256", "kid": id });
        sign(Algorithm::Hs256, &header, &claims())
    };

    assert!(verifier.claims_at(&token("new"), now()).await.is_ok());
    let error = verifier.claims_at(&token("old"), now()).await.unwrap_err();
    assert_eq!(error, JwtError::Signature);
    let error = verifier
        .claims_at(&token("unknown"), now())
        .await
        .unwrap_err();
    assert_eq!(error, JwtError::UnknownKey(Algorithm::Hs256));
}

#[tokio::test]
async fn key_without_an_id_is_tried_for_every_id() {
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), JwtConfig::default());
    let header = json!({ "alg": "HS256", "kid": "whatever" });

    let token = sign(Algorithm::Hs256, &header, &claims());

    assert!(verifier.claims_at(&token, now()).await.is_ok());
}

#[tokio::test]
async fn token_without_an_id_is_tried_with_every_key() {
    let other = solent_jwt::Key::secret(Algorithm::Hs256, [7; 32]).unwrap();
    let keys = KeySet::from_iter([
        other.with_id("old"),
        key(Algorithm::Rs256).with_id("rsa"),
        key(Algorithm::Hs256).with_id("new"),
    ]);
    let verifier = JwtVerifier::new(keys, JwtConfig::default());

    let token = token(Algorithm::Hs256, &claims());

    assert!(verifier.claims_at(&token, now()).await.is_ok());
}

proptest! {
    #[test]
    fn any_document_is_read_without_panic(json in ".{0,200}") {
        let _ = KeySet::parse(json);
    }

    #[test]
    fn any_member_is_read_without_panic(
        name in prop::sample::select(vec!["kty", "n", "e", "alg", "use", "key_ops", "kid", "crv", "x", "k"]),
        value in prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[A-Za-z0-9_-]{0,8}".prop_map(Value::from),
            Just(json!(null)),
            Just(json!(["verify", 1])),
        ],
    ) {
        for key in [rsa(), p256(), secret()] {
            let _ = parse(json!([with(key, name, value.clone())]));
        }
    }
}
