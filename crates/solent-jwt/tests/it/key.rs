//! Keys that can be used, and keys that cannot.

use solent_jwt::{Algorithm, JwtConfig, JwtVerifier, Key, KeyError};

use super::sign::{ALL, ED25519_PEM, P256_PEM, P384_PEM, RSA_PEM, SECRET, claims, now, token};

#[tokio::test]
async fn rsa_key_is_read_from_every_wrapping() {
    for pem in [
        RSA_PEM,
        include_str!("keys/rsa_pkcs1.pem"),
        include_str!("keys/rsa_certificate.pem"),
    ] {
        let key = Key::pem(Algorithm::Rs256, pem).unwrap();
        let verifier = JwtVerifier::new(key, JwtConfig::default());
        let token = token(Algorithm::Rs256, &claims());
        assert!(verifier.claims_at(&token, now()).await.is_ok());
    }
}

#[test]
fn key_of_another_kind_is_refused() {
    for (pem, kind) in [
        (RSA_PEM, "RP"),
        (P256_PEM, "ES256"),
        (P384_PEM, "ES384"),
        (ED25519_PEM, "Ed"),
    ] {
        for algorithm in ALL {
            let name = algorithm.name();
            let fits = match kind {
                "RP" => name.starts_with(['R', 'P']),
                kind => name.starts_with(kind),
            };
            let found = Key::pem(algorithm, pem).err();
            assert_eq!(
                found,
                (!fits).then_some(KeyError::Mismatch { algorithm }),
                "{kind} {name}"
            );
        }
    }
    assert!(Key::pem(Algorithm::Es256, include_str!("keys/p521.pem")).is_err());
    for algorithm in ALL
        .into_iter()
        .filter(|other| !other.name().starts_with('H'))
    {
        let error = Key::secret(algorithm, SECRET).unwrap_err();
        assert_eq!(error, KeyError::Mismatch { algorithm });
    }
}

#[test]
fn weak_key_is_refused() {
    let small = include_str!("keys/rsa_1024.pem");
    let error = Key::pem(Algorithm::Rs256, small).unwrap_err();
    assert_eq!(error, KeyError::RsaSize { bits: 1024 });

    for (algorithm, least) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        assert!(Key::secret(algorithm, vec![7; least]).is_ok());
        let error = Key::secret(algorithm, vec![7; least - 1]).unwrap_err();
        assert_eq!(error, KeyError::ShortSecret { algorithm, least });
    }
}

#[test]
fn private_key_is_no_public_one() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    for (algorithm, der) in [
        (Algorithm::Rs256, include_bytes!("keys/rsa.pk8").as_slice()),
        (Algorithm::Es256, include_bytes!("keys/p256.pk8")),
        (Algorithm::EdDsa, include_bytes!("keys/ed25519.pk8")),
    ] {
        let text = STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        assert!(Key::pem(algorithm, pem).is_err(), "{algorithm}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for text in [
        "",
        "-----BEGIN PUBLIC KEY-----",
        "secret",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert_eq!(
            Key::pem(Algorithm::Rs256, text).unwrap_err(),
            KeyError::Malformed
        );
    }
}
