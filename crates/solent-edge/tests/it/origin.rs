use http::StatusCode;
use serde::Deserialize;
use solent_edge::Origins;
use solent_spec::request::Feature;
use solent_test_servers::Log;
use solent_testing::TestRequest;

use crate::open::{exchange, handshake};

const OPEN: StatusCode = StatusCode::SWITCHING_PROTOCOLS;
const REFUSED: StatusCode = StatusCode::FORBIDDEN;

/// A handshake at `example.com`.
fn from(origin: Option<&str>) -> TestRequest {
    let request = TestRequest::get("ws://example.com/chat/");
    match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    }
}

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    pattern: String,
    origin: Option<String>,
    /// A decision, or the exception that came instead of one.
    allowed: serde_json::Value,
}

#[tokio::test(start_paused = true)]
async fn pattern_decides_as_channels_does_and_refuses_where_that_fails() {
    let vectors = include_str!("vectors/origin_vectors.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    assert_eq!(vectors.cases.len(), 594);
    let mut wrong = Vec::new();

    for case in vectors.cases {
        // What is an error here lets nothing in there.
        let Ok(origins) = Origins::new([&case.pattern]) else {
            assert!(case.allowed != true, "{}", case.pattern);
            continue;
        };
        let allowed = handshake(&origins, from(case.origin.as_deref())).await == OPEN;
        if allowed != (case.allowed == true) {
            wrong.push(format!("{} for {:?}: {allowed}", case.pattern, case.origin));
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn lists_let_in_what_the_validator_of_channels_lets_in() {
    for (patterns, origin, wanted) in [
        (
            &["allowed-domain.com"][..],
            Some("http://allowed-domain.com"),
            OPEN,
        ),
        (
            &["allowed-domain.com"],
            Some("http://bad-domain.com"),
            REFUSED,
        ),
        (
            &["*.allowed-domain.com"],
            Some("http://allowed-domain.com"),
            REFUSED,
        ),
        (
            &[".allowed-domain.com"],
            Some("http://www.allowed-domain.com"),
            OPEN,
        ),
        (
            &["http://allowed-domain.com"],
            Some("http://allowed-domain.com"),
            OPEN,
        ),
        (
            &["http://allowed-domain.com"],
            Some("https://bad-domain.com:443"),
            REFUSED,
        ),
        (&["*"], None, OPEN),
        (&[], None, REFUSED),
        (&[], Some("http://allowed-domain.com"), REFUSED),
        (&[".allowed-domain.com"], Some(""), REFUSED),
        (&[".allowed-domain.com"], Some("something-invalid"), REFUSED),
        (&["a.com", "b.com"], Some("http://b.com"), OPEN),
    ] {
        let patterns = patterns.iter().filter(|one| Origins::new([one]).is_ok());
        let origins = Origins::new(patterns.clone()).unwrap();
        let patterns: Vec<_> = patterns.collect();
        let status = handshake(&origins, from(origin)).await;
        assert_eq!(status, wanted, "{patterns:?} {origin:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn last_origin_header_counts() {
    let origins = Origins::new(["example.com"]).unwrap();
    let request = from(Some("http://evil.example")).header("origin", "http://example.com");
    assert_eq!(handshake(&origins, request).await, OPEN);

    let request = from(Some("http://example.com")).header("origin", "http://evil.example");
    assert_eq!(handshake(&origins, request).await, REFUSED);
}

#[tokio::test(start_paused = true)]
async fn origin_that_is_no_ascii_is_another_one() {
    let request = from(None).header("origin", b"http://ex\xe4mple.com");
    assert_eq!(
        handshake(&Origins::new(["example.com"]).unwrap(), request.clone()).await,
        REFUSED
    );
    assert_eq!(
        handshake(&Origins::same_host(), request.clone()).await,
        REFUSED
    );
    assert_eq!(
        handshake(&Origins::new(["*"]).unwrap(), request).await,
        OPEN
    );
}

#[tokio::test(start_paused = true)]
async fn same_host_lets_its_own_pages_in_and_clients_that_are_no_browsers() {
    let origins = Origins::default();
    for (origin, wanted) in [
        (None, OPEN),
        (Some("http://example.com"), OPEN),
        (Some("https://example.com"), OPEN),
        (Some("http://example.com:8000"), REFUSED),
        (Some("http://evil.example"), REFUSED),
        (Some("http://www.example.com"), REFUSED),
        (Some("null"), REFUSED),
        (Some(""), REFUSED),
        (Some("http://[bad"), REFUSED),
    ] {
        assert_eq!(
            handshake(&origins, from(origin)).await,
            wanted,
            "{origin:?}"
        );
    }
    assert_eq!(
        handshake(&origins.allow_absent(false), from(None)).await,
        REFUSED
    );
}

#[tokio::test(start_paused = true)]
async fn other_origins_are_let_in_beside_the_same_host() {
    let origins = Origins::same_host()
        .allow("https://app.example.org")
        .unwrap();
    for (origin, wanted) in [
        ("http://example.com", OPEN),
        ("https://app.example.org", OPEN),
        ("http://app.example.org", REFUSED),
    ] {
        assert_eq!(
            handshake(&origins, from(Some(origin))).await,
            wanted,
            "{origin}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn browser_that_says_same_origin_is_believed_where_a_proxy_changed_the_host() {
    let request = |site: &str| from(Some("https://public.example")).header("sec-fetch-site", site);

    assert_eq!(
        handshake(&Origins::same_host(), request("same-origin")).await,
        OPEN
    );
    assert_eq!(
        handshake(&Origins::same_host(), request("same-site")).await,
        REFUSED
    );
    assert_eq!(
        handshake(
            &Origins::new(["example.com"]).unwrap(),
            request("same-origin")
        )
        .await,
        REFUSED
    );
}

#[tokio::test(start_paused = true)]
async fn http_requests_pass() {
    let request = TestRequest::post("/").header("origin", "http://evil.example");
    assert_eq!(
        exchange(&Origins::same_host(), request).await,
        StatusCode::OK
    );
}

#[tokio::test(start_paused = true)]
async fn refusal_is_a_close_where_the_server_offers_no_other() {
    let request = from(Some("http://evil.example")).features(Vec::<Feature>::new());
    assert_eq!(handshake(&Origins::same_host(), request).await, REFUSED);
}

#[tokio::test(start_paused = true)]
async fn refusal_tells_the_log_the_origin_and_what_would_let_it_in() {
    let log = Log::new();

    handshake(&Origins::same_host(), from(Some("http://evil.example"))).await;

    let text = log.text();
    for wanted in ["http://evil.example", "/chat/", "Origins::allow"] {
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn log_is_not_filled_by_a_long_origin() {
    let log = Log::new();

    handshake(&Origins::same_host(), from(Some(&"x".repeat(5000)))).await;

    assert!(log.text().len() < 1000, "{}", log.text());
}

#[test]
fn pattern_that_can_match_nothing_is_an_error_that_says_why() {
    let text = Origins::new(["*.example.com"]).unwrap_err().to_string();
    assert!(
        text.contains("*.example.com") && text.contains("leading dot"),
        "{text}"
    );
}
