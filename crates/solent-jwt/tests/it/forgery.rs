//! Tokens that pretend.

use serde_json::json;
use solent_jwt::{Algorithm, JwtConfig, JwtError, JwtVerifier, Key, KeySet, Keys};

use super::sign::{
    ALL, P256_PEM, RSA_PEM, SECRET, base64, claims, header, key, now, sign, sign_bytes, token,
};

async fn refused(keys: impl Into<Keys>, token: &str) -> JwtError {
    let verifier = JwtVerifier::new(keys, JwtConfig::default());
    verifier.claims_at(token, now()).await.unwrap_err()
}

#[tokio::test]
async fn public_key_is_no_secret() {
    // Who knows the public key, and everybody does, signs with it as if it was a secret.
    for (algorithm, pem) in [(Algorithm::Rs256, RSA_PEM), (Algorithm::Es256, P256_PEM)] {
        for secret in [pem.as_bytes(), pem.trim_end().as_bytes()] {
            let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
            let message = format!(
                "{}.{}",
                base64(header(Algorithm::Hs256).to_string()),
                base64(claims().to_string())
            );
            let tag = ring::hmac::sign(&hmac, message.as_bytes());
            let token = format!("{message}.{}", base64(tag));

            let error = refused(key(algorithm), &token).await;
            assert_eq!(error, JwtError::UnknownKey(Algorithm::Hs256));

            // Also where the algorithm is one that other keys of the issuer have.
            let both = KeySet::from_iter([
                key(algorithm).with_id("public"),
                key(Algorithm::Hs256).with_id("secret"),
            ]);
            assert_eq!(refused(both, &token).await, JwtError::Signature);
        }
    }
}

#[tokio::test]
async fn key_verifies_its_own_algorithm_only() {
    for pinned in ALL {
        for signed in ALL.into_iter().filter(|signed| *signed != pinned) {
            let error = refused(key(pinned), &token(signed, &claims())).await;
            assert_eq!(error, JwtError::UnknownKey(signed), "{pinned} {signed}");
        }
    }
}

#[tokio::test]
async fn header_that_lies_about_the_algorithm_is_found_out() {
    for pinned in ALL {
        for signed in ALL.into_iter().filter(|signed| *signed != pinned) {
            let lie = sign(signed, &header(pinned), &claims());
            let error = refused(key(pinned), &lie).await;
            assert_eq!(error, JwtError::Signature, "{pinned} {signed}");
        }
    }
}

#[tokio::test]
async fn key_id_of_another_key_does_not_lend_its_algorithm() {
    let keys = KeySet::from_iter([
        key(Algorithm::Rs256).with_id("public"),
        key(Algorithm::Hs256).with_id("secret"),
    ]);
    let header = json!({ "alg": "HS256", "kid": "public" });
    let token = sign(Algorithm::Hs256, &header, &claims());

    let error = refused(keys, &token).await;

    assert_eq!(error, JwtError::UnknownKey(Algorithm::Hs256));
}

#[tokio::test]
async fn unsecured_token_is_refused_however_it_is_spelled() {
    for name in ["none", "None", "NONE", "nOnE", "", "null"] {
        let header = json!({ "alg": name, "typ": "JWT" }).to_string();
        let unsigned = format!("{}.{}.", base64(&header), base64(claims().to_string()));
        let signed = sign_bytes(Algorithm::Hs256, &header, claims().to_string());
        for token in [unsigned, signed] {
            assert_eq!(
                refused(key(Algorithm::Hs256), &token).await,
                JwtError::Malformed
            );
        }
    }
}

#[tokio::test]
async fn empty_signature_is_none() {
    for algorithm in ALL {
        let token = token(algorithm, &claims());
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(refused(key(algorithm), unsigned).await, JwtError::Signature);
    }
}

#[tokio::test]
async fn zeros_are_no_signature() {
    // CVE-2022-21449.
    for (algorithm, len) in [
        (Algorithm::Es256, 64),
        (Algorithm::Es384, 96),
        (Algorithm::EdDsa, 64),
    ] {
        let token = token(algorithm, &claims());
        let message = &token[..=token.rfind('.').unwrap()];
        let forged = format!("{message}{}", base64(vec![0; len]));
        assert_eq!(refused(key(algorithm), &forged).await, JwtError::Signature);
    }
}

#[tokio::test]
async fn key_that_a_token_brings_along_is_not_used() {
    let jwk = json!({ "kty": "oct", "alg": "HS256", "k": base64(SECRET) });
    let header = json!({ "alg": "HS256", "jwk": jwk, "jku": "https://evil.example", "kid": "../../dev/null" });
    let token = sign(Algorithm::Hs256, &header, &claims());
    let other = Key::secret(Algorithm::Hs256, [7; 32]).unwrap();

    assert_eq!(refused(other, &token).await, JwtError::Signature);
}

#[tokio::test]
async fn what_is_critical_and_unknown_is_refused() {
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("enc", json!("A256GCM")),
        ("zip", json!("DEF")),
    ] {
        let mut header = header(Algorithm::Hs256);
        header[name] = value;
        header["b64"] = false.into();
        let token = sign(Algorithm::Hs256, &header, &claims());
        assert_eq!(
            refused(key(Algorithm::Hs256), &token).await,
            JwtError::Malformed
        );
    }
}

#[tokio::test]
async fn claims_of_another_token_do_not_fit_a_signature() {
    for algorithm in ALL {
        let ours = token(algorithm, &claims());
        let mut wanted = claims();
        wanted["sub"] = "1".into();
        let (message, signature) = ours.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let forged = format!("{header}.{}.{signature}", base64(wanted.to_string()));
        assert_eq!(refused(key(algorithm), &forged).await, JwtError::Signature);
    }
}

#[tokio::test]
async fn signed_claims_that_are_no_object_are_refused() {
    for claims in [
        "",
        "[]",
        "42",
        "null",
        "\"exp\"",
        "{",
        "{\"exp\":1}x",
        "\u{feff}{}",
    ] {
        let header = header(Algorithm::Hs256).to_string();
        let token = sign_bytes(Algorithm::Hs256, header, claims);
        assert_eq!(
            refused(key(Algorithm::Hs256), &token).await,
            JwtError::Malformed
        );
    }
}

#[tokio::test]
async fn deeply_nested_json_is_refused() {
    let deep = "[".repeat(2500);
    let header = header(Algorithm::Hs256).to_string();
    let claims = format!("{{\"exp\":1900000000,\"a\":{deep}");
    let token = sign_bytes(Algorithm::Hs256, header, claims);

    assert_eq!(
        refused(key(Algorithm::Hs256), &token).await,
        JwtError::Malformed
    );
}
