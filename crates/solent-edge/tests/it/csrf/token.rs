use http::{Method, StatusCode};
use solent_edge::{Csrf, CsrfConfig, CsrfError, CsrfScope};
use solent_session::CookieError;
use solent_spec::{BoxApplication, Connection, Http, Middleware, Result, http::Outbound};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest};

use super::{FORM, OTHER, SECRET, TOKEN, answer, cookie, post, status, tls};
use crate::open::handshake;

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
async fn websockets_pass() {
    let status = handshake(&Csrf::default(), "/").await;
    assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test(start_paused = true)]
async fn token_after_the_response_needs_a_cookie_that_is_there() {
    async fn late(mut connection: Connection<Http>) -> Result {
        let csrf = connection.scope().csrf().cloned().ok_or("no handle")?;
        connection.send(Outbound::chunk("")).await.unwrap_err();
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let text = match csrf.token().await {
            Ok(token) => csrf.check(&token).await.map(|()| "a token".to_owned())?,
            Err(error) => {
                let answered = |error| matches!(error, CsrfError::Cookie(CookieError::Answered));
                assert!(answered(error));
                assert!(csrf.rotate().await.is_err_and(answered));
                let unknown = csrf.check(TOKEN).await;
                assert!(matches!(unknown, Err(CsrfError::NoSecret)), "{unknown:?}");
                "none".to_owned()
            }
        };
        Ok(connection.send(Outbound::end(text)).await?)
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
    let requests = [
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
    ];
    for (request, wanted) in requests {
        let log = Log::new();
        status(&Csrf::default(), request).await;
        let text = log.text();
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
        for secret in [SECRET, TOKEN, OTHER] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
