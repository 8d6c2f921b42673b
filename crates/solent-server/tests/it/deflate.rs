//! permessage-deflate, RFC 7692, as clients see it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use solent_server::{DeflateConfig, Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Connection, Result, WebSocket,
    websocket::{Close, Frame, FrameSinkHandle, Inbound, Outbound, SharedFrame},
};
use tokio::sync::mpsc;

use super::{
    frames::{BINARY, CLOSE, CONTINUATION, FIN, Frames, PING, PONG, RSV1, RawFrame, TEXT, masked},
    served::{Served, soon},
};

/// What the server agrees to by default.
const NO_CONTEXT: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What every compressed message ends with, and what is not sent (§7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// "Hello", compressed (§7.2.3.1), and the same once more with the context of the first (§7.2.3.2).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// What a test's applications hand out.
enum Report {
    /// How to send from outside, where the connection allows it.
    Sink(Option<FrameSinkHandle>),
    /// A message as it was received.
    Message(Frame),
    /// The end of a socket.
    End(Close),
}

/// Echoes; text that begins with `shared` as a shared frame.
async fn echo(
    mut connection: Connection<WebSocket>,
    reports: mpsc::UnboundedSender<Report>,
) -> Result {
    connection.send(Outbound::accept()).await?;
    reports.send(Report::Sink(connection.direct()))?;
    while let Some(event) = connection.receive().await {
        let frame = match event {
            Inbound::Connect => continue,
            Inbound::Message(frame) => frame,
            Inbound::Disconnect(close) => {
                reports.send(Report::End(close))?;
                continue;
            }
        };
        reports.send(Report::Message(frame.clone()))?;
        if frame
            .as_text()
            .is_some_and(|text| text.starts_with("shared"))
        {
            connection.send(SharedFrame::new(frame).into()).await?;
        } else {
            connection.send(frame.into()).await?;
        }
    }
    Ok(())
}

struct Echo {
    served: Served,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Echo {
    async fn start() -> Self {
        Self::start_with(WebSocketConfig::default()).await
    }

    async fn start_with(config: WebSocketConfig) -> Self {
        let (tx, reports) = mpsc::unbounded_channel();
        let application = move |connection| echo(connection, tx.clone());
        let config = ServerConfig::default().websocket(config);
        let served = Served::start(Server::new(config).websocket(application)).await;
        Self { served, reports }
    }

    /// Opens a socket with offers, each on a line of its own.
    async fn open(&self, offers: &[&str]) -> Frames {
        let line = |offer| format!("Sec-WebSocket-Extensions: {offer}\r\n");
        let lines: String = offers.iter().map(line).collect();
        Frames::open_with(&self.served, "/", &lines).await
    }

    /// What is agreed to; the socket is closed again.
    async fn answer(&self, offers: &[&str]) -> Option<String> {
        let frames = self.open(offers).await;
        let agreed = extension(&frames).map(str::to_owned);
        frames.leave().await;
        agreed
    }

    async fn sink(&mut self) -> Option<FrameSinkHandle> {
        loop {
            if let Some(Report::Sink(sink)) = soon(self.reports.recv()).await {
                return sink;
            }
        }
    }

    async fn message(&mut self) -> Frame {
        loop {
            if let Some(Report::Message(frame)) = soon(self.reports.recv()).await {
                return frame;
            }
        }
    }

    async fn end_code(&mut self) -> u16 {
        loop {
            if let Some(Report::End(close)) = soon(self.reports.recv()).await {
                return close.code.as_u16();
            }
        }
    }
}

fn extension(frames: &Frames) -> Option<&str> {
    frames.head.get("sec-websocket-extensions")
}

fn client_deflate(context: &mut Compress, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 2 + 64);
    let flush = FlushCompress::Sync;
    context.compress_vec(bytes, &mut out, flush).unwrap();
    assert!(out.ends_with(&TAIL) && out.len() < out.capacity());
    out.truncate(out.len() - TAIL.len());
    out
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    client_deflate(&mut Compress::new(Compression::best(), false), bytes)
}

/// Inflates a message, within the window that `context` has.
fn inflated(context: &mut Decompress, frame: &RawFrame) -> Vec<u8> {
    assert_eq!(frame.first & RSV1, RSV1, "not compressed: {frame:?}");
    let input = [&frame.payload[..], &TAIL].concat();
    let mut out = Vec::with_capacity(1024 * 1024);
    let flush = FlushDecompress::Sync;
    context.decompress_vec(&input, &mut out, flush).unwrap();
    assert!(out.len() < out.capacity());
    out
}

/// Bytes in which nothing repeats itself, as far as compressors can tell.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(next).collect()
}

