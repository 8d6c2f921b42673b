//! WebSockets: messages, pings, the closing handshake and what breaks it.

use std::{panic::panic_any, time::Duration};

use futures::{SinkExt, StreamExt};
use solent_server::{Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Connection, RequestScope, Result, WebSocket,
    request::UrlRoute,
    websocket::{Accept, Close, CloseCode, Frame, Inbound, Outbound},
};
use solent_test_servers::Log;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, protocol::frame::CloseFrame},
};

use super::{
    frames::{
        BINARY, CLOSE, CONTINUATION, FIN, Frames, PING, PONG, RSV1, RawFrame, TEXT, handshake,
        masked,
    },
    served::{Served, soon},
};

const SHORT: Duration = Duration::from_secs(5);

/// Echoes, does what a text message tells it to, and reports how the socket ended.
async fn obeying(
    mut connection: Connection<WebSocket>,
    ends: mpsc::UnboundedSender<Close>,
) -> Result {
    while let Some(event) = connection.receive().await {
        let frame = match event {
            Inbound::Connect => {
                connection.send(Outbound::accept()).await?;
                continue;
            }
            Inbound::Message(frame) => frame,
            Inbound::Disconnect(close) => {
                ends.send(close)?;
                continue;
            }
        };
        match frame.as_text() {
            Some("return") => return Ok(()),
            Some("fail") => return Err("on purpose".into()),
            Some("panic") => panic_any("on purpose"),
            Some("close") => {
                let close = Close::new(CloseCode::sendable(4001)?, "as you say");
                connection.send(close.into()).await?;
            }
            _ => connection.send(frame.into()).await?,
        }
    }
    Ok(())
}

/// A server that obeys, and how its sockets end.
struct Obeying {
    served: Served,
    ends: mpsc::UnboundedReceiver<Close>,
}

impl Obeying {
    async fn start() -> Self {
        Self::start_with(WebSocketConfig::default()).await
    }

    async fn start_with(config: WebSocketConfig) -> Self {
        let (server, ends) = Self::server(config);
        let served = Served::start(server).await;
        Self { served, ends }
    }

    /// On a Unix socket, for a clock that is paused.
    async fn start_unix(config: WebSocketConfig) -> Self {
        let (server, ends) = Self::server(config);
        let served = Served::start_unix(server).await;
        Self { served, ends }
    }

    fn server(config: WebSocketConfig) -> (Server, mpsc::UnboundedReceiver<Close>) {
        let (tx, ends) = mpsc::unbounded_channel();
        let application = move |connection| obeying(connection, tx.clone());
        let config = ServerConfig::default().websocket(config);
        (Server::new(config).websocket(application), ends)
    }

    async fn open(&self) -> Frames {
        Frames::open(&self.served, "/").await
    }

    /// Code and reason that the application received.
    async fn end_of_socket(&mut self) -> (u16, String) {
        let close = soon(self.ends.recv()).await.unwrap();
        (close.code.as_u16(), close.reason.to_string())
    }

    /// Waits for the socket to end with `code`, then stops the server.
    async fn end_expecting(mut self, code: u16) {
        assert_eq!(self.end_of_socket().await.0, code);
        self.end().await;
    }

    /// Stops the server; no application may have received a second end.
    async fn end(mut self) {
        self.served.end().await;
        assert_eq!(self.ends.recv().await, None);
    }
}

async fn client(served: &Served) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(served.addr()).await.unwrap();
    let url = format!("ws://{}/", served.addr());
    soon(client_async(url, stream)).await.unwrap().0
}

/// Takes numbers: one in the path before it accepts, and then one in each message.
async fn numbers(mut connection: Connection<WebSocket>) -> Result {
    let mut route = UrlRoute::default();
    let path = connection.scope().path().trim_matches('/').to_owned();
    route.push_captures(&[("number", &path)]);
    route.parse::<u32>("number")?;
    connection.receive().await;
    connection.send(Outbound::accept()).await?;
    while let Some(Inbound::Message(frame)) = connection.receive().await {
        match frame.as_text() {
            Some("misfit") => {
                route.push_captures(&[("number", "misfit")]);
                route.parse::<u32>("number")?;
            }
            _ => drop(frame.json::<u32>()?),
        }
    }
    Ok(())
}

