//! What a good token has to say.

use std::{num::NonZeroUsize, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};
use solent_jwt::{Algorithm, Claims, JwtConfig, JwtError, JwtVerifier};

use super::sign::{ALL, at, claims, header, key, now, sign, token};

async fn check(config: JwtConfig, claims: &Value) -> Result<Claims, JwtError> {
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), config);
    let token = token(Algorithm::Hs256, claims);
    verifier.claims_at(&token, now()).await
}

fn strict() -> JwtConfig {
    JwtConfig::default().leeway(Duration::ZERO)
}

#[tokio::test]
async fn every_algorithm_verifies() {
    for algorithm in ALL {
        let verifier = JwtVerifier::new(key(algorithm), JwtConfig::default());
        let token = token(algorithm, &claims());

        let claims = verifier.claims_at(&token, now()).await.unwrap();

        assert_eq!(claims.subject(), Some("42"), "{algorithm}");
    }
}

#[tokio::test]
async fn time_of_a_token_is_from_its_nbf_to_before_its_exp() {
    for (begins, ends, found) in [
        (-1, 1, None),
        (0, 1, None),
        (1, 2, Some(JwtError::NotYet)),
        (-2, 0, Some(JwtError::Expired)),
        (-2, -1, Some(JwtError::Expired)),
    ] {
        let claims = json!({ "nbf": at(begins), "exp": at(ends) });
        assert_eq!(
            check(strict(), &claims).await.err(),
            found,
            "{begins} {ends}"
        );
    }
}

#[tokio::test]
async fn leeway_is_on_both_sides() {
    let config = JwtConfig::default().leeway(Duration::from_secs(10));
    for (begins, ends, found) in [
        (10, 60, None),
        (11, 60, Some(JwtError::NotYet)),
        (-60, -9, None),
        (-60, -10, Some(JwtError::Expired)),
    ] {
        let claims = json!({ "nbf": at(begins), "exp": at(ends) });
        assert_eq!(check(config.clone(), &claims).await.err(), found);
    }
    let accepted = check(config, &json!({ "exp": at(1) })).await.unwrap();
    assert_eq!(accepted.expires_at(), Some(now() + Duration::from_secs(11)));
}

#[tokio::test]
async fn times_may_have_fractions() {
    let soon = at(0) as f64 + 0.5;

    assert!(check(strict(), &json!({ "exp": soon })).await.is_ok());
    let early = check(strict(), &json!({ "exp": at(9), "nbf": soon })).await;
    assert_eq!(early.unwrap_err(), JwtError::NotYet);
}

#[tokio::test]
async fn claims_of_the_wrong_type_are_refused() {
    for (name, value) in [
        ("exp", json!("1900000000")),
        ("exp", json!(null)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!([])),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("sub", json!(42)),
        ("sub", json!(null)),
        ("aud", json!(1)),
        ("aud", json!([1])),
        ("aud", json!(null)),
    ] {
        let mut claims = json!({ "sub": "42", "exp": at(60) });
        claims[name] = value.clone();
        let error = check(strict(), &claims).await.unwrap_err();
        assert_eq!(error, JwtError::Claim(name), "{name}: {value}");
    }
}

#[tokio::test]
async fn token_without_an_end_is_accepted_only_where_it_may_be() {
    let endless = json!({ "sub": "42" });

    let error = check(strict(), &endless).await.unwrap_err();
    assert_eq!(error, JwtError::Claim("exp"));

    let accepted = check(strict().require_expiry(false), &endless)
        .await
        .unwrap();
    assert_eq!(accepted.expires_at(), None);
}

#[tokio::test]
async fn issuer_has_to_be_known() {
    let config = strict().issuer("https://id.example.org").issuer("other");
    let with = |issuer: Value| json!({ "exp": at(60), "iss": issuer });

    for issuer in ["https://id.example.org", "other"] {
        assert!(check(config.clone(), &with(issuer.into())).await.is_ok());
    }
    for issuer in [
        json!("https://id.example.org/"),
        json!(["other"]),
        json!(null),
    ] {
        let error = check(config.clone(), &with(issuer)).await.unwrap_err();
        assert_eq!(error, JwtError::Issuer);
    }
    let error = check(config, &json!({ "exp": at(60) })).await.unwrap_err();
    assert_eq!(error, JwtError::Issuer);
}

#[tokio::test]
async fn token_for_another_audience_is_refused() {
    let ours = strict().audience("sockets");
    for (config, audience, good) in [
        (ours.clone(), json!("sockets"), true),
        (ours.clone(), json!(["mail", "sockets"]), true),
        (ours.clone(), json!("Sockets"), false),
        (ours.clone(), json!(["mail"]), false),
        (ours.clone(), json!([]), false),
        // Who has no name is not meant.
        (strict(), json!("sockets"), false),
        (strict(), json!([]), false),
        (strict().any_audience(true), json!("sockets"), true),
    ] {
        let claims = json!({ "exp": at(60), "aud": audience });
        assert_eq!(check(config, &claims).await.is_ok(), good, "{claims}");
    }
    let error = check(ours, &json!({ "exp": at(60) })).await.unwrap_err();
    assert_eq!(error, JwtError::Audience);
}

