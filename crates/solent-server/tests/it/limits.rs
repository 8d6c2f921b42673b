//! What a client may not do, and what becomes of it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use solent_server::{ConnectionLimits, HttpLimits, Server, ServerConfig};
use solent_spec::{
    Application, Connection, Http, Result, SendError,
    http::{Inbound, Outbound},
};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    time::{Instant, sleep},
};

use super::{
    served::{Served, soon},
    wire::{Wire, get},
};

/// Shorter than a client would like it.
const SHORT: Duration = Duration::from_secs(5);

/// Answers with the length of the body.
async fn count(mut connection: Connection<Http>) -> Result {
    let mut length = 0;
    while let Some(Inbound::Body { data, more }) = connection.receive().await {
        length += data.len();
        if !more {
            connection.send(Outbound::text(length.to_string())).await?;
            break;
        }
    }
    Ok(())
}

async fn start(limits: HttpLimits, application: impl Application<Http>) -> Served {
    Served::start(Server::new(ServerConfig::default().http(limits)).http(application)).await
}

/// On a Unix socket, for a clock that is paused.
async fn start_unix(limits: HttpLimits, application: impl Application<Http>) -> Served {
    Served::start_unix(Server::new(ServerConfig::default().http(limits)).http(application)).await
}

/// Reports the end of a body that does not come whole.
async fn start_reporting(limits: HttpLimits) -> (Served, mpsc::UnboundedReceiver<()>) {
    let (tx, rx) = mpsc::unbounded_channel();
    let served = start_unix(limits, move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            while connection.receive().await != Some(Inbound::Disconnect) {}
            tx.send(())?;
            Ok(())
        }
    })
    .await;
    (served, rx)
}

