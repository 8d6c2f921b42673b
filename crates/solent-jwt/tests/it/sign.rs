//! An issuer of tokens, which the crate is not.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{hmac, rand::SystemRandom, signature};
use serde_json::{Value, json};
use solent_jwt::{Algorithm, Key};

pub(crate) const SECRET: &[u8] =
    b"a secret that is as long as the longest hash there is, and a bit longer";

pub(crate) const RSA_PEM: &str = include_str!("keys/rsa.pem");
pub(crate) const P256_PEM: &str = include_str!("keys/p256.pem");
pub(crate) const P384_PEM: &str = include_str!("keys/p384.pem");
pub(crate) const ED25519_PEM: &str = include_str!("keys/ed25519.pem");

pub(crate) const ALL: [Algorithm; 12] = [
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

static RSA: LazyLock<signature::RsaKeyPair> =
    LazyLock::new(|| signature::RsaKeyPair::from_pkcs8(include_bytes!("keys/rsa.pk8")).unwrap());

/// When the tests take place, unless they say otherwise.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Seconds after `now`.
pub(crate) fn at(seconds: i64) -> i64 {
    1_800_000_000 + seconds
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key that verifies what `sign` signs.
pub(crate) fn key(algorithm: Algorithm) -> Key {
    match algorithm.name().as_bytes()[0] {
        b'H' => Key::secret(algorithm, SECRET),
        b'R' | b'P' => Key::pem(algorithm, RSA_PEM),
        _ => Key::pem(
            algorithm,
            match algorithm {
                Algorithm::Es256 => P256_PEM,
                Algorithm::Es384 => P384_PEM,
                _ => ED25519_PEM,
            },
        ),
    }
    .unwrap()
}

pub(crate) fn header(algorithm: Algorithm) -> Value {
    json!({ "typ": "JWT", "alg": algorithm.name() })
}

/// A token for nobody in particular, good for a minute.
pub(crate) fn claims() -> Value {
    json!({ "sub": "42", "exp": at(60) })
}

/// A good token with these claims.
pub(crate) fn token(algorithm: Algorithm, claims: &Value) -> String {
    sign(algorithm, &header(algorithm), claims)
}

/// A token whose header need not tell the truth about how it is signed.
pub(crate) fn sign(algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    sign_bytes(algorithm, header.to_string(), claims.to_string())
}

pub(crate) fn sign_bytes(
    algorithm: Algorithm,
    header: impl AsRef<[u8]>,
    claims: impl AsRef<[u8]>,
) -> String {
    let message = format!("{}.{}", base64(header), base64(claims));
    let signature = signature(algorithm, message.as_bytes());
    format!("{message}.{}", base64(signature))
}

fn signature(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let secret = |hash| {
        let key = hmac::Key::new(hash, SECRET);
        hmac::sign(&key, message).as_ref().to_vec()
    };
    let rsa = |padding: &'static dyn signature::RsaEncoding| {
        let mut signature = vec![0; RSA.public().modulus_len()];
        RSA.sign(padding, &random, message, &mut signature).unwrap();
        signature
    };
    let curve = |algorithm, key: &[u8]| {
        let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, key, &random).unwrap();
        key.sign(&random, message).unwrap().as_ref().to_vec()
    };
    match algorithm {
        Algorithm::Hs256 => secret(hmac::HMAC_SHA256),
        Algorithm::Hs384 => secret(hmac::HMAC_SHA384),
        Algorithm::Hs512 => secret(hmac::HMAC_SHA512),
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_SHA512),
        Algorithm::Es256 => curve(
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            include_bytes!("keys/p256.pk8"),
        ),
        Algorithm::Es384 => curve(
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            include_bytes!("keys/p384.pk8"),
        ),
        Algorithm::EdDsa => {
            let key = include_bytes!("keys/ed25519.pk8");
            let key = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).unwrap();
            key.sign(message).as_ref().to_vec()
        }
        other => panic!("no key for {other}"),
    }
}
