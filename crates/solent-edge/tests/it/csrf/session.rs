use http::StatusCode;
use solent_edge::{Csrf, CsrfConfig};
use solent_session::{MemoryStore, Sessions};
use solent_spec::{BoxApplication, Http, Middleware};
use solent_test_servers::Log;
use solent_testing::{HttpCommunicator, TestRequest};

use super::{FORM, OTHER, TOKEN, shop, start};
use crate::probe::Probe;

/// The shop with its secrets in sessions.
fn in_session(sessions: &Sessions, request: TestRequest) -> HttpCommunicator {
    let csrf = Csrf::new(CsrfConfig::default().in_session(true));
    let application = sessions.wrap(csrf.wrap(BoxApplication::<Http>::new(shop)));
    HttpCommunicator::start(application, request).unwrap()
}

#[tokio::test(start_paused = true)]
async fn secret_may_be_kept_in_the_session() {
    let sessions = Sessions::new(MemoryStore::default());
    let page = in_session(&sessions, TestRequest::get("/form/"))
        .response()
        .await
        .unwrap();
    let token = page.text().unwrap();
    let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().collect();
    let [cookie] = cookies[..] else {
        panic!("one cookie, not {cookies:?}")
    };
    let cookie = cookie
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(cookie.starts_with("sessionid="), "{cookie}");

    let post = TestRequest::post("/").header("cookie", &cookie);
    for (request, wanted) in [
        (post.clone().header("x-csrftoken", token), StatusCode::OK),
        (
            post.clone().header("x-csrftoken", OTHER),
            StatusCode::FORBIDDEN,
        ),
        (post.clone(), StatusCode::FORBIDDEN),
        (
            TestRequest::post("/").header("x-csrftoken", token),
            StatusCode::FORBIDDEN,
        ),
        (
            post.header("content-type", FORM)
                .body(format!("csrfmiddlewaretoken={token}")),
            StatusCode::OK,
        ),
    ] {
        let asked = format!("{request:?}");
        let response = in_session(&sessions, request).response().await.unwrap();
        assert_eq!(response.status, wanted, "{asked}");
    }

    let login = TestRequest::get("/login/").header("cookie", &cookie);
    in_session(&sessions, login).response().await.unwrap();
    let late = TestRequest::post("/")
        .header("cookie", &cookie)
        .header("x-csrftoken", token);
    let response = in_session(&sessions, late).response().await.unwrap();
    assert_eq!(response.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn secret_in_a_session_needs_one() {
    let csrf = Csrf::new(CsrfConfig::default().in_session(true));
    let error = start(&csrf, TestRequest::get("/"))
        .wait()
        .await
        .unwrap_err();
    let error = error.application_error().unwrap().to_string();
    assert!(error.contains("put Sessions around Csrf"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn session_is_read_for_tokens_only_and_a_store_that_fails_refuses() {
    let probe = Probe::default();
    let sessions = Sessions::new(probe.clone());
    let key = probe.with("_csrftoken", super::SECRET).await;
    let cookie = format!("sessionid={}", key.as_str());
    let get = TestRequest::get("/").header("cookie", &cookie);
    let post = TestRequest::post("/")
        .header("cookie", &cookie)
        .header("x-csrftoken", TOKEN);

    in_session(&sessions, get).response().await.unwrap();
    assert_eq!(probe.counts(), (0, 0));
    let response = in_session(&sessions, post.clone())
        .response()
        .await
        .unwrap();
    assert_eq!((response.status, probe.counts()), (StatusCode::OK, (1, 0)));

    probe.set_down(true);
    let log = Log::new();
    let response = in_session(&sessions, post).response().await.unwrap();
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        log.text().contains("session cannot be read"),
        "{}",
        log.text()
    );
}