#[tokio::test]
async fn body_over_the_limit_is_413_before_it_is_read() {
    let served = start(HttpLimits::default().body(10), count).await;
    let head = |length| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");

    let mut wire = served.ask(head(10) + "0123456789").await;
    assert_eq!(wire.response().await.text(), "10");
    wire.send(head(11)).await;

    let response = wire.response().await;
    assert_eq!(response.status, 413);
    assert_eq!(response.header("connection"), Some("close"));
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn chunks_over_the_limit_break_the_body_off() {
    let (served, mut rx) = start_reporting(HttpLimits::default().body(10)).await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n")
        .await;

    soon(rx.recv()).await.unwrap();
    // What is left of the body is not taken for a request.
    wire.try_send(format!("0\r\n\r\n{}", get("/"))).await;
    let answer = String::from_utf8(wire.rest().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    served.end().await;
}

#[tokio::test]
async fn target_over_the_limit_is_414() {
    let served = start(HttpLimits::default().target(100), count).await;
    let mut wire = served.ask(get(&format!("/{}", "x".repeat(99)))).await;
    assert_eq!(wire.response().await.status, 200);

    wire.send(get(&format!("/{}?{}", "x".repeat(50), "x".repeat(50))))
        .await;

    assert_eq!(wire.response().await.status, 414);
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn too_many_headers_are_431() {
    let served = start(HttpLimits::default().headers(5), count).await;
    let with = |count| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
            "X: y\r\n".repeat(count)
        )
    };
    let mut wire = served.ask(with(4)).await;
    assert_eq!(wire.response().await.status, 200);

    wire.send(with(5)).await;

    assert_eq!(wire.response().await.status, 431);
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test]
async fn head_over_the_limit_is_431() {
    let served = start(HttpLimits::default().head(8 * 1024), count).await;
    let with = |size| {
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
            "y".repeat(size)
        )
    };
    let mut wire = served.ask(with(7 * 1024)).await;
    assert_eq!(wire.response().await.status, 200);

    wire.try_send(with(20 * 1024)).await;

    assert_eq!(wire.response().await.status, 431);
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn head_that_does_not_end_is_408() {
    let served = start_unix(HttpLimits::default().head_timeout(SHORT), count).await;

    let mut silent = served.connect().await;
    let mut slow = served.ask("GET / HTTP/1.1\r\nHost: x\r\nX-").await;
    let mut second = served.ask(get("/")).await;
    assert_eq!(second.response().await.status, 200);
    second.send("GET / HT").await;

    for wire in [&mut silent, &mut slow, &mut second] {
        let response = wire.response().await;
        assert_eq!(response.status, 408);
        assert_eq!(response.header("connection"), Some("close"));
        wire.is_closed().await;
    }
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn body_that_does_not_come_is_a_disconnect() {
    let (served, mut rx) = start_reporting(HttpLimits::default().body_timeout(SHORT)).await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        .await;

    soon(rx.recv()).await.unwrap();
    let response = wire.response().await;
    assert_eq!(response.status, 408);
    assert_eq!(response.header("connection"), Some("close"));
    wire.is_closed().await;
    served.end().await;
}

/// A head that is so many bytes long.
fn head_of(size: usize) -> String {
    let head = |filler: &str| format!("GET / HTTP/1.1\r\nHost: x\r\nX: {filler}\r\n\r\n");
    let filler = "y".repeat(size - head("").len());
    head(&filler)
}

#[tokio::test]
async fn limit_on_the_head_is_exact() {
    for limit in [200, 8 * 1024, 32 * 1024, 100_000] {
        let served = start(HttpLimits::default().head(limit), count).await;

        let mut wire = served.ask(head_of(limit)).await;
        assert_eq!(wire.response().await.status, 200, "{limit}");
        let over = head_of(limit + 1);
        let (start, end) = over.split_at(over.len() - 1);
        wire.send(start).await;
        wire.try_send(end).await;
        assert_eq!(wire.response().await.status, 431, "{limit}");

        served.end().await;
    }
}

#[tokio::test]
async fn limit_on_the_target_is_exact() {
    let served = start(HttpLimits::default().target(100), count).await;
    for start in ["/", "/?", "http://example.org/?q="] {
        let target = |size: usize| format!("{start}{}", "x".repeat(size - start.len()));

        let mut wire = served.ask(get(&target(100))).await;
        assert_eq!(wire.response().await.status, 200, "{start}");
        wire.send(get(&target(101))).await;
        assert_eq!(wire.response().await.status, 414, "{start}");
    }
    served.end().await;
}

#[tokio::test]
async fn largest_limits_are_none() {
    let limits = HttpLimits::default()
        .head(usize::MAX)
        .headers(usize::MAX)
        .target(usize::MAX)
        .body(u64::MAX)
        .body_rate(u64::MAX)
        .bodies(usize::MAX)
        .bodies_per_address(usize::MAX)
        .body_timeout(Duration::MAX)
        .head_timeout(Duration::MAX)
        .keep_alive(Duration::MAX)
        .half_close(Duration::MAX)
        .write_timeout(Duration::MAX);
    let served = start(limits, count).await;

    let head = format!(
        "POST /{} HTTP/1.1\r\nHost: x\r\n{}Transfer-Encoding: chunked\r\n\r\n",
        "x".repeat(60_000),
        "X: y\r\n".repeat(10_000)
    );
    let mut wire = served.ask(head).await;
    wire.send("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n").await;

    assert_eq!(wire.response().await.text(), "10");
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn body_that_drips_for_ever_is_408() {
    let limits = HttpLimits::default().body(u64::MAX);
    let (served, mut rx) = start_reporting(limits).await;
    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        .await;
    let start = Instant::now();

    // One byte every second is no pause that is too long, but it would take a day.
    let dripping = async {
        loop {
            wire.try_send("x").await;
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = dripping => {}
        told = rx.recv() => told.unwrap(),
    }

    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(wire.response().await.status, 408);
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn slow_application_is_not_its_clients_fault() {
    let limits = HttpLimits::default().body_timeout(SHORT);
    let served = start_unix(limits, |mut connection: Connection<Http>| async move {
        let mut length = 0;
        while let Some(Inbound::Body { data, more }) = connection.receive().await {
            length += data.len();
            if !more {
                connection.send(Outbound::text(length.to_string())).await?;
                break;
            }
            sleep(SHORT * 3).await;
        }
        Ok(())
    })
    .await;

    let mut wire = served
        .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        .await;
    sleep(SHORT * 2).await;
    wire.send("def").await;

    assert_eq!(wire.response().await.text(), "6");
    served.end().await;
}

/// Holds all of a body until it is complete, as collectors do.
async fn hold(mut connection: Connection<Http>, held: mpsc::UnboundedSender<usize>) -> Result {
    let mut pieces = Vec::new();
    while let Some(Inbound::Body { data, more }) = connection.receive().await {
        pieces.push(data);
        held.send(pieces.iter().map(Bytes::len).sum())?;
        if !more {
            connection.send(Outbound::text("whole")).await?;
            break;
        }
    }
    Ok(())
}

#[tokio::test]
async fn bodies_that_are_held_have_a_budget_together() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let limits = HttpLimits::default().bodies(10);
    let served = start(limits, move |connection: Connection<Http>| {
        hold(connection, tx.clone())
    })
    .await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n";

    let mut first = served.ask(format!("{head}012345")).await;
    assert_eq!(soon(rx.recv()).await, Some(6));
    let mut second = served.ask(format!("{head}012345")).await;
    let refusal = second.response().await;
    assert_eq!(refusal.status, 503);
    assert!(refusal.header("retry-after").is_some());
    first.send("67").await;
    assert_eq!(first.response().await.text(), "whole");

    // What was held has been let go of.
    assert_eq!(soon(rx.recv()).await, Some(8));
    let mut third = served.ask(format!("{head}012345")).await;
    assert_eq!(soon(rx.recv()).await, Some(6));
    third.send("67").await;
    assert_eq!(third.response().await.text(), "whole");
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn idle_connection_ends_without_a_word() {
    let served = start_unix(HttpLimits::default().keep_alive(SHORT), count).await;

    let mut wire = served.ask(get("/")).await;

    assert_eq!(wire.response().await.status, 200);
    wire.is_closed().await;
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn application_may_take_longer_than_its_client() {
    let limits = HttpLimits::default()
        .head_timeout(SHORT)
        .body_timeout(SHORT)
        .keep_alive(SHORT)
        .write_timeout(SHORT);
    let ready = Arc::new(Notify::new());
    let answer = Arc::clone(&ready);
    let served = start_unix(limits, move |mut connection: Connection<Http>| {
        let answer = Arc::clone(&answer);
        async move {
            answer.notified().await;
            connection.send(Outbound::text("at last")).await?;
            Ok(())
        }
    })
    .await;
    let mut waiting = served.ask(get("/")).await;

    // Two others run into their time-out one after the other, so the waiting one has been looked at.
    for _ in 0..2 {
        assert_eq!(served.connect().await.response().await.status, 408);
    }
    ready.notify_one();

    assert_eq!(waiting.response().await.text(), "at last");
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_is_given_up() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let limits = HttpLimits::default().write_timeout(SHORT);
    let served = start_unix(limits, move |mut connection: Connection<Http>| {
        let tx = tx.clone();
        async move {
            connection.send(Outbound::start(StatusCode::OK)).await?;
            // More than any socket buffers hold.
            for _ in 0..4096 {
                if let Err(error) = connection.send(Outbound::chunk(vec![0; 64 * 1024])).await {
                    tx.send(matches!(error, SendError::Closed))?;
                    return Ok(());
                }
            }
            panic!("the server takes whatever it is given");
        }
    })
    .await;

    let wire = served.ask(get("/")).await;

    assert_eq!(soon(rx.recv()).await, Some(true));
    drop(wire);
    served.end().await;
}

#[tokio::test]
async fn one_connection_too_many_is_503_until_another_ends() {
    let limits = ConnectionLimits::default().total(2);
    let server = Server::new(ServerConfig::default().connections(limits)).http(count);
    let served = Served::start(server).await;
    let mut first = served.ask(get("/")).await;
    let mut second = served.ask(get("/")).await;
    assert_eq!(first.response().await.status, 200);
    assert_eq!(second.response().await.status, 200);

    let mut third = served.connect().await;
    let response = third.response().await;
    assert_eq!(response.status, 503);
    assert_eq!(response.header("retry-after"), Some("5"));
    third.is_closed().await;
    first.finish().await;
    first.is_closed().await;

    // The place is given back soon after the connection is closed.
    soon(async { while served.ask(get("/")).await.response().await.status != 200 {} }).await;
    served.end().await;
}

/// An address of this machine that is not loopback, if it has one. Nothing is sent.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn one_connection_too_many_from_an_address_is_429() {
    // Connections over loopback do not count, so a machine without a network cannot tell.
    let Some(address) = own_address() else {
        return;
    };
    let limits = ConnectionLimits::default().per_address(1);
    let server = Server::new(ServerConfig::default().connections(limits)).http(count);
    let served = Served::start_at(server, SocketAddr::new(address, 0).into()).await;
    let mut first = served.ask(get("/")).await;
    assert_eq!(first.response().await.status, 200);

    let mut second = Wire::new(TcpStream::connect(served.addr()).await.unwrap());

    assert_eq!(second.response().await.status, 429);
    second.is_closed().await;
    served.end().await;
}
