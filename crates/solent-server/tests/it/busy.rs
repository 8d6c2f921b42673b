//! Applications that are busy: their clients are heard all the same.

use std::{sync::Arc, time::Duration};

use solent_server::{Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Closed, Connection, RequestScope, Result, SendError, WebSocket,
    websocket::{Close, Frame, Inbound, Outbound},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
    time::{Instant, advance, sleep},
};

use super::{
    frames::{FIN, Frames, PING, PONG, RawFrame, TEXT, close_payload, masked},
    served::{Served, soon},
};

const SHORT: Duration = Duration::from_secs(5);

/// What the application tells of.
#[derive(Debug)]
enum Report {
    /// A handler has begun, and waits until it is let go on.
    Working(Closed),
    /// It has gone on and answered.
    Answered(Result<(), SendError>),
    End(Close),
}

/// Works on each message until it is let go on, and answers with it.
async fn work(
    mut connection: Connection<WebSocket>,
    go_on: Arc<Semaphore>,
    reports: mpsc::UnboundedSender<Report>,
) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(Outbound::accept()).await?,
            Inbound::Message(frame) => {
                reports.send(Report::Working(connection.closed()))?;
                go_on.acquire().await?.forget();
                let answered = connection.send(frame.into()).await;
                reports.send(Report::Answered(answered))?;
            }
            Inbound::Disconnect(close) => reports.send(Report::End(close))?,
        }
    }
    Ok(())
}

struct Busy {
    served: Served,
    go_on: Arc<Semaphore>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Busy {
    async fn start(config: WebSocketConfig) -> Self {
        let (tx, reports) = mpsc::unbounded_channel();
        let go_on = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&go_on);
        let config = ServerConfig::default().websocket(config);
        let server = Server::new(config).websocket(move |connection: Connection<WebSocket>| {
            let (gate, tx) = (Arc::clone(&gate), tx.clone());
            async move {
                if connection.scope().path() != "/elsewhere" {
                    return work(connection, gate, tx).await;
                }
                // The socket's own task has nothing to do but to wait.
                tokio::spawn(work(connection, gate, tx)).await?
            }
        });
        Self {
            served: Served::start_unix(server).await,
            go_on,
            reports,
        }
    }

    /// A client whose message is being worked on.
    async fn open(&mut self, path: &str) -> (Frames, Closed) {
        let mut frames = Frames::open(&self.served, path).await;
        frames.text("work").await;
        (frames, self.working().await)
    }

    async fn report(&mut self) -> Report {
        soon(self.reports.recv()).await.unwrap()
    }

    async fn working(&mut self) -> Closed {
        match self.report().await {
            Report::Working(closed) => closed,
            other => panic!("expected work, got {other:?}"),
        }
    }

    /// Lets the handler go on; how its answer went.
    async fn go_on(&mut self) -> Result<(), SendError> {
        self.go_on.add_permits(1);
        match self.report().await {
            Report::Answered(answered) => answered,
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    async fn ends_with(mut self, code: u16) {
        match self.report().await {
            Report::End(close) => assert_eq!(close.code.as_u16(), code),
            other => panic!("expected the end, got {other:?}"),
        }
        self.served.end().await;
    }
}

#[tokio::test]
async fn ping_amid_a_handler_is_answered_at_once() {
    for path in ["/", "/elsewhere"] {
        let mut busy = Busy::start(WebSocketConfig::default()).await;
        let (mut frames, closed) = busy.open(path).await;

        frames.send(FIN | PING, "there?").await;
        assert_eq!(frames.next().await, RawFrame::whole(PONG, "there?"));

        assert!(!closed.is_closed());
        busy.go_on().await.unwrap();
        assert_eq!(frames.next().await, RawFrame::whole(TEXT, "work"));
        frames.leave().await;
        busy.ends_with(1000).await;
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_answers_pings_or_sends_messages_stays_however_long_a_handler_takes() {
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT)
        .max_unread(100);
    let mut busy = Busy::start(config).await;
    let (mut frames, closed) = busy.open("/").await;
    let start = Instant::now();

    // As far as there is room for messages, and beyond: then the server is the one that does not read.
    for _ in 0..4 {
        assert_eq!(frames.next().await.first, FIN | PING);
        frames.send(FIN | PONG, "").await;
    }
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        frames.text("more").await;
    }

    assert!(start.elapsed() > SHORT * 12);
    assert!(!closed.is_closed());
    busy.go_on().await.unwrap();
    let mut answer = frames.next().await;
    while answer.first == FIN | PING {
        answer = frames.next().await;
    }
    assert_eq!(answer, RawFrame::whole(TEXT, "work"));
}

#[tokio::test(start_paused = true)]
async fn client_that_is_silent_amid_a_handler_is_given_up_and_the_handler_told() {
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT);
    let mut busy = Busy::start(config).await;
    let (frames, closed) = busy.open("/").await;

    soon(closed).await;

    assert!(matches!(busy.go_on().await, Err(SendError::Closed)));
    drop(frames);
    busy.ends_with(1006).await;
}

#[tokio::test]
async fn close_amid_a_handler_is_answered_at_once_and_arrives_behind_the_messages() {
    for path in ["/", "/elsewhere"] {
        let mut busy = Busy::start(WebSocketConfig::default()).await;
        let (mut frames, closed) = busy.open(path).await;

        frames.text("last words").await;
        frames.close(4001, "enough").await;
        assert_eq!(frames.next().await.close_code(), 4001);
        frames.wire.is_closed().await;
        soon(closed).await;

        assert!(busy.go_on().await.is_err());
        assert!(busy.working().await.is_closed());
        assert!(busy.go_on().await.is_err());
        busy.ends_with(4001).await;
    }
}

#[tokio::test]
async fn client_that_only_stops_sending_gets_its_answer() {
    let mut busy = Busy::start(WebSocketConfig::default()).await;
    let (mut frames, closed) = busy.open("/").await;

    frames.wire.finish().await;
    soon(closed).await;

    busy.go_on().await.unwrap();
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "work"));
    frames.wire.is_closed().await;
    busy.ends_with(1006).await;
}

