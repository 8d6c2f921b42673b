//! Clients that do not read: what waits for them is bounded, is let go, and concerns nobody else.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use solent_server::{HttpLimits, Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Connection, Http, RequestScope, Result, SendError, WebSocket, http as exchange,
    websocket::{Frame, FrameSinkHandle, Inbound, Outbound, SharedFrame, SinkRefusal, WireVariant},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    frames::{BINARY, FIN, Frames, PING, PONG, RawFrame, TEXT, masked},
    served::{Place, Served, soon},
    wire::get,
};

/// Bytes of a message; so large that the server sends it from where it lies.
const SIZE: usize = 16 * 1024;

/// More messages than any socket's buffers hold.
const MANY: usize = 200;

/// Messages of an application's own that may wait before the application has to: 64 KiB, the one that makes it more, and one
/// that is half written.
const HELD: usize = 64 * 1024 / SIZE + 2;

const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes whose holders can be counted.
#[derive(Clone)]
struct Tracked(Arc<Vec<u8>>);

impl Tracked {
    fn new() -> Self {
        Self(Arc::new(vec![7; SIZE]))
    }

    /// The same as a frame on the wire.
    fn wire() -> Self {
        let mut bytes = vec![FIN | BINARY, 126];
        bytes.extend((SIZE as u16).to_be_bytes());
        bytes.extend([7; SIZE]);
        Self(Arc::new(bytes))
    }

    fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }

    /// Pieces that have not been let go.
    fn held(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What an application tells of.
enum Report {
    Sink(FrameSinkHandle),
    /// All messages have been sent.
    Sent,
    /// No more can be sent, and why.
    Failed(SendError),
    End(u16),
}

struct Slow {
    served: Served,
    reports: mpsc::UnboundedReceiver<Report>,
    /// What `/flood` and `/close` send.
    tracked: Tracked,
}

/// Does what its path says, and then receives until the end, echoing text.
async fn application(
    mut connection: Connection<WebSocket>,
    reports: mpsc::UnboundedSender<Report>,
    tracked: Tracked,
) -> Result {
    let path = connection.scope().path().to_owned();
    connection.send(Outbound::accept()).await?;
    match path.as_str() {
        "/flood" => reports.send(flood(&mut connection, &tracked).await)?,
        "/busy" => {
            connection.feed(Frame::binary(vec![7; MANY * SIZE]).into())?;
            pending().await
        }
        "/close" => {
            for _ in 0..MANY {
                connection.feed(Frame::binary(tracked.bytes()).into())?;
            }
            connection.feed(Outbound::close())?;
        }
        _ => {
            let sink = connection.direct().ok_or("no frames from outside")?;
            reports.send(Report::Sink(sink))?;
        }
    }
    // What is not held here is held by the server.
    drop(tracked);
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(close) => reports.send(Report::End(close.code.as_u16()))?,
            Inbound::Connect => {}
        }
    }
    Ok(())
}

async fn flood(connection: &mut Connection<WebSocket>, tracked: &Tracked) -> Report {
    for _ in 0..MANY {
        let frame = Frame::binary(tracked.bytes());
        if let Err(error) = connection.send(frame.into()).await {
            return Report::Failed(error);
        }
    }
    Report::Sent
}

impl Slow {
    async fn start() -> Self {
        Self::start_with(WebSocketConfig::default()).await
    }

    async fn start_with(config: WebSocketConfig) -> Self {
        let (tx, reports) = mpsc::unbounded_channel();
        let tracked = Tracked::new();
        let content = Arc::downgrade(&tracked.0);
        let config = config.write_timeout(WRITE_TIMEOUT).ping_interval(None);
        let config = ServerConfig::default().websocket(config);
        let server = Server::new(config).websocket(move |connection| {
            let tracked = content.upgrade().map(Tracked);
            let tracked = tracked.unwrap_or_else(Tracked::new);
            application(connection, tx.clone(), tracked)
        });
        let served = Served::start_unix(server).await;
        Self {
            served,
            reports,
            tracked,
        }
    }