#[tokio::test]
async fn clients_fault_is_no_failure_of_an_application_without_a_consumer() {
    let log = Log::new();
    let server = Server::new(ServerConfig::default()).websocket(numbers);
    let served = Served::start(server).await;

    let mut wire = served.ask(handshake("/seven", "")).await;
    assert_eq!(wire.response().await.status, 404);
    for (message, code) in [("{}", 1007), ("[", 1007), ("misfit", 1008)] {
        let mut frames = Frames::open(&served, "/7").await;
        frames.send(FIN | TEXT, message).await;
        assert_eq!(frames.next().await.close_code(), code, "{message}");
    }

    served.end().await;
    let log = log.text();
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn messages_of_every_kind_and_size_come_back() {
    let served = Obeying::start().await;
    let mut client = client(&served.served).await;
    let sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];

    for size in sizes {
        for message in [
            Message::text("é".repeat(size / 2)),
            Message::binary(vec![0xff; size]),
        ] {
            client.send(message.clone()).await.unwrap();
            assert_eq!(soon(client.next()).await.unwrap().unwrap(), message);
        }
    }

    client.close(None).await.unwrap();
    drop(client);
    served.end_expecting(1005).await;
}

#[tokio::test]
async fn client_that_closes_gets_its_code_back() {
    let mut served = Obeying::start().await;
    let mut client = client(&served.served).await;
    let close = CloseFrame {
        code: 4000.into(),
        reason: "enough".into(),
    };

    client.close(Some(close)).await.unwrap();

    let Some(Ok(Message::Close(Some(answer)))) = soon(client.next()).await else {
        panic!("no close frame came");
    };
    assert_eq!(u16::from(answer.code), 4000);
    assert!(soon(client.next()).await.is_none());
    drop(client);
    assert_eq!(served.end_of_socket().await, (4000, "enough".to_owned()));
    served.end().await;
}

#[tokio::test]
async fn close_without_a_code_is_1005_and_answered_in_kind() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;

    frames.send(FIN | CLOSE, "").await;

    assert_eq!(frames.next().await, RawFrame::whole(CLOSE, ""));
    frames.wire.is_closed().await;
    drop(frames);
    assert_eq!(served.end_of_socket().await, (1005, String::new()));
    served.end().await;
}

#[tokio::test]
async fn nothing_is_read_after_the_clients_close() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;

    let mut bytes = masked(FIN | CLOSE, 1000u16.to_be_bytes());
    bytes.extend(masked(FIN | TEXT, "late"));
    frames.wire.send(bytes).await;

    assert_eq!(frames.next().await.close_code(), 1000);
    frames.wire.is_closed().await;
    drop(frames);
    assert_eq!(served.end_of_socket().await.0, 1000);
    served.end().await;
}

#[tokio::test]
async fn application_that_closes_waits_for_the_clients_answer() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;

    frames.text("close").await;
    assert_eq!(frames.next().await, RawFrame::close(4001, "as you say"));
    // What was on its way already is of no interest any more.
    frames.text("late").await;
    frames.close(4001, "").await;

    frames.wire.is_closed().await;
    drop(frames);
    assert_eq!(served.end_of_socket().await.0, 4001);
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_answer_a_close_is_cut() {
    let config = WebSocketConfig::default().close_timeout(SHORT);
    let mut served = Obeying::start_unix(config).await;
    let mut frames = served.open().await;

    frames.text("close").await;
    assert_eq!(frames.next().await.close_code(), 4001);

    frames.wire.is_closed().await;
    assert_eq!(served.end_of_socket().await.0, 1006);
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_stays_after_the_closing_handshake_is_cut() {
    let config = WebSocketConfig::default().close_timeout(SHORT);
    let mut served = Obeying::start_unix(config).await;
    let mut frames = served.open().await;

    frames.close(1000, "").await;
    assert_eq!(frames.next().await.close_code(), 1000);
    frames.wire.is_closed().await;

    // The server ends though its client never does.
    assert_eq!(served.end_of_socket().await.0, 1000);
    served.end().await;
    drop(frames);
}

#[tokio::test]
async fn end_of_the_application_is_the_code_that_fits_it() {
    let served = Obeying::start().await;

    for (order, code) in [("return", 1000), ("fail", 1011), ("panic", 1011)] {
        let mut frames = served.open().await;
        frames.text(order).await;
        let close = frames.next().await;
        assert_eq!(close.close_code(), code, "{order}");
        assert_eq!(close.payload.len(), 2, "no reason tells of the inside");
        frames.close(code, "").await;
        frames.wire.is_closed().await;
    }

    served.end().await;
}

#[tokio::test]
async fn client_that_is_cut_off_is_1006() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;
    frames.text("hello").await;
    assert_eq!(frames.next().await.payload, b"hello");

    drop(frames);

    assert_eq!(served.end_of_socket().await.0, 1006);
    served.end().await;
}

#[tokio::test]
async fn client_that_resets_the_connection_is_1006() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;
    // An echo that is not read turns the close into a reset.
    frames.text("hello").await;
    frames.wire.sip(1).await;

    drop(frames);

    assert_eq!(served.end_of_socket().await.0, 1006);
    served.end().await;
}

