use http::StatusCode;
use solent_edge::{Csrf, CsrfConfig};

use super::{TOKEN, post, status, tls};

#[tokio::test(start_paused = true)]
async fn page_over_tls_may_reach_a_plain_connection_behind_a_proxy() {
    let request = post()
        .header("x-csrftoken", TOKEN)
        .header("origin", "https://example.com");
    assert_eq!(status(&Csrf::default(), request).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn origin_is_the_host_or_trusted() {
    let csrf = Csrf::default()
        .trust("https://*.example.org")
        .unwrap()
        .trust("https://shop.example")
        .unwrap();
    for (origin, wanted) in [
        ("https://example.com", StatusCode::OK),
        ("https://a.example.org", StatusCode::OK),
        ("https://shop.example", StatusCode::OK),
        ("http://shop.example", StatusCode::FORBIDDEN),
        ("https://www.shop.example", StatusCode::FORBIDDEN),
        ("http://example.com", StatusCode::FORBIDDEN),
        ("https://example.com:8443", StatusCode::FORBIDDEN),
        ("https://www.example.com", StatusCode::FORBIDDEN),
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("null", StatusCode::FORBIDDEN),
        ("", StatusCode::FORBIDDEN),
        ("https://[bad", StatusCode::FORBIDDEN),
    ] {
        // Where there is an origin, the referer does not count.
        let request = tls()
            .header("origin", origin)
            .header("referer", "https://example.com/");
        assert_eq!(status(&csrf, request).await, wanted, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_origin_the_referer_counts_over_tls() {
    let csrf = Csrf::default().trust("https://*.example.org").unwrap();
    for (referer, wanted) in [
        (Some("https://example.com/order/"), StatusCode::OK),
        (Some("https://EXAMPLE.com"), StatusCode::OK),
        (Some("https://a.example.org/x"), StatusCode::OK),
        (Some("http://example.com/order/"), StatusCode::FORBIDDEN),
        (Some("https://example.com:8443/"), StatusCode::FORBIDDEN),
        (
            Some("https://example.com.evil.example/"),
            StatusCode::FORBIDDEN,
        ),
        (
            Some("https://evil.example/https://example.com"),
            StatusCode::FORBIDDEN,
        ),
        (
            Some("https://example.com@evil.example/"),
            StatusCode::FORBIDDEN,
        ),
        (Some("https://"), StatusCode::FORBIDDEN),
        (Some("https://[bad/"), StatusCode::FORBIDDEN),
        (Some("example.com"), StatusCode::FORBIDDEN),
        (Some(""), StatusCode::FORBIDDEN),
        (None, StatusCode::FORBIDDEN),
    ] {
        let request = match referer {
            Some(referer) => tls().header("referer", referer),
            None => tls(),
        };
        assert_eq!(status(&csrf, request).await, wanted, "{referer:?}");
    }
    let plain = post()
        .header("x-csrftoken", TOKEN)
        .header("referer", "http://evil.example/");
    assert_eq!(status(&csrf, plain).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn referer_may_be_any_host_that_shares_the_cookie() {
    let csrf = Csrf::new(CsrfConfig::default().domain(".example.com"));
    let from = |host: &str, referer: &str| tls().header("host", host).header("referer", referer);
    for (host, referer, wanted) in [
        ("example.com", "https://www.example.com/", StatusCode::OK),
        (
            "example.com:8443",
            "https://www.example.com:8443/",
            StatusCode::OK,
        ),
        (
            "example.com:8443",
            "https://www.example.com/",
            StatusCode::FORBIDDEN,
        ),
        (
            "example.com",
            "https://evil.example/",
            StatusCode::FORBIDDEN,
        ),
    ] {
        assert_eq!(
            status(&csrf, from(host, referer)).await,
            wanted,
            "{host} {referer}"
        );
    }
}

#[test]
fn trusted_origin_that_can_match_nothing_is_an_error_that_says_why() {
    let error = Csrf::default().trust("example.com").unwrap_err();
    assert!(error.to_string().contains("it has a scheme"), "{error}");
}
