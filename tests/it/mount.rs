use anyhow::Result;
use axum::{
    Router,
    http::{StatusCode, Version},
    response::{IntoResponse, Response},
    routing::any,
};
use serde::{Deserialize, Serialize};
use solent::{
    Group, Solent, WebSocketConsumer, WebSocketContext, axum::FromSolent, layer::DynLayer,
    testing::TestRequest,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::live::Live;

async fn request(live: &Live, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(live.addr).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    tokio::time::timeout(super::live::PATIENCE, stream.read_to_string(&mut response)).await??;
    Ok(response)
}

#[tokio::test]
async fn axum_router_serves_what_is_mounted_on_it() -> Result<()> {
    let router = Router::new()
        .route("/api/hello", any(|| async { "hello from axum" }))
        .route("/api/echo", any(|body: String| async move { body }));
    let live = Live::start(Solent::new().mount_service("api/", router)).await?;

    let hello = request(
        &live,
        "GET /api/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await?;
    let echo =
        "POST /api/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\n12345";
    let echo = request(&live, echo).await?;
    let missing = request(
        &live,
        "GET /other HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await?;

    assert!(
        hello.starts_with("HTTP/1.1 200") && hello.ends_with("hello from axum"),
        "{hello}"
    );
    assert!(echo.ends_with("12345"), "{echo}");
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    live.stop();
    live.ended().await
}

/// A response of a version that HTTP/1.1 servers do not speak.
async fn of_another_version() -> Response {
    let mut response = "hello".into_response();
    *response.version_mut() = Version::HTTP_3;
    response
}

#[tokio::test]
async fn what_a_mounted_service_says_wrong_of_its_response_does_not_leave() -> Result<()> {
    let router = Router::new()
        .route(
            "/short",
            any(|| async { ([("content-length", "9")], "hello") }),
        )
        .route(
            "/long",
            any(|| async { ([("content-length", "3")], "hello") }),
        )
        .route("/interim", any(|| async { StatusCode::CONTINUE }))
        .route(
            "/empty",
            any(|| async { (StatusCode::NO_CONTENT, "hello") }),
        )
        .route(
            "/hop",
            any(|| async { ([("keep-alive", "timeout=5")], "hello") }),
        )
        .route("/version", any(of_another_version));
    let live = Live::start(Solent::new().mount_service("", router)).await?;

    for (path, status) in [
        ("/short", 500),
        ("/long", 500),
        ("/interim", 500),
        ("/empty", 500),
        ("/hop", 500),
        ("/version", 200),
    ] {
        let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let response = request(&live, &asked).await?;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&expected), "{path}: {response}");
        assert_eq!(
            response.matches("HTTP/1.1").count(),
            1,
            "{path}: {response}"
        );
    }

    live.stop();
    live.ended().await
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "type", rename = "alarm")]
struct Alarm {
    text: String,
}

#[derive(Clone)]
struct Prefix(&'static str);

async fn alarm(
    FromSolent(layer): FromSolent<DynLayer>,
    FromSolent(Prefix(prefix)): FromSolent<Prefix>,
    text: String,
) -> StatusCode {
    let group = Group::<Alarm>::new("operators").expect("the name is sound");
    let text = format!("{prefix}{text}");
    match group.send(&layer, &Alarm { text }).await {
        Ok(report) if report.delivered == 1 => StatusCode::NO_CONTENT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[derive(Default)]
struct Operator;

impl WebSocketConsumer for Operator {
    type Input = String;
    type Event = Alarm;

    async fn connect(&mut self, cx: &mut WebSocketContext<Alarm>) -> solent::Result {
        cx.join(&Group::<Alarm>::new("operators")?).await?;
        cx.accept().await
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Alarm>, alarm: &Alarm) -> solent::Result {
        cx.send(alarm.text.clone()).await
    }
}

#[tokio::test(start_paused = true)]
async fn axum_handler_sends_to_a_group_of_the_application() -> Result<()> {
    let router = Router::new()
        .route("/api/alarm", any(alarm))
        .route("/api/none", any(|_: FromSolent<u64>| async { "never" }));
    let app = Solent::new()
        .state(Prefix("fire: "))
        .websocket("ws/", Operator::application())
        .mount_service("api/", router);
    let app = app.in_process().await?;
    let mut operator = app.websocket("/ws/")?;
    operator.connect().await?.accepted()?;

    let alarm = TestRequest::post("/api/alarm").body("in the kitchen");
    let sent = app.http(alarm)?.response().await?;
    let none = app.http("/api/none")?.response().await?;

    assert_eq!(sent.status, 204);
    assert_eq!(operator.receive_text().await?, "fire: in the kitchen");
    assert_eq!(none.status, 500);
    drop(operator);
    Ok(app.stop().await?)
}