#[tokio::test]
async fn client_that_shuts_its_direction_is_1006() {
    let mut served = Obeying::start().await;
    let mut frames = served.open().await;

    frames.wire.send(&masked(FIN | TEXT, "hello")[..7]).await;
    frames.wire.finish().await;

    frames.wire.is_closed().await;
    assert_eq!(served.end_of_socket().await.0, 1006);
    served.end().await;
}

#[tokio::test]
async fn ping_amid_fragments_is_answered_at_once() {
    let served = Obeying::start().await;
    let mut frames = served.open().await;

    frames.send(TEXT, "he").await;
    frames.send(FIN | PING, "are you there?").await;
    assert_eq!(frames.next().await, RawFrame::whole(PONG, "are you there?"));
    frames.send(CONTINUATION, "").await;
    frames.send(FIN | PONG, "nobody asked").await;
    frames.send(FIN | CONTINUATION, "llo").await;

    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "hello"));
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test]
async fn character_may_be_split_between_fragments() {
    let served = Obeying::start().await;
    let mut frames = served.open().await;

    for (first, byte) in "🦀".bytes().enumerate() {
        let opcode = if first == 0 { TEXT } else { CONTINUATION };
        frames.send(opcode, [byte]).await;
    }
    frames.send(FIN | CONTINUATION, "").await;

    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "🦀"));
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test]
async fn frame_may_come_byte_by_byte() {
    let served = Obeying::start().await;
    let mut frames = served.open().await;

    for byte in masked(FIN | BINARY, [7; 200]) {
        frames.wire.send([byte]).await;
    }

    assert_eq!(frames.next().await, RawFrame::whole(BINARY, [7; 200]));
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test]
async fn many_messages_of_one_write_are_answered_in_order() {
    let served = Obeying::start().await;
    let mut frames = served.open().await;
    let all: Vec<u8> = (0..1_000)
        .flat_map(|nth| masked(FIN | TEXT, nth.to_string()))
        .collect();

    frames.wire.send(all).await;

    for nth in 0..1_000 {
        assert_eq!(frames.next().await, RawFrame::whole(TEXT, nth.to_string()));
    }
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test]
async fn messages_right_behind_the_handshake_arrive() {
    let served = Obeying::start().await;
    let mut bytes = handshake("/", "").into_bytes();
    bytes.extend(masked(FIN | TEXT, "early"));
    bytes.extend(masked(FIN | TEXT, "bird"));

    let mut wire = served.served.ask(bytes).await;

    let (status, head) = wire.head().await;
    assert_eq!(status, 101);
    let mut frames = Frames { wire, head };
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "early"));
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "bird"));
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test]
async fn what_breaks_the_protocol_is_closed_with_its_code() {
    let mut served = Obeying::start_with(WebSocketConfig::default().max_message(1_000)).await;
    let mut unmasked = masked(FIN | TEXT, "");
    unmasked.truncate(2);
    unmasked[1] = 0;
    let rows: Vec<(&str, u16, Vec<u8>)> = vec![
        ("frame without a mask", 1002, unmasked),
        (
            "RSV1 without an extension",
            1002,
            masked(FIN | RSV1 | TEXT, "x"),
        ),
        ("RSV2", 1002, masked(FIN | 0x20 | TEXT, "x")),
        ("RSV3", 1002, masked(FIN | 0x10 | TEXT, "x")),
        ("reserved data opcode", 1002, masked(FIN | 3, "x")),
        ("reserved control opcode", 1002, masked(FIN | 11, "")),
        ("fragmented ping", 1002, masked(PING, "")),
        ("ping that is too long", 1002, masked(FIN | PING, [0; 126])),
        (
            "continuation of nothing",
            1002,
            masked(FIN | CONTINUATION, "x"),
        ),
        (
            "message within a message",
            1002,
            [masked(TEXT, "a"), masked(FIN | TEXT, "b")].concat(),
        ),
        ("close of one byte", 1002, masked(FIN | CLOSE, [3])),
        (
            "close with a code that is reserved",
            1002,
            masked(FIN | CLOSE, 1005u16.to_be_bytes()),
        ),
        (
            "close with a reason that is not UTF-8",
            1007,
            masked(FIN | CLOSE, [3, 232, 0xff]),
        ),
        ("text that is not UTF-8", 1007, masked(FIN | TEXT, [0xff])),
        (
            "text that ends amid a character",
            1007,
            masked(FIN | TEXT, [0xc3]),
        ),
        (
            "text with a surrogate",
            1007,
            masked(FIN | TEXT, [0xed, 0xa0, 0x80]),
        ),
        ("fragment that is not UTF-8", 1007, masked(TEXT, [0xff])),
        (
            "frame over the limit",
            1009,
            masked(FIN | BINARY, [0; 1_001]),
        ),
        (
            "announcement of a frame over the limit",
            1009,
            vec![FIN | BINARY, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        ),
        (
            "fragments over the limit",
            1009,
            [masked(BINARY, [0; 600]), masked(CONTINUATION, [0; 600])].concat(),
        ),
    ];

    for (name, code, bytes) in rows {
        let mut frames = served.open().await;
        frames.wire.send(bytes).await;
        assert_eq!(frames.next().await.close_code(), code, "{name}");
        // The server waits neither for an answer nor for the client's end.
        frames.wire.is_closed().await;
        assert_eq!(served.end_of_socket().await.0, code, "{name}");
    }
    let mut frames = served.open().await;
    frames.send(FIN | BINARY, [0; 1_000]).await;
    assert_eq!(frames.next().await.payload.len(), 1_000);

    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test(start_paused = true)]
async fn silent_client_is_pinged_and_given_up() {
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT);
    let mut served = Obeying::start_unix(config).await;
    let mut frames = served.open().await;

    assert_eq!(frames.next().await.first, FIN | PING);

    frames.wire.rest().await;
    assert_eq!(served.end_of_socket().await.0, 1006);
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_answers_pings_stays() {
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT);
    let served = Obeying::start_unix(config).await;
    let mut frames = served.open().await;

    for _ in 0..4 {
        let ping = frames.next().await;
        assert_eq!(ping.first, FIN | PING);
        frames.send(FIN | PONG, ping.payload).await;
    }
    frames.text("still here").await;

    assert_eq!(frames.next().await.payload, b"still here");
    frames.leave().await;
    served.end_expecting(1000).await;
}

