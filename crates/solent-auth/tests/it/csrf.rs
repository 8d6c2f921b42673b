use http::{Method, StatusCode};
use serde::Deserialize;
use solent_auth::{CookieError, Csrf, CsrfConfig, CsrfError, CsrfScope};
use solent_spec::{
    BoxApplication, Connection, Http, Middleware, Result,
    http::{Receive, Send},
};
use solent_testing::{HttpCommunicator, TestRequest, TestResponse};

use crate::{log::Log, open::handshake};

/// A secret, and a token that Django made of it.
const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";
const TOKEN: &str = "q1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxCq2Y5i8XbBe8hGkWnEq7judz2E6JbNs17";
/// A token of another secret.
const OTHER: &str = "q1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxCq1W2e3R4t5Y6u7I8o9P0aSdFgHjKlZxC";

const FORM: &str = "application/x-www-form-urlencoded";

/// Answers `GET` with a token, and everything else with what it was sent.
async fn shop(mut connection: Connection<Http>) -> Result {
    use solent_spec::RequestScope;
    let method = connection.scope().head().method().clone();
    let csrf = connection.scope().csrf().cloned().ok_or("no handle")?;
    let text = match (&method, connection.scope().path()) {
        (&Method::GET, "/form/") => csrf.token().await?,
        (&Method::GET, "/login/") => {
            let before = csrf.token().await?;
            csrf.rotate().await?;
            assert_eq!(csrf.check(&before).await, Err(CsrfError::Token));
            csrf.token().await?
        }
        (&Method::GET, _) => "hello".to_owned(),
        _ => body(&mut connection).await,
    };
    Ok(connection.send(Send::text(text)).await?)
}

async fn body(connection: &mut Connection<Http>) -> String {
    let mut body = Vec::new();
    while let Some(Receive::Body { data, more }) = connection.receive().await {
        body.extend_from_slice(&data);
        if !more {
            break;
        }
    }
    String::from_utf8(body).unwrap()
}

fn start(csrf: &Csrf, request: TestRequest) -> HttpCommunicator {
    let application = csrf.wrap(BoxApplication::<Http>::new(shop));
    HttpCommunicator::start(application, request).unwrap()
}

async fn answer(csrf: &Csrf, request: TestRequest) -> TestResponse {
    start(csrf, request).response().await.unwrap()
}

async fn status(csrf: &Csrf, request: TestRequest) -> StatusCode {
    answer(csrf, request).await.status
}

/// A `POST` request with the cookie.
fn post() -> TestRequest {
    TestRequest::post("http://example.com/order/").header("cookie", format!("csrftoken={SECRET}"))
}

/// The same over TLS, with a token.
fn tls() -> TestRequest {
    TestRequest::post("https://example.com/order/")
        .header("cookie", format!("csrftoken={SECRET}"))
        .header("x-csrftoken", TOKEN)
}

/// The value of the cookie that a response sets.
fn cookie(response: &TestResponse) -> Option<&str> {
    let cookie = response.header("set-cookie")?;
    cookie.strip_prefix("csrftoken=")?.split(';').next()
}

