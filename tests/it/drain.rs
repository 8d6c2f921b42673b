use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use solent::{
    Frame, Group, HttpConsumer, HttpContext, NoEvents, Solent, WebSocketConsumer, WebSocketContext,
    server::{DrainConfig, ServerConfig},
    spec::websocket::{Close, CloseCode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::live::{Live, PATIENCE};

#[derive(Clone, Default)]
struct Counts {
    connected: Arc<AtomicUsize>,
    disconnected: Arc<AtomicUsize>,
    going_away: Arc<AtomicUsize>,
}

struct Counting {
    all: Group<NoEvents>,
    counts: Counts,
}

impl WebSocketConsumer for Counting {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        self.counts.connected.fetch_add(1, SeqCst);
        cx.join(&self.all).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> solent::Result {
        cx.broadcast(&self.all, frame).await?;
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> solent::Result {
        self.counts.disconnected.fetch_add(1, SeqCst);
        if close.code == CloseCode::GOING_AWAY {
            self.counts.going_away.fetch_add(1, SeqCst);
        }
        Ok(())
    }
}

fn counting(counts: &Counts) -> Result<Solent> {
    let (all, counts): (Group<NoEvents>, _) = (Group::new("all")?, counts.clone());
    let drain = DrainConfig::default()
        .spread(Duration::from_millis(300))
        .deadline(Duration::from_secs(10));
    let counting = Counting::application_with(move |_| {
        Ok(Counting {
            all: all.clone(),
            counts: counts.clone(),
        })
    });
    Ok(Solent::new()
        .websocket("ws/", counting)
        .config(ServerConfig::default().drain(drain)))
}

#[tokio::test]
async fn stopping_under_load_closes_every_socket_and_runs_every_disconnect() -> Result<()> {
    const SOCKETS: usize = 200;
    let counts = Counts::default();
    let live = Live::start(counting(&counts)?).await?;
    let mut clients = Vec::new();
    for _ in 0..SOCKETS {
        clients.push(live.connect("/ws/").await?);
    }
    // Everybody hears from everybody while the server is told to stop.
    for client in &mut clients {
        client.send(&json!("hello")).await?;
    }

    live.stop();
    let closing = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.close_code().await }));
    let mut codes = Vec::new();
    for closing in closing.collect::<Vec<_>>() {
        codes.push(closing.await??);
    }
    live.ended().await?;

    assert_eq!(codes, [1001; SOCKETS]);
    assert_eq!(counts.connected.load(SeqCst), SOCKETS);
    assert_eq!(counts.disconnected.load(SeqCst), SOCKETS);
    assert_eq!(counts.going_away.load(SeqCst), SOCKETS);
    Ok(())
}

#[tokio::test]
async fn sockets_that_come_and_go_leave_as_many_disconnects() -> Result<()> {
    const ROUNDS: usize = 300;
    let counts = Counts::default();
    let live = Live::start(counting(&counts)?).await?;

    for round in 0..ROUNDS {
        let mut client = live.connect("/ws/").await?;
        if round % 2 == 0 {
            client.send(&json!("hello")).await?;
        }
        // Dropped without a closing handshake: lost, as far as the server can tell.
        drop(client);
    }
    live.stop();
    live.ended().await?;

    assert_eq!(counts.connected.load(SeqCst), ROUNDS);
    assert_eq!(counts.disconnected.load(SeqCst), ROUNDS);
    Ok(())
}

/// Answers a request when there is news, of which there is none.
struct LongPoll {
    news: Group<NoEvents>,
}

impl HttpConsumer for LongPoll {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> solent::Result {
        Ok(cx.join(&self.news).await?)
    }

    async fn draining(&mut self, cx: &mut HttpContext) -> solent::Result {
        let later = Response::builder().status(503).header("retry-after", "1");
        cx.respond(later.body("come back".into())?).await
    }
}

/// Streams until the server drains, and then says goodbye.
#[derive(Default)]
struct Stream;

impl HttpConsumer for Stream {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> solent::Result {
        cx.send_headers(StatusCode::OK).await?;
        cx.send_body("begun").await?;
        cx.draining().await;
        cx.end_body("goodbye").await
    }
}

#[tokio::test]
async fn long_polls_and_streams_hear_of_the_drain() -> Result<()> {
    let news: Group<NoEvents> = Group::new("news")?;
    let poll = LongPoll::application_with(move |_| Ok(LongPoll { news: news.clone() }));
    let app = Solent::new()
        .http("poll/", poll)
        .http("stream/", Stream::application());
    let live = Live::start(app).await?;
    let mut poll = TcpStream::connect(live.addr).await?;
    poll.write_all(b"GET /poll/ HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    let mut stream = TcpStream::connect(live.addr).await?;
    stream
        .write_all(b"GET /stream/ HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    let mut streamed = Vec::new();
    while !String::from_utf8_lossy(&streamed).contains("begun") {
        timeout(PATIENCE, stream.read_buf(&mut streamed)).await??;
    }

    live.stop();

    let mut polled = String::new();
    timeout(PATIENCE, poll.read_to_string(&mut polled)).await??;
    let polled = polled.to_ascii_lowercase();
    assert!(polled.starts_with("http/1.1 503"), "{polled}");
    assert!(polled.contains("retry-after: 1\r\n"), "{polled}");
    timeout(PATIENCE, stream.read_to_end(&mut streamed)).await??;
    let streamed = String::from_utf8_lossy(&streamed);
    // The last chunk is there: nothing was cut off.
    assert!(streamed.contains("goodbye"), "{streamed}");
    assert!(streamed.ends_with("0\r\n\r\n"), "{streamed}");
    live.ended().await
}