fn text(len: usize) -> String {
    "All work and no play. ".chars().cycle().take(len).collect()
}

#[tokio::test]
async fn each_parameter_is_answered_as_the_rules_say() {
    let echo = Echo::start().await;
    let with_server_bits = format!("{NO_CONTEXT}; server_max_window_bits=10");
    let with_client_bits = format!("{NO_CONTEXT}; client_max_window_bits=9");
    let all = format!("{NO_CONTEXT}; server_max_window_bits=8; client_max_window_bits=15");
    let rows = [
        ("permessage-deflate", NO_CONTEXT),
        ("permessage-deflate; server_no_context_takeover", NO_CONTEXT),
        ("permessage-deflate; client_no_context_takeover", NO_CONTEXT),
        // Without a value the client only says that it can be told one.
        ("permessage-deflate; client_max_window_bits", NO_CONTEXT),
        (
            "permessage-deflate; client_max_window_bits=9",
            &with_client_bits,
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            &with_server_bits,
        ),
        (
            "permessage-deflate;server_max_window_bits=\"10\"",
            &with_server_bits,
        ),
        (
            "PerMessage-Deflate ; Server_Max_Window_Bits = 10",
            &with_server_bits,
        ),
        (
            "permessage-deflate; client_max_window_bits=15; server_max_window_bits=8; \
             client_no_context_takeover; server_no_context_takeover",
            &all,
        ),
    ];

    for (offer, expected) in rows {
        assert_eq!(
            echo.answer(&[offer]).await.as_deref(),
            Some(expected),
            "{offer}"
        );
    }

    echo.served.end().await;
}

#[tokio::test]
async fn offer_with_a_fault_is_declined_for_the_next_one() {
    let echo = Echo::start().await;
    let bad = [
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-bzip2",
        ";",
    ];

    for bad in bad {
        assert_eq!(echo.answer(&[bad]).await, None, "{bad}");
        let good = "permessage-deflate; server_max_window_bits=12";
        let expected = format!("{NO_CONTEXT}; server_max_window_bits=12");
        let one_line = format!("{bad}, {good}");
        assert_eq!(
            echo.answer(&[&one_line]).await.as_ref(),
            Some(&expected),
            "{bad}"
        );
        assert_eq!(
            echo.answer(&[bad, good]).await.as_ref(),
            Some(&expected),
            "{bad}"
        );
    }

    echo.served.end().await;
}

#[tokio::test]
async fn first_of_several_good_offers_is_taken() {
    let echo = Echo::start().await;

    let offers = "permessage-deflate; server_max_window_bits=11, permessage-deflate";

    let expected = format!("{NO_CONTEXT}; server_max_window_bits=11");
    assert_eq!(echo.answer(&[offers]).await, Some(expected));
    echo.served.end().await;
}

#[tokio::test]
async fn own_window_is_told_to_a_client_that_did_not_ask() {
    let deflate = DeflateConfig::default().server_max_window_bits(12);
    let echo = Echo::start_with(WebSocketConfig::default().deflate(deflate)).await;

    let rows = [
        ("permessage-deflate", 12),
        ("permessage-deflate; server_max_window_bits=15", 12),
        ("permessage-deflate; server_max_window_bits=9", 9),
    ];
    for (offer, bits) in rows {
        let expected = format!("{NO_CONTEXT}; server_max_window_bits={bits}");
        assert_eq!(echo.answer(&[offer]).await, Some(expected), "{offer}");
    }

    echo.served.end().await;
}

#[tokio::test]
async fn compression_that_is_off_is_never_agreed_to() {
    let echo = Echo::start_with(WebSocketConfig::default().deflate(None)).await;
    let mut frames = echo.open(&["permessage-deflate"]).await;
    assert_eq!(extension(&frames), None);

    let long = text(10_000);
    frames.text(&long).await;

    assert_eq!(frames.next().await, RawFrame::whole(TEXT, long));
    frames.leave().await;
    echo.served.end().await;
}

