use http::{Method, StatusCode};
use solent_edge::{Csrf, CsrfConfig};
use solent_testing::TestRequest;

use super::{FORM, OTHER, SECRET, TOKEN, answer, post, start, status};

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
