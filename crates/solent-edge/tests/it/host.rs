use http::StatusCode;
use serde::Deserialize;
use solent_edge::AllowedHosts;
use solent_test_servers::Log;
use solent_testing::TestRequest;

use crate::open::{exchange, handshake};

/// A request that names `host`.
fn at(host: &str) -> TestRequest {
    TestRequest::get("/page/").header("host", host)
}

#[tokio::test(start_paused = true)]
async fn hosts_are_answered_for_as_in_django() {
    for (patterns, host, wanted) in [
        (&["example.com"][..], "example.com", true),
        (&["example.com"], "EXAMPLE.com:8000", true),
        (&["EXAMPLE.com"], "example.com", true),
        (&["example.com"], "example.com.", true),
        (&["example.com"], "www.example.com", false),
        (&["example.com"], "badexample.com", false),
        (&[".example.com"], "www.example.com", true),
        (&[".example.com"], "example.com:80", true),
        (&[".example.com"], "badexample.com", false),
        (&["127.0.0.1", "[::1]"], "[::1]:8000", true),
        (&["*"], "whatever.example:1", true),
        (&["*"], "no host", false),
        (&["*"], "example.com@evil.tld", false),
        (&["*"], "", false),
        (&[], "example.com", false),
    ] {
        let hosts = AllowedHosts::new(patterns).unwrap();
        let got = exchange(&hosts, at(host)).await == StatusCode::OK;
        assert_eq!(got, wanted, "{patterns:?} {host:?}");
    }
}

#[derive(Deserialize)]
struct Vectors {
    patterns: Vec<String>,
    /// A `Host` header, its domain, and the patterns that match.
    hosts: Vec<(String, Option<String>, Vec<String>)>,
}

#[tokio::test(start_paused = true)]
async fn patterns_match_what_they_match_in_django() {
    let vectors = include_str!("vectors/django_request_vectors.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    for (host, _, wanted) in vectors.hosts {
        for pattern in &vectors.patterns {
            // What is an error here matches nothing there, but for a dot that stands for all dots.
            let Ok(hosts) = AllowedHosts::new([pattern]) else {
                assert!(
                    !wanted.contains(pattern) || pattern == ".",
                    "{pattern:?} {host:?}"
                );
                continue;
            };
            let got = exchange(&hosts, at(&host)).await == StatusCode::OK;
            assert_eq!(got, wanted.contains(pattern), "{pattern:?} {host:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_hosts_are_bad_requests_of_both_protocols() {
    let hosts = AllowedHosts::local();
    for host in ["localhost:8000", "shop.localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(exchange(&hosts, at(host)).await, StatusCode::OK);
        assert_eq!(
            handshake(&hosts, at(host)).await,
            StatusCode::SWITCHING_PROTOCOLS
        );
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
    ] {
        assert_eq!(exchange(&hosts, at(host)).await, StatusCode::BAD_REQUEST);
        assert_eq!(handshake(&hosts, at(host)).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_allowed_hosts_may_open_sockets() {
    let origins = AllowedHosts::new([".example.com", "[::1]"])
        .unwrap()
        .origins();
    for (origin, wanted) in [
        (
            Some("http://www.example.com"),
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (
            Some("https://example.com:8443"),
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (Some("http://[::1]:8000"), StatusCode::SWITCHING_PROTOCOLS),
        (Some("http://evil.example"), StatusCode::FORBIDDEN),
        (None, StatusCode::FORBIDDEN),
    ] {
        let request = origin
            .into_iter()
            .fold(at("x"), |request, origin| request.header("origin", origin));
        assert_eq!(handshake(&origins, request).await, wanted, "{origin:?}");
    }
    let local = AllowedHosts::local().origins();
    for origin in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]"] {
        let status = handshake(&local, at("x").header("origin", origin)).await;
        assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_tells_the_log_the_host() {
    let log = Log::new();

    exchange(&AllowedHosts::local(), at("shop.example")).await;

    let text = log.text();
    for wanted in ["shop.example", "add it to AllowedHosts"] {
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
    }
}

#[test]
fn pattern_that_can_match_nothing_is_an_error_that_says_why() {
    for pattern in [
        "*.example.com",
        "example.com:80",
        "http://example.com",
        "",
        "a_b",
    ] {
        let error = AllowedHosts::new([pattern]).unwrap_err().to_string();
        assert!(error.contains("matches nothing: it is a name"), "{error}");
    }
    let _ = AllowedHosts::new(["*", "example.com", ".example.com", "[::1]", "10.0.0.1"]).unwrap();
}