#[tokio::test(start_paused = true)]
async fn handshake_that_takes_too_long_is_503() {
    let (tx, mut ends) = mpsc::unbounded_channel();
    let config = WebSocketConfig::default().handshake_timeout(SHORT);
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            assert_eq!(connection.receive().await, Some(Inbound::Connect));
            tx.send(connection.receive().await)?;
            Ok(())
        }
    };
    let config = ServerConfig::default().websocket(config);
    let served = Served::start_unix(Server::new(config).websocket(application)).await;

    let mut wire = served.ask(handshake("/", "")).await;

    assert_eq!(wire.response().await.status, 503);
    let end = soon(ends.recv()).await.unwrap();
    assert_eq!(end, Some(Inbound::Disconnect(CloseCode::ABNORMAL.into())));
    served.end().await;
}

#[tokio::test]
async fn application_hears_of_a_client_that_leaves_amid_the_handshake() {
    let (tx, mut events) = mpsc::unbounded_channel();
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            while let Some(event) = connection.receive().await {
                tx.send(event)?;
            }
            Ok(())
        }
    };
    let server = Server::new(ServerConfig::default()).websocket(application);
    let served = Served::start(server).await;

    let wire = served.ask(handshake("/", "")).await;
    assert_eq!(soon(events.recv()).await, Some(Inbound::Connect));
    drop(wire);

    let end = soon(events.recv()).await.unwrap();
    assert_eq!(end, Inbound::Disconnect(CloseCode::ABNORMAL.into()));
    served.end().await;
}

#[tokio::test]
async fn accept_carries_subprotocol_and_headers() {
    let application = async |mut connection: Connection<WebSocket>| {
        let scope = connection.scope();
        let offered: Vec<_> = scope.subprotocols().map(str::to_owned).collect();
        let mut headers = http::HeaderMap::new();
        headers.append("set-cookie", "a=b".parse()?);
        let accept = Accept::default().subprotocol("b").headers(headers);
        let path = scope.path().to_owned();
        connection.send(accept.into()).await?;
        // Sent before the socket has been handed over.
        let answer = format!("{path} {}", offered.join(" "));
        connection.send(Frame::text(answer).into()).await?;
        while connection.receive().await.is_some() {}
        Ok(())
    };
    let server = Server::new(ServerConfig::default()).websocket(application);
    let served = Served::start(server).await;

    let offer = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, c\r\n";
    let mut frames = Frames::open_with(&served, "/caf%C3%A9", offer).await;

    assert_eq!(frames.head.get("sec-websocket-protocol"), Some("b"));
    assert_eq!(frames.head.get("set-cookie"), Some("a=b"));
    let accept = frames.head.get("sec-websocket-accept");
    assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "/café a b c"));
    frames.leave().await;
    served.end().await;
}