    async fn open(&self, path: &str) -> Frames {
        Frames::open(&self.served, path).await
    }

    async fn report(&mut self) -> Report {
        soon(self.reports.recv()).await.unwrap()
    }

    async fn sink(&mut self) -> FrameSinkHandle {
        match self.report().await {
            Report::Sink(sink) => sink,
            _ => panic!("expected a sink"),
        }
    }

    async fn ends_with(&mut self, code: u16) {
        match self.report().await {
            Report::End(end) => assert_eq!(end, code),
            _ => panic!("expected the end"),
        }
    }
}

/// Until everything that can happen without a client has happened; the clock is paused.
async fn settle() {
    sleep(Duration::from_secs(1)).await;
}

fn message() -> RawFrame {
    RawFrame::whole(BINARY, [7; SIZE])
}

#[tokio::test(start_paused = true)]
async fn application_waits_for_a_client_that_does_not_read() {
    let mut slow = Slow::start().await;
    let mut frames = slow.open("/flood").await;

    settle().await;
    let held = slow.tracked.held();
    // One is the application's own.
    assert!((2..=HELD + 1).contains(&held), "{held}");
    assert!(slow.reports.try_recv().is_err(), "it waits");

    for _ in 0..MANY {
        assert_eq!(frames.next().await, message());
    }
    assert!(matches!(slow.report().await, Report::Sent));
    assert_eq!(slow.tracked.held(), 0);
    frames.leave().await;
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_reads_nothing_is_cut_and_its_output_let_go() {
    let mut slow = Slow::start().await;
    let start = Instant::now();
    let mut frames = slow.open("/flood").await;

    let failed = slow.report().await;

    assert!(matches!(failed, Report::Failed(SendError::Closed)));
    let took = start.elapsed();
    let second = Duration::from_secs(1);
    assert!(
        (WRITE_TIMEOUT - second..=WRITE_TIMEOUT + 2 * second).contains(&took),
        "{took:?}"
    );
    slow.ends_with(1006).await;
    assert_eq!(slow.tracked.held(), 0);
    // What it can still read is what its socket has.
    let rest = frames.wire.rest().await;
    assert!(rest.len() < MANY * SIZE, "{}", rest.len());
    drop(frames);
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_reads_now_and_then_is_waited_for() {
    let slow = Slow::start().await;
    // All of it is queued at once, so that no sip empties the queue.
    let mut frames = slow.open("/busy").await;
    let start = Instant::now();

    for _ in 0..8 {
        sleep(WRITE_TIMEOUT * 2 / 5).await;
        frames.wire.sip(MANY * SIZE / 10).await;
    }

    assert!(start.elapsed() > WRITE_TIMEOUT * 3);
    let payload = frames.next().await.payload;
    assert!(payload == vec![7; MANY * SIZE]);
    drop(frames);
}

#[tokio::test(start_paused = true)]
async fn client_that_has_caught_up_is_left_in_peace() {
    let mut slow = Slow::start().await;
    let mut frames = slow.open("/flood").await;
    settle().await;
    for _ in 0..MANY {
        assert_eq!(frames.next().await, message());
    }
    assert!(matches!(slow.report().await, Report::Sent));

    sleep(WRITE_TIMEOUT * 3).await;

    frames.text("still here").await;
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "still here"));
    frames.leave().await;
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_concerns_nobody_else() {
    let mut slow = Slow::start().await;
    let flooded = slow.open("/flood").await;
    let mut other = slow.open("/").await;
    let _sink = slow.sink().await;
    settle().await;
    assert!(slow.tracked.held() > 1, "it does not wait");

    for _ in 0..5 {
        other.text("still there?").await;
        assert_eq!(other.next().await, RawFrame::whole(TEXT, "still there?"));
    }

    other.leave().await;
    slow.ends_with(1000).await;
    drop(flooded);
    assert!(matches!(
        slow.report().await,
        Report::Failed(SendError::Closed)
    ));
    slow.ends_with(1006).await;
    slow.served.end().await;
}

/// Sends ready frames until no more are taken; how many were.
async fn fill(sink: &FrameSinkHandle, wire: &Tracked) -> usize {
    let mut taken = 0;
    loop {
        let frame = SharedFrame::new(Frame::binary(vec![7; SIZE]));
        frame.wire(WireVariant::Plain, |_| wire.bytes());
        match sink.send_frame(&frame) {
            Ok(()) => taken += 1,
            Err(SinkRefusal::Full) => {
                drop(frame);
                let before = wire.held();
                settle().await;
                if wire.held() == before {
                    return taken;
                }
            }
            Err(refusal) => panic!("{refusal}"),
        }
        assert!(taken < 10 * MANY, "whatever is sent is taken");
    }
}

#[tokio::test(start_paused = true)]
async fn ready_frames_are_refused_over_the_limit_and_taken_again_below_it() {
    const UNSENT: usize = 256 * 1024;
    let mut slow = Slow::start_with(WebSocketConfig::default().max_unsent(UNSENT)).await;
    let mut frames = slow.open("/").await;
    let sink = slow.sink().await;
    let mut other = slow.open("/").await;
    let others_sink = slow.sink().await;
    let wire = Tracked::wire();

    let taken = fill(&sink, &wire).await;

    let held = wire.held() * wire.0.len();
    assert!(
        (UNSENT..=UNSENT + 2 * wire.0.len()).contains(&held),
        "{held}"
    );
    // The rest of the room goes on.
    others_sink.send_frame(&Frame::text("news").into()).unwrap();
    assert_eq!(other.next().await, RawFrame::whole(TEXT, "news"));
    // It reads again: what was taken comes, all of it and nothing else, and then what follows.
    for _ in 0..taken {
        assert_eq!(frames.next().await, message());
    }
    assert_eq!(wire.held(), 0);
    sink.send_frame(&Frame::text("news").into()).unwrap();
    assert_eq!(frames.next().await, RawFrame::whole(TEXT, "news"));
    frames.leave().await;
    assert_eq!(
        sink.send_frame(&Frame::text("late").into()),
        Err(SinkRefusal::Closed)
    );
    other.leave().await;
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn ready_frames_for_a_client_that_reads_nothing_are_let_go() {
    let mut slow = Slow::start().await;
    let frames = slow.open("/").await;
    let sink = slow.sink().await;
    let wire = Tracked::wire();
    fill(&sink, &wire).await;
    assert!(wire.held() > 0);

    slow.ends_with(1006).await;

    assert_eq!(wire.held(), 0);
    let late = SharedFrame::new(Frame::text("late"));
    assert_eq!(sink.send_frame(&late), Err(SinkRefusal::Closed));
    drop(frames);
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn application_that_is_busy_elsewhere_holds_no_output_up() {
    let slow = Slow::start().await;

    let mut frames = slow.open("/busy").await;

    let payload = frames.next().await.payload;
    assert!(payload == vec![7; MANY * SIZE]);
    drop(frames);
}

#[tokio::test(start_paused = true)]
async fn close_behind_output_that_is_not_read_has_its_time_out_too() {
    let close_timeout = Duration::from_secs(3);
    let config = WebSocketConfig::default().close_timeout(close_timeout);
    let mut slow = Slow::start_with(config).await;
    let start = Instant::now();

    let mut frames = slow.open("/close").await;

    slow.ends_with(1006).await;
    let took = start.elapsed();
    assert!(took < close_timeout + Duration::from_secs(2), "{took:?}");
    assert_eq!(slow.tracked.held(), 0);
    assert!(frames.wire.rest().await.len() < MANY * SIZE);
    drop(frames);
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn close_arrives_behind_output_that_is_read_late() {
    let mut slow = Slow::start().await;
    let mut frames = slow.open("/close").await;
    settle().await;

    for _ in 0..MANY {
        assert_eq!(frames.next().await, message());
    }

    assert_eq!(frames.next().await.close_code(), 1000);
    frames.close(1000, "").await;
    frames.wire.is_closed().await;
    slow.ends_with(1000).await;
    drop(frames);
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn pings_that_are_not_waited_for_pile_nothing_up() {
    const PINGS: usize = 20_000;
    let config = WebSocketConfig::default().control_frames(usize::MAX);
    let mut slow = Slow::start_with(config).await;
    let mut frames = slow.open("/").await;
    let _sink = slow.sink().await;

    // RFC 6455 §5.5.3 leaves it open whether each one is answered.
    let pings = masked(FIN | PING, [b'x'; 125]).repeat(PINGS / 100);
    for _ in 0..100 {
        frames.wire.send(&pings).await;
    }
    settle().await;

    frames.send(FIN | PING, "latest").await;
    let mut pongs = 0;
    loop {
        let pong = frames.next().await;
        assert_eq!(pong.first, FIN | PONG);
        pongs += 1;
        if pong.payload == b"latest" {
            break;
        }
    }
    assert!((1..PINGS / 2).contains(&pongs), "{pongs}");
    frames.send(FIN | PING, "again").await;
    assert_eq!(frames.next().await, RawFrame::whole(PONG, "again"));
    frames.leave().await;
    slow.served.end().await;
}

#[tokio::test(start_paused = true)]
async fn response_that_is_not_read_is_held_in_part_and_let_go() {
    let (tx, mut failed) = mpsc::unbounded_channel();
    let tracked = Tracked::new();
    let content = tracked.clone();
    let limits = HttpLimits::default().write_timeout(WRITE_TIMEOUT);
    let server = Server::new(ServerConfig::default().http(limits));
    let served = Served::start_unix(server.http(move |mut connection: Connection<Http>| {
        let (tx, content) = (tx.clone(), content.clone());
        async move {
            let start = exchange::Outbound::start(StatusCode::OK);
            connection.send(start).await?;
            for _ in 0..MANY {
                let chunk = exchange::Outbound::chunk(content.bytes());
                if let Err(error) = connection.send(chunk).await {
                    tx.send(error)?;
                    break;
                }
            }
            Ok(())
        }
    }))
    .await;
    let wire = served.ask(get("/")).await;

    settle().await;
    // The server's own copy, the application's, and what waits.
    let held = tracked.held();
    assert!((3..2 + 2 * HELD).contains(&held), "{held}");
    assert!(failed.try_recv().is_err(), "it waits");

    assert!(matches!(soon(failed.recv()).await, Some(SendError::Closed)));
    settle().await;
    assert_eq!(tracked.held(), 1, "only the server's own copy is left");
    drop(wire);
    served.end().await;
}

#[test]
fn downloads_that_are_not_read_hold_no_thread() {
    const SIZE: usize = 4 * 1024 * 1024;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let file = Place::new();
    std::fs::write(file.path(), vec![b'x'; SIZE]).unwrap();
    let path = file.path().to_owned();
    runtime.block_on(async {
        let application = move |mut connection: Connection<Http>| {
            let path = path.clone();
            async move {
                let start = exchange::Outbound::start(StatusCode::OK);
                connection.send(start).await?;
                connection.send(exchange::Outbound::PathSend(path)).await?;
                Ok(())
            }
        };
        let server = Server::new(ServerConfig::default()).http(application);
        let served = Served::start_unix(server).await;
        let mut slow = Vec::new();
        for _ in 0..8 {
            let mut wire = served.ask(get("/")).await;
            wire.sip(1024).await;
            slow.push(wire);
        }

        let other = tokio::task::spawn_blocking(|| "has its turn");

        assert_eq!(soon(other).await.unwrap(), "has its turn");
        for wire in &mut slow {
            assert_eq!(wire.response().await.body.len(), SIZE);
        }
        drop(slow);
        served.end().await;
    });
}
