use std::{io::Write, num::NonZeroUsize};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use solent_spec::{
    Body, Connection, Http, RequestScope, Result, SendError,
    http::{Inbound, Outbound, ResponseStart},
    request::Feature,
};
use solent_testing::{CommunicatorConfig, CommunicatorError, HttpCommunicator, TestRequest};

/// Answers with what it was asked, once it has the whole body.
async fn mirror(mut connection: Connection<Http>) -> Result {
    let mut body = Vec::new();
    let mut trailers = 0;
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Body { data, more } => {
                body.extend_from_slice(&data);
                if !more {
                    break;
                }
            }
            _ => return Err("a body, please".into()),
        }
    }
    if connection.scope().header("te") == Some("trailers")
        && let Some(Inbound::Trailers(received)) = connection.receive().await
    {
        trailers = received.len();
    }
    let scope = connection.scope();
    let text = format!(
        "{} {} {} {:?} {trailers}",
        scope.head().method(),
        scope.path(),
        scope.query(),
        String::from_utf8_lossy(&body)
    );
    connection.send(Outbound::text(text)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn application_sees_path_method_and_query_and_answers() {
    let mut client = HttpCommunicator::start(mirror, "/test/?foo=bar").unwrap();

    let response = client.response().await.unwrap();

    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.text().unwrap(), r#"GET /test/ foo=bar "" 0"#);
    assert_eq!(
        response.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn body_of_the_request_is_sent_once() {
    let request = TestRequest::post("/").body("hello");
    let mut client = HttpCommunicator::start(mirror, request).unwrap();

    client.head().await.unwrap();
    let response = client.response().await.unwrap();

    assert_eq!(response.text().unwrap(), r#"POST /  "hello" 0"#);
}

#[tokio::test(start_paused = true)]
async fn json_goes_both_ways() {
    async fn double(mut connection: Connection<Http>) -> Result {
        let Some(Inbound::Body { data, .. }) = connection.receive().await else {
            return Err("a body, please".into());
        };
        let number: u32 = serde_json::from_slice(&data)?;
        let answer = serde_json::to_vec(&(number * 2))?;
        Ok(connection
            .send(Response::new(Body::from(answer)).into())
            .await?)
    }
    let request = TestRequest::post("/").json(&21);
    let mut client = HttpCommunicator::start(double, request).unwrap();

    let answer: u32 = client.response().await.unwrap().json().unwrap();

    assert_eq!(answer, 42);
}

#[tokio::test(start_paused = true)]
async fn request_is_streamed_with_trailers() {
    let request = TestRequest::post("/").header("te", "trailers");
    let mut client = HttpCommunicator::start(mirror, request).unwrap();

    client.send_body("hel", true).await.unwrap();
    client.receive_nothing().await.unwrap();
    client.send_body("lo", false).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("1"));
    client.send_trailers(trailers).await.unwrap();

    let response = client.response().await.unwrap();
    assert_eq!(response.text().unwrap(), r#"POST /  "hello" 1"#);
}

#[tokio::test(start_paused = true)]
async fn response_is_streamed_with_trailers() {
    async fn streams(mut connection: Connection<Http>) -> Result {
        let start = ResponseStart::new(StatusCode::ACCEPTED).trailers();
        connection
            .send(
                start
                    .header(header::TRAILER, HeaderValue::from_static("n"))
                    .into(),
            )
            .await?;
        connection.send(Outbound::chunk("one")).await?;
        connection.receive().await;
        connection.send(Outbound::chunk("")).await?;
        connection.send(Outbound::end("two")).await?;
        for (name, more) in [("n", true), ("m", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
            connection
                .send(Outbound::Trailers { headers, more })
                .await?;
        }
        Ok(())
    }
    let mut client = HttpCommunicator::start(streams, "/").unwrap();

    let (status, headers) = client.head().await.unwrap();
    assert_eq!(
        (status.as_u16(), &headers["trailer"]),
        (202, &HeaderValue::from_static("n"))
    );
    assert_eq!(client.chunk().await.unwrap().unwrap(), "one");
    assert_eq!(client.chunk().await.unwrap().unwrap(), "two");
    assert!(client.trailers().is_empty());
    assert_eq!(client.chunk().await.unwrap(), None);
    assert_eq!(client.trailers().len(), 2);
    assert_eq!(client.chunk().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn everything_a_response_can_be_made_of_is_collected() {
    #[derive(Clone)]
    struct Template(&'static str);

    async fn rich(mut connection: Connection<Http>) -> Result {
        let mut file = tempfile();
        file.write_all(b"0123456789")?;
        let mut debug = Extensions::new();
        debug.insert(Template("index.html"));
        connection.send(Outbound::Debug(debug)).await?;
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let links = vec![HeaderValue::from_static("</style.css>; rel=preload")];
        connection.send(Outbound::EarlyHint { links }).await?;
        let push = Outbound::Push {
            path: "/style.css".into(),
            headers: HeaderMap::new(),
        };
        connection.send(push).await?;
        connection.send(Outbound::chunk("a")).await?;
        let part = Outbound::ZeroCopySend {
            file,
            offset: Some(2),
            count: Some(3),
            more: true,
        };
        connection.send(part).await?;
        connection.send(Outbound::end("z")).await?;
        Ok(())
    }
    let mut client = HttpCommunicator::start(rich, "/").unwrap();

    let response = client.response().await.unwrap();

    assert_eq!(response.text().unwrap(), "a234z");
    assert_eq!(response.early_hints.len(), 1);
    assert_eq!(response.pushes, ["/style.css"]);
    assert_eq!(response.debug.get::<Template>().unwrap().0, "index.html");
}

fn tempfile() -> std::fs::File {
    let path = std::env::temp_dir().join(format!("solent-testing-{}", std::process::id()));
    let file = std::fs::File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

#[tokio::test(start_paused = true)]
async fn file_at_a_path_is_the_body() {
    async fn sends_itself(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        Ok(connection.send(Outbound::PathSend(path.into())).await?)
    }
    let mut client = HttpCommunicator::start(sends_itself, "/").unwrap();

    let response = client.response().await.unwrap();

    assert!(
        response
            .text()
            .unwrap()
            .contains("name = \"solent-testing\"")
    );
}

#[tokio::test(start_paused = true)]
async fn feature_that_is_not_offered_is_refused() {
    async fn hints(mut connection: Connection<Http>) -> Result {
        assert!(!connection.scope().link().offers(Feature::EarlyHint));
        connection.send(Outbound::start(StatusCode::OK)).await?;
        let refused = connection.send(Outbound::EarlyHint { links: vec![] }).await;
        let refused = refused.unwrap_err();
        assert!(matches!(
            refused,
            SendError::NotOffered("http.response.early_hint")
        ));
        connection.send(Outbound::end("fine")).await?;
        Ok(())
    }
    let request = TestRequest::get("/").features([Feature::Trailers]);
    let mut client = HttpCommunicator::start(hints, request).unwrap();

    assert_eq!(client.response().await.unwrap().body, "fine");
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn illegal_order_is_refused_and_the_exchange_goes_on() {
    async fn confused(mut connection: Connection<Http>) -> Result {
        let refused = connection
            .send(Outbound::end("too early"))
            .await
            .unwrap_err();
        assert!(matches!(refused, SendError::Illegal(_)));
        Ok(connection.send(Outbound::text("sorry")).await?)
    }
    let mut client = HttpCommunicator::start(confused, "/").unwrap();

    assert_eq!(client.response().await.unwrap().body, "sorry");
}

#[tokio::test(start_paused = true)]
async fn disconnect_follows_the_response_again_and_again() {
    async fn lingers(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::text("x")).await?;
        for _ in 0..3 {
            assert_eq!(connection.receive().await, Some(Inbound::Disconnect));
        }
        let refused = connection.send(Outbound::text("y")).await.unwrap_err();
        assert!(matches!(refused, SendError::Closed));
        Ok(())
    }
    let mut client = HttpCommunicator::start(lingers, "/").unwrap();

    client.response().await.unwrap();

    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_is_noticed() {
    async fn patient(mut connection: Connection<Http>) -> Result {
        while connection.receive().await != Some(Inbound::Disconnect) {}
        Ok(connection.send(Outbound::text("anybody?")).await?)
    }
    let mut client = HttpCommunicator::start(patient, "/").unwrap();
    client.receive_nothing().await.unwrap();

    client.disconnect().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn error_before_a_response_is_the_applications_own() {
    let broken = |_: Connection<Http>| async { Err("no database".into()) };
    let mut client = HttpCommunicator::start(broken, "/").unwrap();

    let error = client.response().await.unwrap_err();

    assert_eq!(
        error.application_error().unwrap().to_string(),
        "no database"
    );
}

#[tokio::test(start_paused = true)]
async fn response_that_is_never_completed_is_an_error() {
    async fn half(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        Ok(connection.send(Outbound::chunk("half")).await?)
    }
    let mut client = HttpCommunicator::start(half, "/").unwrap();

    assert_eq!(client.chunk().await.unwrap().unwrap(), "half");
    let error = client.chunk().await.unwrap_err();

    assert!(matches!(error, CommunicatorError::Ended(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_client_holds_the_application_up() {
    async fn counts(mut connection: Connection<Http>) -> Result {
        connection.send(Outbound::start(StatusCode::OK)).await?;
        for _ in 0..100 {
            connection.send(Outbound::chunk("x")).await?;
        }
        Ok(connection.send(Outbound::end("")).await?)
    }
    let config = CommunicatorConfig::default().capacity(NonZeroUsize::MIN);
    let mut client = HttpCommunicator::with_config(counts, "/", config).unwrap();

    assert!(client.wait().await.unwrap_err().is_elapsed());

    assert_eq!(client.response().await.unwrap().body.len(), 100);
    client.wait().await.unwrap();
}
