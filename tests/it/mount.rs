use anyhow::Result;
use axum::{Router, routing::any};
use solent::Solent;
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
