//! The examples of the standards, which others have signed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use solent_jwt::{JwtConfig, JwtError, JwtVerifier, KeySet};

/// RFC 7515 §A.1 to §A.3: the same claims, in three ways.
const KEYS: &str = r#"{ "keys": [
    { "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" },
    { "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" },
    { "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }
] }"#;

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const SIGNED: [(&str, &str); 3] = [
    (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    (
        "eyJhbGciOiJSUzI1NiJ9",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ),
    (
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
];

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[tokio::test]
async fn tokens_of_the_standard_are_accepted_until_they_expire() {
    let config = JwtConfig::default().issuer("joe").leeway(Duration::ZERO);
    let verifier = JwtVerifier::new(KeySet::parse(KEYS).unwrap(), config);
    for (header, signature) in SIGNED {
        let token = format!("{header}.{CLAIMS}.{signature}");

        let claims = verifier.claims_at(&token, at(1_300_819_379)).await.unwrap();
        assert_eq!(claims.issuer(), Some("joe"));
        assert_eq!(claims.expires_at(), Some(at(1_300_819_380)));
        assert_eq!(claims.get("http://example.com/is_root").unwrap(), true);

        let late = verifier.claims_at(&token, at(1_300_819_380)).await;
        assert_eq!(late.unwrap_err(), JwtError::Expired);
    }
}

#[tokio::test]
async fn signature_of_one_is_no_signature_of_another() {
    let verifier = JwtVerifier::new(KeySet::parse(KEYS).unwrap(), JwtConfig::default());
    for (i, (header, _)) in SIGNED.iter().enumerate() {
        for (_, signature) in SIGNED
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .map(|(_, s)| s)
        {
            let token = format!("{header}.{CLAIMS}.{signature}");
            let error = verifier.claims_at(&token, at(0)).await.unwrap_err();
            assert_eq!(error, JwtError::Signature);
        }
    }
}

/// RFC 7515 §A.5.
#[tokio::test]
async fn unsecured_token_is_refused() {
    let verifier = JwtVerifier::new(KeySet::parse(KEYS).unwrap(), JwtConfig::default());

    let token = format!("eyJhbGciOiJub25lIn0.{CLAIMS}.");

    let error = verifier.claims_at(&token, at(0)).await.unwrap_err();
    assert_eq!(error, JwtError::Malformed);
}