#[tokio::test]
async fn only_what_is_worth_it_is_compressed() {
    let echo = Echo::start().await;
    let mut frames = echo.open(&["permessage-deflate"]).await;
    let plain = [
        ("", TEXT, Vec::new()),
        ("one byte below the least size", TEXT, text(255).into()),
        ("noise", BINARY, noise(10_000)),
    ];
    let worth_it = [
        ("the least size", TEXT, text(256).into_bytes()),
        ("text", TEXT, text(10_000).into()),
        ("bytes", BINARY, vec![7; 100_000]),
    ];

    for (what, opcode, payload) in plain {
        frames.send(FIN | opcode, &payload).await;
        let answer = frames.next().await;
        assert_eq!(answer, RawFrame::whole(opcode, payload), "{what}");
    }
    for (what, opcode, payload) in worth_it {
        frames.send(FIN | opcode, &payload).await;
        let answer = frames.next().await;
        assert_eq!(answer.first, FIN | RSV1 | opcode, "{what}");
        assert!(answer.payload.len() < payload.len(), "{what}");
        assert_eq!(
            inflated(&mut Decompress::new(false), &answer),
            payload,
            "{what}"
        );
    }

    frames.leave().await;
    echo.served.end().await;
}

#[tokio::test]
async fn window_of_the_client_is_never_exceeded() {
    let echo = Echo::start().await;
    // What repeats itself, does so at a distance that only the larger windows reach.
    let message = [noise(3_000), noise(3_000), vec![0; 3_000]].concat();
    let mut sizes = Vec::new();

    for bits in 9..=15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let mut frames = echo.open(&[&offer]).await;
        frames.send(FIN | BINARY, &message).await;
        let answer = frames.next().await;
        // An inflater with just this window fails at whatever reaches beyond.
        let mut context = Decompress::new_with_window_bits(false, bits);
        assert_eq!(inflated(&mut context, &answer), message, "{bits}");
        sizes.push(answer.payload.len());
        frames.leave().await;
    }

    assert!(sizes[0] > 6_000 && sizes[6] < 4_000, "{sizes:?}");
    echo.served.end().await;
}

#[tokio::test]
async fn client_with_the_smallest_window_gets_plain_messages() {
    let echo = Echo::start().await;
    let mut frames = echo
        .open(&["permessage-deflate; server_max_window_bits=8"])
        .await;

    frames.text(&text(1_000)).await;

    assert_eq!(frames.next().await, RawFrame::whole(TEXT, text(1_000)));
    frames.leave().await;
    echo.served.end().await;
}

#[tokio::test]
async fn compressed_messages_arrive_whole() {
    let mut echo = Echo::start().await;
    let mut frames = echo.open(&["permessage-deflate"]).await;
    let long = deflated(text(100_000).as_bytes());
    let (start, end) = long.split_at(long.len() / 2);

    frames.send(FIN | RSV1 | TEXT, HELLO).await;
    // Compressed in pieces, with a ping between them; only the first is marked.
    frames.send(RSV1 | TEXT, start).await;
    frames.send(FIN | PING, "?").await;
    frames.send(CONTINUATION, "").await;
    frames.send(FIN | CONTINUATION, end).await;
    // Empty, and plain although compression was agreed.
    frames.send(FIN | RSV1 | BINARY, [0x00]).await;
    frames.send(FIN | TEXT, "plain").await;
    // Byte by byte.
    for byte in masked(FIN | RSV1 | TEXT, HELLO) {
        frames.wire.send([byte]).await;
    }

    for expected in ["Hello", &text(100_000)] {
        assert_eq!(echo.message().await, Frame::text(expected));
    }
    assert_eq!(echo.message().await, Frame::binary(""));
    for expected in ["plain", "Hello"] {
        assert_eq!(echo.message().await, Frame::text(expected));
    }
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "Hello"));
    assert_eq!(frames.next().await, RawFrame::whole(PONG, "?"));
    drop(frames);
    echo.served.end().await;
}

