use http::{Method, StatusCode};
use solent_edge::CrossSite;
use solent_test_servers::Log;
use solent_testing::TestRequest;

use crate::open::{exchange, handshake};

/// A request to `example.com` with the headers that are there.
fn request(method: Method, site: Option<&str>, origin: Option<&str>) -> TestRequest {
    let mut request = TestRequest::new(method, "https://example.com/order/");
    if let Some(site) = site {
        request = request.header("sec-fetch-site", site);
    }
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request
}

#[tokio::test(start_paused = true)]
async fn requests_that_change_something_come_from_the_same_origin_or_no_browser() {
    let own = Some("https://example.com");
    let other = Some("https://evil.example");
    for (site, origin, wanted) in [
        (None, None, true),
        (None, own, true),
        (None, other, false),
        (None, Some("http://example.com"), false),
        (None, Some("https://example.com:8443"), false),
        (None, Some("null"), false),
        (Some("same-origin"), own, true),
        // Behind a proxy that changes the host.
        (Some("same-origin"), other, true),
        (Some("none"), None, true),
        (Some("same-site"), Some("https://www.example.com"), false),
        (Some("cross-site"), other, false),
        (Some("cross-site"), own, false),
        (Some("cross-site"), None, false),
        (Some(""), own, false),
        (Some("SAME-ORIGIN"), own, false),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let status = exchange(&CrossSite::new(), request(method.clone(), site, origin)).await;
            let wanted = if wanted {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(status, wanted, "{method} {site:?} {origin:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_change_nothing_and_handshakes_pass() {
    let foreign = |method| request(method, Some("cross-site"), Some("https://evil.example"));
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        assert_eq!(
            exchange(&CrossSite::new(), foreign(method)).await,
            StatusCode::OK
        );
    }
    let unknown = Method::from_bytes(b"get").unwrap();
    assert_eq!(
        exchange(&CrossSite::new(), foreign(unknown)).await,
        StatusCode::FORBIDDEN
    );
    let status = handshake(&CrossSite::new(), foreign(Method::CONNECT)).await;
    assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test(start_paused = true)]
async fn trusted_origins_pass() {
    let trusting = CrossSite::new().trust("https://.example.org").unwrap();
    for (origin, wanted) in [
        ("https://shop.example.org", StatusCode::OK),
        ("http://shop.example.org", StatusCode::FORBIDDEN),
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("https://[bad", StatusCode::FORBIDDEN),
    ] {
        let request = request(Method::POST, Some("cross-site"), Some(origin));
        assert_eq!(exchange(&trusting, request).await, wanted, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_tells_the_log_the_origin_and_what_would_let_it_in() {
    let log = Log::new();

    let foreign = request(Method::POST, None, Some("https://evil.example"));
    exchange(&CrossSite::new(), foreign).await;

    let text = log.text();
    for wanted in ["https://evil.example", "POST", "CrossSite::trust"] {
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
    }
}
