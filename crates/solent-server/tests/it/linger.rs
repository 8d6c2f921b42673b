//! Responses that leave before the whole request has come.

use std::time::Duration;

use solent_server::{ConnectionLimits, HttpLimits, Server, ServerConfig};
use solent_spec::{Connection, Http, Result, http::Outbound};
use tokio::time::Instant;

use super::{served::Served, wire::Wire};

async fn page(mut connection: Connection<Http>) -> Result {
    connection.send(Outbound::text("fine")).await?;
    Ok(())
}

fn server(limits: HttpLimits) -> Server {
    Server::new(ServerConfig::default().http(limits)).http(page)
}

const HEAD: &str = "POST / HTTP/1.1\r\nHost: example.org\r\n";

/// Sends all of a body, whatever is answered meanwhile, and reads the answer then.
async fn status(wire: &mut Wire, body: usize) -> u16 {
    let piece = vec![b'x'; 64 * 1024];
    let mut left = body;
    while left > 0 {
        let count = left.min(piece.len());
        wire.send(&piece[..count]).await;
        left -= count;
    }
    wire.head().await.0
}

#[tokio::test]
async fn client_that_sends_on_gets_the_response_and_no_reset() {
    const BODY: usize = 8 * 1024 * 1024;
    let served = Served::start(server(HttpLimits::default())).await;
    let long = format!("{HEAD}Content-Length: {BODY}\r\n\r\n");
    let chunked = format!("{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n");
    let malformed = format!("{HEAD}bad header\r\nContent-Length: {BODY}\r\n\r\n");

    for (head, expected) in [(long, 413), (chunked, 501), (malformed, 400)] {
        let mut wire = served.ask(head).await;
        assert_eq!(status(&mut wire, BODY).await, expected);
    }

    served.end().await;
}

#[tokio::test]
async fn connection_over_the_limit_gets_its_answer_whatever_it_sends() {
    let limits = ConnectionLimits::default().total(0);
    let config = ServerConfig::default().connections(limits);
    let served = Served::start(Server::new(config).http(page)).await;
    let mut wire = served
        .ask(format!("{HEAD}Content-Length: 1000000\r\n\r\n"))
        .await;

    assert_eq!(status(&mut wire, 1_000_000).await, 503);

    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_read_on_for_longer_than_the_limit() {
    let limits = HttpLimits::default().linger(Duration::from_secs(3));
    let served = Served::start_unix(server(limits)).await;
    let mut wire = served
        .ask(format!("{HEAD}Content-Length: 10000000\r\n\r\n"))
        .await;
    assert_eq!(wire.response().await.status, 413);
    wire.is_closed().await;
    let start = Instant::now();

    served.end().await;

    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