#[tokio::test]
async fn faults_in_compressed_messages_are_closed_with_their_code() {
    let config = WebSocketConfig::default().max_message(100_000);
    let mut echo = Echo::start_with(config).await;
    let bomb = deflated(&vec![0; 10_000_000]);
    assert!(bomb.len() < 20_000);
    let (start, end) = bomb.split_at(bomb.len() / 2);
    let wrong_utf8 = deflated(&[b'a', 0xff]);
    let rows = [
        ("bomb", 1009, masked(FIN | RSV1 | BINARY, &bomb)),
        (
            "bomb in pieces",
            1009,
            [
                masked(RSV1 | BINARY, start),
                masked(FIN | CONTINUATION, end),
            ]
            .concat(),
        ),
        (
            "one byte over the limit",
            1009,
            masked(FIN | RSV1 | BINARY, deflated(&[7; 100_001])),
        ),
        (
            "no block of that type",
            1007,
            masked(FIN | RSV1 | BINARY, [0x06, 0xff, 0xff]),
        ),
        (
            "distance beyond the beginning",
            1007,
            masked(FIN | RSV1 | BINARY, HELLO_AGAIN),
        ),
        ("noise", 1007, masked(FIN | RSV1 | TEXT, noise(1_000))),
        (
            "text that is no UTF-8 once inflated",
            1007,
            masked(FIN | RSV1 | TEXT, wrong_utf8),
        ),
        (
            "mark on a continuation",
            1002,
            [
                masked(RSV1 | TEXT, HELLO),
                masked(FIN | RSV1 | CONTINUATION, ""),
            ]
            .concat(),
        ),
        (
            "mark on a continuation of a plain message",
            1002,
            [masked(TEXT, "a"), masked(FIN | RSV1 | CONTINUATION, HELLO)].concat(),
        ),
        ("mark on a ping", 1002, masked(FIN | RSV1 | PING, "")),
        ("mark on a pong", 1002, masked(FIN | RSV1 | PONG, "")),
        (
            "mark on a close",
            1002,
            masked(FIN | RSV1 | CLOSE, [3, 232]),
        ),
        ("RSV2", 1002, masked(FIN | 0x20 | TEXT, "x")),
        (
            "RSV2 beside the mark",
            1002,
            masked(FIN | RSV1 | 0x20 | TEXT, HELLO),
        ),
    ];

    for (name, code, bytes) in rows {
        let mut frames = echo.open(&["permessage-deflate"]).await;
        frames.wire.send(bytes).await;
        assert_eq!(frames.next().await.close_code(), code, "{name}");
        frames.wire.is_closed().await;
        assert_eq!(echo.end_code().await, code, "{name}");
    }

    // The limit itself is allowed, and the thread's inflater is as good as new.
    let mut frames = echo.open(&["permessage-deflate"]).await;
    frames
        .send(FIN | RSV1 | BINARY, deflated(&[7; 100_000]))
        .await;
    assert_eq!(echo.message().await, Frame::binary(vec![7; 100_000]));
    drop(frames);
    echo.served.end().await;
}

#[tokio::test]
async fn ready_frame_reaches_every_kind_of_client() {
    let deflate = DeflateConfig::default().server_context_takeover(true);
    let mut echo = Echo::start_with(WebSocketConfig::default().deflate(deflate)).await;
    const SMALL: &str = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
    let kinds: [(&[&str], Option<i32>); 4] = [
        (&[], None),
        (
            &["permessage-deflate; server_no_context_takeover"],
            Some(15),
        ),
        (
            &["permessage-deflate; server_no_context_takeover"],
            Some(15),
        ),
        (&[SMALL], Some(9)),
    ];
    let mut members = Vec::new();
    for (offers, bits) in kinds {
        let frames = echo.open(offers).await;
        let sink = echo.sink().await.expect("frames can be shared here");
        members.push((frames, sink, bits));
    }
    let frame = SharedFrame::new(Frame::text(text(5_000)));

    for (_, sink, _) in &members {
        sink.send_frame(&frame).unwrap();
    }

    let mut compressed = Vec::new();
    for (frames, _, bits) in &mut members {
        let got = frames.next().await;
        let Some(bits) = *bits else {
            assert_eq!(got, RawFrame::whole(TEXT, text(5_000)));
            continue;
        };
        let mut context = Decompress::new_with_window_bits(false, bits as u8);
        assert_eq!(inflated(&mut context, &got), text(5_000).as_bytes());
        compressed.push(got.payload);
    }
    assert_eq!(compressed[0], compressed[1], "made once for both");
    drop(members);
    echo.served.end().await;
}