#[tokio::test]
async fn violation_amid_a_handler_is_closed_at_once() {
    let mut busy = Busy::start(WebSocketConfig::default()).await;
    let (mut frames, closed) = busy.open("/").await;

    frames.send(FIN | TEXT, [0xff]).await;

    assert_eq!(frames.next().await.close_code(), 1007);
    soon(closed).await;
    assert!(busy.go_on().await.is_err());
    busy.ends_with(1007).await;
}

#[tokio::test]
async fn messages_that_waited_are_received_in_order_however_many() {
    const COUNT: usize = 2_000;
    let mut busy = Busy::start(WebSocketConfig::default().max_unread(10_000)).await;
    let (mut frames, _closed) = busy.open("/").await;
    let all: Vec<u8> = (0..COUNT)
        .flat_map(|nth| masked(FIN | TEXT, nth.to_string()))
        .collect();
    frames.wire.send(all).await;
    frames.send(FIN | PING, "").await;

    busy.go_on.add_permits(COUNT + 1);

    assert_eq!(frames.next().await.payload, b"work");
    let mut wanted = 0;
    while wanted < COUNT {
        let frame = frames.next().await;
        if frame.first == FIN | PONG {
            continue;
        }
        assert_eq!(frame, RawFrame::whole(TEXT, wanted.to_string()));
        wanted += 1;
    }
}

#[tokio::test]
async fn drain_is_told_to_a_handler_and_the_client_at_once() {
    let mut busy = Busy::start(WebSocketConfig::default()).await;
    let (mut frames, closed) = busy.open("/").await;

    busy.served.stop();

    assert_eq!(frames.next().await.close_code(), 1001);
    soon(closed).await;
    frames.close(1001, "").await;
    assert!(busy.go_on().await.is_err());
    busy.ends_with(1001).await;
}

#[tokio::test]
async fn blocking_code_can_ask_whether_the_client_is_gone() {
    let mut busy = Busy::start(WebSocketConfig::default()).await;
    let (frames, closed) = busy.open("/").await;

    let asked = spawn_blocking(move || {
        while !closed.is_closed() {
            std::thread::yield_now();
        }
    });
    drop(frames);

    soon(asked).await.unwrap();
    let _ = busy.go_on().await;
    busy.ends_with(1006).await;
}