#[tokio::test]
async fn type_of_a_token_has_to_be_the_wanted_one() {
    let config = strict().token_type("at+jwt".to_owned());
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), config);
    for (found, good) in [
        (json!("at+jwt"), true),
        (json!("AT+JWT"), true),
        (json!("application/at+jwt"), true),
        (json!("JWT"), false),
        (json!(null), false),
    ] {
        let header = json!({ "alg": "HS256", "typ": found });
        let token = sign(Algorithm::Hs256, &header, &claims());
        let result = verifier.claims_at(&token, now()).await;
        assert_eq!(result.is_ok(), good, "{found}");
    }
}

#[tokio::test]
async fn token_that_may_be_used_once_is_not_accepted_twice() {
    let config = strict().single_use(NonZeroUsize::new(8));
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), config);
    let once = token(Algorithm::Hs256, &json!({ "exp": at(60), "jti": "a" }));
    let other = token(Algorithm::Hs256, &json!({ "exp": at(60), "jti": "b" }));
    let nameless = token(Algorithm::Hs256, &claims());

    assert!(verifier.claims_at(&once, now()).await.is_ok());
    let error = verifier.claims_at(&once, now()).await.unwrap_err();
    assert_eq!(error, JwtError::Replayed);
    assert!(verifier.claims_at(&other, now()).await.is_ok());
    let error = verifier.claims_at(&nameless, now()).await.unwrap_err();
    assert_eq!(error, JwtError::Claim("jti"));
}

#[tokio::test]
async fn refused_token_that_may_be_used_once_is_not_used_up() {
    let config = strict()
        .single_use(NonZeroUsize::new(8))
        .audience("sockets");
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), config);
    let astray = json!({ "exp": at(60), "jti": "a", "aud": "mail" });
    let ours = json!({ "exp": at(60), "jti": "a", "aud": "sockets" });

    let refused = verifier
        .claims_at(&token(Algorithm::Hs256, &astray), now())
        .await;
    assert!(refused.is_err());
    let accepted = verifier
        .claims_at(&token(Algorithm::Hs256, &ours), now())
        .await;
    assert!(accepted.is_ok());
}

#[tokio::test]
async fn scopes_are_words_or_a_list() {
    for (name, value, words) in [
        (
            "scope",
            json!("chat.read  chat.write"),
            vec!["chat.read", "chat.write"],
        ),
        ("scope", json!(["a", "b"]), vec!["a", "b"]),
        ("scp", json!("a"), vec!["a"]),
        ("scope", json!(7), vec![]),
    ] {
        let mut claims = claims();
        claims[name] = value;
        let claims = check(strict(), &claims).await.unwrap();
        assert_eq!(claims.scopes().collect::<Vec<_>>(), words);
    }
}

#[tokio::test]
async fn claims_print_no_values() {
    let claims = check(strict(), &claims()).await.unwrap();

    assert_eq!(format!("{claims:?}"), r#"Claims(["exp", "sub"])"#);
    assert!(!format!("{:?}", key(Algorithm::Hs256)).contains("secret"));
}

#[tokio::test]
async fn oversized_token_is_not_looked_into() {
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), strict().max_len(100));

    let long = "x".repeat(101);

    let error = verifier.claims_at(&long, now()).await.unwrap_err();
    assert_eq!(error, JwtError::TooLong);
}

#[tokio::test]
async fn truncated_token_is_refused_wherever_it_is_cut() {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let verifier = JwtVerifier::new(key(algorithm), strict());
        let token = token(algorithm, &claims());
        for end in 0..token.len() {
            let error = verifier.claims_at(&token[..end], now()).await.unwrap_err();
            assert!(
                matches!(error, JwtError::Malformed | JwtError::Signature),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn token_with_parts_added_is_refused() {
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), strict());
    let token = token(Algorithm::Hs256, &claims());
    for other in [
        format!("{token}.x"),
        format!("x.{token}"),
        format!(".{token}"),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', ".."),
        token.replace('.', "\u{2024}"),
    ] {
        let error = verifier.claims_at(&other, now()).await.unwrap_err();
        assert_eq!(error, JwtError::Malformed, "{other}");
    }
}

fn verify(token: &str) -> Result<Claims, JwtError> {
    let verifier = JwtVerifier::new(key(Algorithm::Hs256), JwtConfig::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(verifier.claims_at(token, now()))
}

proptest! {
    #[test]
    fn any_text_is_refused_without_panic(token in ".{0,200}") {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn any_parts_are_refused_without_panic(
        token in r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}",
    ) {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn one_changed_character_spoils_a_token(at in 0..1000_usize, to in "[A-Za-z0-9_.-]") {
        let good = token(Algorithm::Hs256, &claims());
        let at = at % good.len();
        let mut bad = good.clone();
        bad.replace_range(at..=at, &to);
        prop_assert_eq!(verify(&bad).is_ok(), bad == good);
    }

    #[test]
    fn any_header_is_read_without_panic(name in "[a-z]{2,4}", value in ".{0,20}") {
        let mut header = header(Algorithm::Hs256);
        header[&name] = value.into();
        let token = sign(Algorithm::Hs256, &header, &claims());
        let _ = verify(&token);
    }
}