#[tokio::test]
async fn client_with_a_context_has_no_way_round_it() {
    let deflate = DeflateConfig::default().server_context_takeover(true);
    let mut echo = Echo::start_with(WebSocketConfig::default().deflate(deflate)).await;
    let mut frames = echo.open(&["permessage-deflate"]).await;
    assert!(echo.sink().await.is_none());
    let shared = format!("shared {}", text(1_000));
    let mut context = Decompress::new(false);

    // A shared frame between two messages does not disturb what both sides remember.
    frames.text(&text(1_000)).await;
    let first = frames.next().await;
    frames.text(&shared).await;
    let between = frames.next().await;
    frames.text(&text(1_000)).await;
    let second = frames.next().await;

    assert_eq!(inflated(&mut context, &first), text(1_000).as_bytes());
    assert_eq!(between, RawFrame::whole(TEXT, shared));
    assert_eq!(inflated(&mut context, &second), text(1_000).as_bytes());
    frames.leave().await;
    echo.served.end().await;
}

#[tokio::test]
async fn server_keeps_its_context_where_that_is_agreed() {
    let deflate = DeflateConfig::default().server_context_takeover(true);
    let config = WebSocketConfig::default().deflate(deflate);
    let echo = Echo::start_with(config).await;
    let message = String::from_utf8(noise(2_000).iter().map(|byte| b'a' + byte % 26).collect());
    let message = message.unwrap();

    let mut keeping = echo.open(&["permessage-deflate"]).await;
    let agreed = "permessage-deflate; client_no_context_takeover";
    assert_eq!(extension(&keeping), Some(agreed));
    let mut forgetting = echo
        .open(&["permessage-deflate; server_no_context_takeover"])
        .await;
    assert_eq!(extension(&forgetting), Some(NO_CONTEXT));

    let mut context = Decompress::new(false);
    let mut sizes = Vec::new();
    for _ in 0..3 {
        keeping.text(&message).await;
        let answer = keeping.next().await;
        assert_eq!(inflated(&mut context, &answer), message.as_bytes());
        sizes.push(answer.payload.len());
    }
    assert!(
        sizes[1] < sizes[0] / 10 && sizes[2] < sizes[0] / 10,
        "{sizes:?}"
    );
    for _ in 0..2 {
        forgetting.text(&message).await;
        let answer = forgetting.next().await;
        assert_eq!(
            inflated(&mut Decompress::new(false), &answer),
            message.as_bytes()
        );
    }

    keeping.leave().await;
    forgetting.leave().await;
    echo.served.end().await;
}

#[tokio::test]
async fn client_keeps_its_context_where_that_is_agreed() {
    let deflate = DeflateConfig::default().client_context_takeover(true);
    let config = WebSocketConfig::default().deflate(deflate);
    let mut echo = Echo::start_with(config).await;
    let mut frames = echo.open(&["permessage-deflate"]).await;
    let agreed = "permessage-deflate; server_no_context_takeover";
    assert_eq!(extension(&frames), Some(agreed));

    frames.send(FIN | RSV1 | TEXT, HELLO).await;
    frames.send(FIN | TEXT, "plain").await;
    // Another socket of the same thread has a context of its own.
    let mut other = echo.open(&["permessage-deflate"]).await;
    other.send(FIN | RSV1 | TEXT, deflated(b"World")).await;
    assert_eq!(other.next().await, RawFrame::whole(TEXT, "World"));
    frames.send(FIN | RSV1 | TEXT, HELLO_AGAIN).await;

    for expected in ["Hello", "plain", "Hello"] {
        assert_eq!(frames.next().await, RawFrame::whole(TEXT, expected));
    }
    other.leave().await;
    // A client that promised to forget cannot refer to what it said.
    let promise = "permessage-deflate; client_no_context_takeover";
    let mut forgetting = echo.open(&[promise]).await;
    forgetting.send(FIN | RSV1 | TEXT, HELLO).await;
    assert_eq!(forgetting.next().await, RawFrame::whole(TEXT, "Hello"));
    forgetting.send(FIN | RSV1 | TEXT, HELLO_AGAIN).await;
    assert_eq!(forgetting.next().await.close_code(), 1007);
    frames.leave().await;
    drop(forgetting);
    assert_eq!(echo.end_code().await, 1000);
    echo.served.end().await;
}