#[tokio::test]
async fn close_of_the_application_counts_once_the_client_has_answered() {
    let (tx, mut reports) = mpsc::unbounded_channel();
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            connection.send(Outbound::accept()).await?;
            connection.send(Outbound::close()).await?;
            let closed = connection.closed();
            tx.send(closed.is_closed())?;
            closed.await;
            tx.send(true)?;
            Ok(())
        }
    };
    let served = Served::start(Server::new(ServerConfig::default()).websocket(application)).await;
    let mut frames = Frames::open(&served, "/").await;
    assert_eq!(frames.next().await.close_code(), 1000);
    assert_eq!(soon(reports.recv()).await, Some(false));

    // What a client sends after that is of no interest, and must not keep its answer from being read.
    for _ in 0..100 {
        frames
            .wire
            .send(masked(FIN | TEXT, vec![b'x'; 4_000]))
            .await;
    }
    frames
        .send(FIN | super::frames::CLOSE, close_payload(1000, ""))
        .await;

    assert_eq!(soon(reports.recv()).await, Some(true));
    frames.wire.is_closed().await;
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_cut_when_the_process_stood_still() {
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT)
        .handshake_timeout(SHORT);
    let mut busy = Busy::start(config).await;
    let (mut frames, closed) = busy.open("/").await;
    // A ping is under way that the client answers while the server stands still.
    assert_eq!(frames.next().await.first, FIN | PING);

    advance(Duration::from_secs(60)).await;
    frames.send(FIN | PONG, "").await;

    for _ in 0..3 {
        assert_eq!(frames.next().await.first, FIN | PING);
        frames.send(FIN | PONG, "").await;
    }
    assert!(!closed.is_closed());
    busy.go_on().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn client_that_reads_steadily_is_not_cut_amid_a_message() {
    const SECOND: usize = 64 * 1024;
    // Several times what the kernel takes until it tells that it has room again.
    const LONG: Duration = Duration::from_secs(10);
    let config = WebSocketConfig::default()
        .ping_interval(LONG)
        .ping_timeout(LONG)
        .write_timeout(LONG)
        .close_timeout(LONG);
    let application = |mut connection: Connection<WebSocket>| async move {
        connection.send(Outbound::accept()).await?;
        let large = Frame::binary(vec![7; 60 * SECOND]);
        connection.feed(large.into())?;
        connection.feed(Outbound::close())?;
        while connection.receive().await.is_some() {}
        Ok(())
    };
    let config = ServerConfig::default().websocket(config);
    let served = Served::start_unix(Server::new(config).websocket(application)).await;
    let mut frames = Frames::open(&served, "/").await;
    let start = Instant::now();

    for _ in 0..58 {
        sleep(Duration::from_secs(1)).await;
        frames.wire.sip(SECOND).await;
    }

    assert!(start.elapsed() > LONG * 5);
    assert_eq!(frames.next().await.payload.len(), 60 * SECOND);
    assert_eq!(frames.next().await.close_code(), 1000);
    frames.close(1000, "").await;
    frames.wire.is_closed().await;
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_has_much_to_read_before_a_ping_has_time_for_it() {
    const SECOND: usize = 5 * 1024;
    const SECONDS: usize = 24;
    let config = WebSocketConfig::default()
        .ping_interval(SHORT)
        .ping_timeout(SHORT);
    let application = |mut connection: Connection<WebSocket>| async move {
        connection.send(Outbound::accept()).await?;
        // All of it fits into the system's buffers, and the ping behind it.
        let large = Frame::binary(vec![7; SECOND * SECONDS]);
        connection.send(large.into()).await?;
        while connection.receive().await.is_some() {}
        Ok(())
    };
    let config = ServerConfig::default().websocket(config);
    let served = Served::start_unix(Server::new(config).websocket(application)).await;
    let mut frames = Frames::open(&served, "/").await;
    let start = Instant::now();

    for _ in 0..SECONDS - 2 {
        sleep(Duration::from_secs(1)).await;
        frames.wire.sip(SECOND).await;
    }

    assert!(start.elapsed() > SHORT * 3);
    assert_eq!(frames.next().await.payload.len(), SECOND * SECONDS);
    assert_eq!(frames.next().await.first, FIN | PING);
    frames.send(FIN | PONG, "").await;
    frames.leave().await;
    served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_behind_more_than_is_read_of_it_is_noticed() {
    let config = WebSocketConfig::default()
        .ping_interval(None)
        .max_unread(1_000);
    let mut busy = Busy::start(config).await;
    let (mut frames, closed) = busy.open("/").await;
    for _ in 0..20 {
        frames.send(FIN | TEXT, [b'x'; 1_000]).await;
    }
    sleep(SHORT).await;
    assert!(!closed.is_closed());

    drop(frames);

    soon(closed).await;
    busy.go_on.add_permits(1_000);
    loop {
        match busy.report().await {
            Report::End(close) => break assert_eq!(close.code.as_u16(), 1006),
            Report::Working(_) | Report::Answered(_) => {}
        }
    }
    busy.served.end().await;
}