#[tokio::test(start_paused = true)]
async fn page_gets_a_token_and_the_browser_the_cookie_that_belongs_to_it() {
    let page = answer(&Csrf::default(), TestRequest::get("/form/")).await;

    let token = page.text().unwrap();
    let secret = cookie(&page).unwrap();
    assert_eq!((token.len(), secret.len()), (64, 32));
    let set = page.header("set-cookie").unwrap();
    for attribute in ["; Max-Age=31449600", "; Path=/", "; SameSite=Lax"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(
        !set.contains("HttpOnly") && !set.contains("Secure"),
        "{set}"
    );
    assert_eq!(page.header("vary"), Some("Cookie"));
    let request = TestRequest::post("/")
        .header("cookie", format!("a=b; csrftoken={secret}"))
        .header("x-csrftoken", token);
    assert_eq!(status(&Csrf::default(), request).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn cookie_is_secure_over_tls() {
    let page = answer(
        &Csrf::default(),
        TestRequest::get("https://example.com/form/"),
    )
    .await;
    let set = page.header("set-cookie").unwrap();
    assert!(set.ends_with("; Secure"), "{set}");
}

#[tokio::test(start_paused = true)]
async fn response_without_a_token_sets_no_cookie() {
    let page = answer(&Csrf::default(), TestRequest::get("/")).await;
    assert_eq!(page.text().unwrap(), "hello");
    assert_eq!(
        (page.header("set-cookie"), page.header("vary")),
        (None, None)
    );
}

#[tokio::test(start_paused = true)]
async fn secret_of_the_browser_is_kept_and_that_of_an_old_cookie_unmasked() {
    for (sent, kept) in [(SECRET, true), (TOKEN, true), ("malformed", false)] {
        let request = TestRequest::get("/form/").header("cookie", format!("csrftoken={sent}"));
        let page = answer(&Csrf::default(), request).await;
        assert_eq!(cookie(&page) == Some(SECRET), kept, "{sent}");
        assert_eq!(cookie(&page).unwrap().len(), 32);
    }
}

#[tokio::test(start_paused = true)]
async fn login_replaces_the_secret_once_for_all() {
    let request = TestRequest::get("/login/").header("cookie", format!("csrftoken={SECRET}"));
    let page = answer(&Csrf::default(), request).await;

    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1);
    let secret = cookie(&page).unwrap();
    assert_ne!(secret, SECRET);
    let request = TestRequest::post("/")
        .header("cookie", format!("csrftoken={secret}"))
        .header("x-csrftoken", page.text().unwrap());
    assert_eq!(status(&Csrf::default(), request).await, StatusCode::OK);
}

#[derive(Deserialize)]
struct Vectors {
    trusted: Vec<String>,
    csrf: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    method: String,
    secure: bool,
    host: String,
    origin: Option<String>,
    referer: Option<String>,
    cookie: Option<String>,
    header: Option<String>,
    form: Option<String>,
    allowed: bool,
}

impl Case {
    fn request(&self) -> TestRequest {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let mut request = TestRequest::new(method, "/order/")
            .secure(self.secure)
            .header("host", &self.host);
        let cookie = self
            .cookie
            .as_ref()
            .map(|cookie| format!("csrftoken={cookie}"));
        for (name, value) in [
            ("origin", &self.origin),
            ("referer", &self.referer),
            ("cookie", &cookie),
            ("x-csrftoken", &self.header),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        match &self.form {
            Some(form) => request.header("content-type", FORM).body(form.clone()),
            None => request,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_taken_and_refused_as_in_django() {
    let vectors = include_str!("vectors/django_request_vectors.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    assert!(vectors.csrf.len() > 200);
    let csrf = vectors.trusted.iter().fold(Csrf::default(), Csrf::trust);
    let mut wrong = Vec::new();

    for case in vectors.csrf {
        if (status(&csrf, case.request()).await == StatusCode::OK) != case.allowed {
            wrong.push(case);
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn page_over_tls_may_reach_a_plain_connection_behind_a_proxy() {
    let request = post()
        .header("x-csrftoken", TOKEN)
        .header("origin", "https://example.com");
    assert_eq!(status(&Csrf::default(), request).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn requests_that_change_something_need_a_token_of_the_cookie() {
    let csrf = Csrf::default();
    let bare = |method: Method| TestRequest::new(method, "http://example.com/");
    let with = |cookie: &str, token: &str| {
        bare(Method::PUT)
            .header("cookie", format!("csrftoken={cookie}"))
            .header("x-csrftoken", token)
    };
    for (request, wanted) in [
        (with(SECRET, TOKEN), StatusCode::OK),
        (with(SECRET, SECRET), StatusCode::OK),
        (with(TOKEN, TOKEN), StatusCode::OK),
        (with(SECRET, OTHER), StatusCode::FORBIDDEN),
        (with(SECRET, ""), StatusCode::FORBIDDEN),
        (with(SECRET, &TOKEN[..63]), StatusCode::FORBIDDEN),
        (
            with(SECRET, &TOKEN.replace('q', "-")),
            StatusCode::FORBIDDEN,
        ),
        (with("", TOKEN), StatusCode::FORBIDDEN),
        (with("malformed", TOKEN), StatusCode::FORBIDDEN),
        (post(), StatusCode::FORBIDDEN),
        (
            bare(Method::POST).header("x-csrftoken", TOKEN),
            StatusCode::FORBIDDEN,
        ),
        (bare(Method::DELETE), StatusCode::FORBIDDEN),
        (
            bare(Method::from_bytes(b"QUERY").unwrap()),
            StatusCode::FORBIDDEN,
        ),
        (bare(Method::GET), StatusCode::OK),
        (bare(Method::HEAD), StatusCode::OK),
        (bare(Method::OPTIONS), StatusCode::OK),
        (bare(Method::TRACE), StatusCode::OK),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(status(&csrf, request).await, wanted, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn form_may_have_the_token_in_a_field_and_reaches_the_application_whole() {
    let form = format!("dish=soup&csrfmiddlewaretoken={TOKEN}&table=4");
    let request = post()
        .header("content-type", format!("{FORM}; charset=utf-8"))
        .body(form.clone());
    let response = answer(&Csrf::default(), request).await;
    assert_eq!(
        (response.status, response.text().unwrap()),
        (StatusCode::OK, &*form)
    );

    let mut client = start(&Csrf::default(), post().header("content-type", FORM));
    let (one, other) = form.split_at(20);
    client.send_body(one.to_owned(), true).await.unwrap();
    client.receive_nothing().await.unwrap();
    client.send_body(other.to_owned(), false).await.unwrap();
    let response = client.response().await.unwrap();
    assert_eq!(
        (response.status, response.text().unwrap()),
        (StatusCode::OK, &*form)
    );
}

#[tokio::test(start_paused = true)]
async fn form_without_the_right_token_is_refused() {
    let form = |kind: &str, token: &str| {
        let form = format!("dish=soup&csrfmiddlewaretoken={token}");
        post().header("content-type", kind).body(form)
    };
    for request in [
        form(FORM, OTHER),
        form(FORM, ""),
        form("text/plain", TOKEN),
        form("application/json", TOKEN),
        form("multipart/form-data; boundary=x", TOKEN),
        form(FORM, TOKEN).header("x-csrftoken", OTHER),
        post().header("content-type", FORM).body("dish=soup"),
    ] {
        assert_eq!(
            status(&Csrf::default(), request).await,
            StatusCode::FORBIDDEN
        );
    }
    let put = TestRequest::new(Method::PUT, "/")
        .header("cookie", format!("csrftoken={SECRET}"))
        .header("content-type", FORM)
        .body(format!("csrfmiddlewaretoken={TOKEN}"));
    assert_eq!(status(&Csrf::default(), put).await, StatusCode::FORBIDDEN);
}

/// A form that is longer than the limit, with its length said or not.
fn long(said: bool) -> (Csrf, TestRequest, String) {
    let form = format!("csrfmiddlewaretoken={TOKEN}&text={}", "x".repeat(100));
    let mut request = post().header("content-type", FORM).body(form.clone());
    if said {
        request = request.header("content-length", form.len().to_string());
    }
    (
        Csrf::new(CsrfConfig::default().form_limit(100)),
        request,
        form,
    )
}

#[tokio::test(start_paused = true)]
async fn form_beyond_the_limit_is_refused() {
    for said in [true, false] {
        let (csrf, request, _) = long(said);
        assert_eq!(status(&csrf, request.clone()).await, StatusCode::FORBIDDEN);
        let with_header = request.header("x-csrftoken", TOKEN);
        assert_eq!(status(&csrf, with_header).await, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn deferred_forms_reach_the_application_whole_and_unchecked() {
    let config = CsrfConfig::default().form_limit(100).deferred(true);
    let csrf = Csrf::new(config);
    for said in [true, false] {
        let (_, request, form) = long(said);
        let response = answer(&csrf, request).await;
        assert_eq!(
            (response.status, response.text().unwrap()),
            (StatusCode::OK, &*form)
        );
    }
    let parts = post()
        .header("content-type", "multipart/form-data; boundary=x")
        .body("parts");
    assert_eq!(answer(&csrf, parts).await.text().unwrap(), "parts");

    for request in [
        post().header("content-type", "application/json").body("{}"),
        post().header("content-type", FORM).body("dish=soup"),
        TestRequest::post("/").header("content-type", "multipart/form-data; boundary=x"),
    ] {
        assert_eq!(status(&csrf, request).await, StatusCode::FORBIDDEN);
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_within_a_form_is_not_served() {
    let mut client = start(&Csrf::default(), post().header("content-type", FORM));
    client.send_body("csrf", true).await.unwrap();

    client.disconnect().await.unwrap();

    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn origin_is_the_host_or_trusted() {
    let csrf = Csrf::default()
        .trust("https://*.example.org")
        .trust("https://shop.example");
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
    let csrf = Csrf::default().trust("https://*.example.org");
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

#[tokio::test(start_paused = true)]
async fn websockets_pass() {
    let status = handshake(&Csrf::default(), "/").await;
    assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test(start_paused = true)]
async fn token_after_the_response_needs_a_cookie_that_is_there() {
    async fn late(mut connection: Connection<Http>) -> Result {
        let csrf = connection.scope().csrf().cloned().ok_or("no handle")?;
        connection.send(Send::chunk("")).await.unwrap_err();
        connection.send(Send::start(StatusCode::OK)).await?;
        let text = match csrf.token().await {
            Ok(token) => csrf.check(&token).await.map(|()| "a token".to_owned())?,
            Err(error) => {
                assert_eq!(error, CsrfError::Cookie(CookieError::Answered));
                assert_eq!(csrf.rotate().await, Err(error));
                assert_eq!(csrf.check(TOKEN).await, Err(CsrfError::NoCookie));
                "none".to_owned()
            }
        };
        Ok(connection.send(Send::end(text)).await?)
    }
    let get = TestRequest::get("/");
    let known = get.clone().header("cookie", format!("csrftoken={SECRET}"));
    for (request, wanted) in [(get, "none"), (known, "a token")] {
        let application = Csrf::default().wrap(BoxApplication::<Http>::new(late));
        let mut client = HttpCommunicator::start(application, request).unwrap();
        assert_eq!(client.response().await.unwrap().text().unwrap(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_settings() {
    let config = CsrfConfig::default()
        .cookie_name("shield")
        .header_name(http::HeaderName::from_static("x-shield"))
        .field_name("shield");
    let csrf = Csrf::new(config);
    let request = TestRequest::post("/").header("cookie", format!("shield={SECRET}"));
    let form = request
        .clone()
        .header("content-type", FORM)
        .body(format!("shield={TOKEN}"));

    let script = request.header("x-shield", TOKEN);
    assert_eq!(status(&csrf, script).await, StatusCode::OK);
    assert_eq!(status(&csrf, form).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn refusal_tells_the_log_why_and_no_secrets() {
    for (request, wanted) in [
        (post(), "token is missing; send it in the header"),
        (post().header("x-csrftoken", OTHER), "missing or wrong"),
        (
            TestRequest::post("/").header("x-csrftoken", TOKEN),
            "cookie is missing",
        ),
        (
            tls().header("origin", "https://evil.example"),
            "Csrf::trust",
        ),
        (tls(), "neither origin nor referer"),
        (
            post()
                .header("content-type", FORM)
                .header("content-length", "9999999"),
            "form_limit",
        ),
    ] {
        let log = Log::new();
        status(&Csrf::default(), request).await;
        let text = log.text();
        assert!(
            text.contains("WARN") && text.contains(wanted),
            "{wanted} is not in: {text}"
        );
        for secret in [SECRET, TOKEN, OTHER] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn trusted_origin_that_can_match_nothing_is_told_to_the_log() {
    let log = Log::new();
    let _ = Csrf::default().trust("example.com");
    assert!(log.text().contains("has a scheme"), "{}", log.text());
}
