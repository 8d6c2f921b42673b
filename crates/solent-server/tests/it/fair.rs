//! One client takes no more than its turn, whatever it sends.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};

use flate2::{Compress, Compression, FlushCompress};
use solent_server::{Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Connection, Result, WebSocket,
    websocket::{Inbound, Outbound},
};
use tokio::sync::mpsc;

use super::{
    frames::{BINARY, CONTINUATION, FIN, Frames, PING, PONG, RSV1, TEXT, masked},
    served::{Served, soon},
};

/// Turns that others had on the only thread so far.
#[derive(Clone, Default)]
struct Turns(Arc<AtomicUsize>);

impl Turns {
    /// Others, who are always ready.
    fn start() -> Self {
        let turns = Self::default();
        let counted = turns.clone();
        // Not `yield_now`, which waits for the next look at the sockets.
        tokio::spawn(poll_fn(move |cx| {
            counted.0.fetch_add(1, Relaxed);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        turns
    }

    fn so_far(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Reports when a message has come, with the turns of others by then.
async fn application(
    mut connection: Connection<WebSocket>,
    turns: Turns,
    reports: mpsc::UnboundedSender<usize>,
) -> Result {
    connection.send(Outbound::accept()).await?;
    while let Some(event) = connection.receive().await {
        if let Inbound::Message(_) | Inbound::Disconnect(_) = event {
            reports.send(turns.so_far())?;
        }
    }
    Ok(())
}

/// How many turns others had between what `before` ends with, a message, and what `flood` does. All of the flood is in the
/// server's buffers before it reads any of it, as far as they hold it.
async fn turns_amid(config: WebSocketConfig, before: Vec<u8>, flood: Vec<u8>) -> usize {
    let (tx, mut reports) = mpsc::unbounded_channel();
    let turns = Turns::start();
    let others = turns.clone();
    let server = Server::new(ServerConfig::default().websocket(config));
    let server =
        server.websocket(move |connection| application(connection, others.clone(), tx.clone()));
    let served = Served::start_unix(server).await;
    let mut frames = Frames::open_with(
        &served,
        "/",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    )
    .await;
    frames.wire.send([before, flood].concat()).await;
    let begun = soon(reports.recv()).await.unwrap();
    let ended = soon(reports.recv()).await.unwrap();
    ended - begun
}

fn unlimited() -> WebSocketConfig {
    WebSocketConfig::default()
        .control_frames(usize::MAX)
        .max_message(usize::MAX)
}

fn bomb(size: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(size / 500 + 1024);
    compress
        .compress_vec(&vec![0; size], &mut out, FlushCompress::Sync)
        .unwrap();
    out.truncate(out.len() - 4);
    masked(FIN | RSV1 | BINARY, out)
}

/// Messages, pings or fragments that fit into one read.
const MANY: usize = 16_000;

#[tokio::test]
async fn flood_of_small_frames_leaves_turns_to_others() {
    let mark = masked(FIN | TEXT, "mark");
    let fragments = |payload: &str| {
        [
            masked(TEXT, payload),
            masked(CONTINUATION, payload).repeat(MANY),
            masked(FIN | CONTINUATION, payload),
        ]
        .concat()
    };
    let floods = [
        (
            "pings",
            [masked(FIN | PING, "").repeat(MANY), mark.clone()].concat(),
        ),
        (
            "pongs",
            [masked(FIN | PONG, "").repeat(MANY), mark.clone()].concat(),
        ),
        ("empty fragments", fragments("")),
        ("fragments of one byte", fragments("a")),
    ];
    for (what, flood) in floods {
        let turns = turns_amid(unlimited(), mark.clone(), flood).await;
        assert!(turns >= MANY / 512, "{what}: {turns}");
    }
}

#[tokio::test]
async fn message_that_inflates_to_megabytes_leaves_turns_to_others() {
    const SIZE: usize = 2 * 1024 * 1024;
    let mark = masked(FIN | TEXT, "mark");

    let turns = turns_amid(unlimited(), mark.clone(), bomb(SIZE)).await;
    assert!(turns >= SIZE / (128 * 1024), "{turns}");
}

#[tokio::test]
async fn what_follows_a_violation_leaves_turns_to_others() {
    // The second report is the end, the first what came before the flood.
    let flood = [masked(FIN | TEXT, [0xff]), vec![0; 4 * 1024 * 1024]].concat();
    let turns = Turns::start();
    let (tx, mut reports) = mpsc::unbounded_channel();
    let others = turns.clone();
    let server = Server::new(ServerConfig::default());
    let server =
        server.websocket(move |connection| application(connection, others.clone(), tx.clone()));
    let served = Served::start_unix(server).await;
    let mut frames = Frames::open(&served, "/").await;

    let before = turns.so_far();
    frames.wire.send(flood).await;
    frames.wire.finish().await;
    assert_eq!(frames.next().await.close_code(), 1007);
    frames.wire.is_closed().await;

    soon(reports.recv()).await.unwrap();
    assert!(turns.so_far() - before >= 16);
}

#[tokio::test]
async fn control_frames_and_tiny_fragments_beyond_the_limit_are_closed_with_1008() {
    let floods = [
        masked(FIN | PING, "").repeat(101),
        masked(FIN | PONG, "").repeat(101),
        [masked(TEXT, ""), masked(CONTINUATION, "").repeat(100)].concat(),
        [masked(TEXT, ""), masked(CONTINUATION, "x").repeat(100)].concat(),
    ];
    for flood in floods {
        let config = WebSocketConfig::default().control_frames(10);
        let server = Server::new(ServerConfig::default().websocket(config));
        let (tx, mut reports) = mpsc::unbounded_channel();
        let server = server
            .websocket(move |connection| application(connection, Turns::default(), tx.clone()));
        let served = Served::start(server).await;
        let mut frames = Frames::open(&served, "/").await;

        frames.wire.send(flood).await;

        let mut frame = frames.next().await;
        while frame.first == FIN | PONG {
            frame = frames.next().await;
        }
        assert_eq!(frame.close_code(), 1008);
        drop(frames);
        soon(reports.recv()).await.unwrap();
        served.end().await;
    }
}

#[tokio::test]
async fn compressed_message_without_a_limit_on_its_size_arrives() {
    let mark = masked(FIN | TEXT, "mark");
    turns_amid(unlimited(), mark.clone(), bomb(100)).await;
}

#[tokio::test]
async fn message_in_many_fragments_that_carry_something_arrives() {
    let mark = masked(FIN | TEXT, "mark");
    let fragment = masked(CONTINUATION, "sixteen bytes it");
    let message = [
        masked(TEXT, ""),
        fragment.repeat(5_000),
        masked(FIN | CONTINUATION, ""),
    ];
    turns_amid(WebSocketConfig::default(), mark, message.concat()).await;
}
