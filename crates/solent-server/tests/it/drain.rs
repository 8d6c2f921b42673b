//! The end of a server: nobody is cut off who can be waited for, and nobody is waited for without end.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::StatusCode;
use solent_server::{DrainConfig, Server, ServerConfig, WebSocketConfig};
use solent_spec::{
    Connection, Http, RequestScope, Result, SendError, WebSocket,
    http::{Inbound, Outbound, ResponseStart},
    websocket::{self, CloseCode, Frame},
};
use solent_test_servers::Log;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{Instant, advance, sleep},
};

use super::{
    frames::{CLOSE, FIN, Frames, handshake},
    served::{Served, nobody_listens, soon},
    wire::get,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Beyond the deadline: what handlers of `disconnect` get, twice, and the steps of the clock.
const LAST_WORDS: Duration = Duration::from_secs(3);

fn config() -> ServerConfig {
    let websocket = WebSocketConfig::default().close_timeout(Duration::from_secs(2));
    ServerConfig::default()
        .websocket(websocket)
        .drain(DrainConfig::default().deadline(DEADLINE))
}

/// Counts itself for as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// An HTTP application that answers `/` at once and everything else once it is told to.
#[derive(Clone, Default)]
struct Gate(Arc<Notify>);

impl Gate {
    async fn answer(self, mut connection: Connection<Http>) -> Result {
        match connection.scope().path() {
            "/" => {
                connection.send(Outbound::text("at once")).await?;
            }
            "/stream" => {
                connection.send(Outbound::start(StatusCode::OK)).await?;
                connection.send(Outbound::chunk("before")).await?;
                self.0.notified().await;
                let (data, more) = ("after".into(), false);
                connection.send(Outbound::Body { data, more }).await?;
            }
            "/upload" => {
                let mut length = 0;
                while let Some(Inbound::Body { data, more }) = connection.receive().await {
                    length += data.len();
                    if !more {
                        break;
                    }
                }
                connection.send(Outbound::text(length.to_string())).await?;
            }
            _ => {
                self.0.notified().await;
                connection.send(Outbound::text("at last")).await?;
            }
        }
        Ok(())
    }

    fn server(&self) -> Server {
        self.server_with(config().drain)
    }

    fn server_with(&self, drain: DrainConfig) -> Server {
        let gate = self.clone();
        Server::new(config().drain(drain)).http(move |connection| gate.clone().answer(connection))
    }
}

/// What became of a socket's application, by the path of its socket.
type Ends = mpsc::UnboundedReceiver<(String, Option<u16>)>;

/// Tells what became of an application: a code it received, or `None` if it was dropped without one.
struct Report {
    path: String,
    code: Option<u16>,
    to: mpsc::UnboundedSender<(String, Option<u16>)>,
}

impl Drop for Report {
    fn drop(&mut self) {
        let _ = self.to.send((std::mem::take(&mut self.path), self.code));
    }
}

/// Receives until the end; `/stuck` never comes back from its first message, `/leaving` closes by itself.
async fn member(mut connection: Connection<WebSocket>, mut report: Report) -> Result {
    connection.send(websocket::Outbound::accept()).await?;
    while let Some(event) = connection.receive().await {
        match event {
            websocket::Inbound::Message(_) if report.path == "/stuck" => pending().await,
            websocket::Inbound::Message(_) if report.path == "/leaving" => {
                connection.send(websocket::Outbound::close()).await?;
            }
            websocket::Inbound::Message(frame) => {
                // May come too late, which is no reason not to wait for the end.
                let _ = connection.send(frame.into()).await;
            }
            websocket::Inbound::Disconnect(close) => {
                assert_eq!(report.code, None, "a second disconnect");
                report.code = Some(close.code.as_u16());
            }
            websocket::Inbound::Connect => {}
        }
    }
    Ok(())
}

fn members(config: ServerConfig) -> (Server, Ends) {
    let (tx, ends) = mpsc::unbounded_channel();
    let server = Server::new(config).websocket(move |connection: Connection<WebSocket>| {
        let report = Report {
            path: connection.scope().path().to_owned(),
            code: None,
            to: tx.clone(),
        };
        member(connection, report)
    });
    (server, ends)
}

/// Waits until nobody listens any more.
async fn stops_accepting(served: &Served) {
    soon(async { while served.try_connect().await.is_some() {} }).await;
}

/// Every end, by path; the server is gone, so there will be no more.
fn all(mut ends: Ends) -> BTreeMap<String, Vec<Option<u16>>> {
    let mut by_path = BTreeMap::<_, Vec<_>>::new();
    while let Ok((path, code)) = ends.try_recv() {
        by_path.entry(path).or_default().push(code);
    }
    by_path
}

#[tokio::test]
async fn accepting_stops_at_every_place_while_requests_go_on() {
    let gate = Gate::default();
    let loopback = "127.0.0.1:0".parse().unwrap();
    let served = Served::start(gate.server().and_bind(loopback)).await;
    let mut waiting = served.ask(get("/wait")).await;
    assert_eq!(served.ask(get("/")).await.response().await.status, 200);

    served.stop();

    stops_accepting(&served).await;
    for addr in served.addresses() {
        nobody_listens(addr.to_string().parse().unwrap()).await;
    }
    gate.0.notify_waiters();
    assert_eq!(waiting.response().await.text(), "at last");
    served.result().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_answered_and_then_their_connections_end() {
    let gate = Gate::default();
    let served = Served::start_unix(gate.server()).await;
    let mut waiting = served.ask(get("/wait")).await;
    let mut streaming = served.ask(get("/stream")).await;
    assert_eq!(streaming.head().await.0, 200);
    assert_eq!(streaming.chunk().await.as_deref(), Some(&b"before"[..]));
    let upload = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234";
    let mut uploading = served.ask(upload).await;
    let mut idle = served.ask(get("/")).await;
    assert_eq!(idle.response().await.header("connection"), None);
    let mut silent = served.connect().await;

    served.stop();

    // Nothing is expected of these two.
    idle.is_closed().await;
    silent.is_closed().await;
    uploading.send("56789").await;
    let response = uploading.response().await;
    assert_eq!((response.status, response.text()), (200, "10"));
    assert_eq!(response.header("connection"), Some("close"));
    uploading.is_closed().await;
    gate.0.notify_waiters();
    let response = waiting.response().await;
    assert_eq!((response.status, response.text()), (200, "at last"));
    assert_eq!(response.header("connection"), Some("close"));
    waiting.is_closed().await;
    assert_eq!(streaming.chunk().await.as_deref(), Some(&b"after"[..]));
    assert_eq!(streaming.chunk().await, None);
    assert_eq!(streaming.rest().await, b"\r\n");
    served.result().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_up_when_the_process_stood_still_amid_the_drain() {
    let gate = Gate::default();
    let served = Served::start_unix(gate.server()).await;
    let mut waiting = served.ask(get("/wait")).await;
    let mut streaming = served.ask(get("/stream")).await;
    assert_eq!(streaming.head().await.0, 200);
    assert_eq!(streaming.chunk().await.as_deref(), Some(&b"before"[..]));
    served.stop();
    stops_accepting(&served).await;

    for _ in 0..2 {
        advance(DEADLINE * 5).await;
        sleep(Duration::from_millis(200)).await;
    }

    gate.0.notify_waiters();
    assert_eq!(waiting.response().await.status, 200);
    assert_eq!(streaming.chunk().await.as_deref(), Some(&b"after"[..]));
    served.result().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handshake_during_the_drain_is_503() {
    let gate = Gate::default();
    let server = gate.server().websocket(async |_| panic!("nobody asks it"));
    let served = Served::start_unix(server).await;
    let request = handshake("/", "");
    let (start, end) = request.split_at(request.len() / 2);
    let mut late = served.ask(start).await;
    let mut waiting = served.ask(get("/wait")).await;
    // Whoever came before has been listened to by now.
    assert_eq!(served.ask(get("/")).await.response().await.status, 200);
    served.stop();
    stops_accepting(&served).await;

    late.send(end).await;

    let response = late.response().await;
    assert_eq!(response.status, 503);
    assert_eq!(response.header("connection"), Some("close"));
    late.is_closed().await;
    gate.0.notify_waiters();
    assert_eq!(waiting.response().await.status, 200);
    served.result().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handshake_that_is_accepted_during_the_drain_is_503_as_well() {
    let gate = Arc::new(Notify::new());
    let (tx, mut ends) = mpsc::unbounded_channel();
    let go_on = Arc::clone(&gate);
    let application = move |mut connection: Connection<WebSocket>| {
        let (go_on, tx) = (Arc::clone(&go_on), tx.clone());
        async move {
            tx.send(None)?;
            go_on.notified().await;
            connection.send(websocket::Outbound::accept()).await?;
            let hello = connection.send(Frame::text("too late").into()).await;
            assert!(matches!(hello, Err(SendError::Closed)), "{hello:?}");
            while let Some(event) = connection.receive().await {
                tx.send(Some(event))?;
            }
            Ok(())
        }
    };
    let served = Served::start_unix(Server::new(config()).websocket(application)).await;
    let mut wire = served.ask(handshake("/", "")).await;
    assert_eq!(soon(ends.recv()).await, Some(None));
    served.stop();
    stops_accepting(&served).await;

    gate.notify_waiters();

    assert_eq!(wire.response().await.status, 503);
    wire.is_closed().await;
    served.result().await.unwrap();
    let disconnect = websocket::Inbound::Disconnect(CloseCode::GOING_AWAY.into());
    let received: Vec<_> = std::iter::from_fn(|| ends.try_recv().ok().flatten()).collect();
    assert_eq!(received, [disconnect]);
}

/// How long after the stop each of so many sockets is closed, in order.
async fn closes(count: usize, drain: DrainConfig) -> Vec<Duration> {
    let (server, ends) = members(config().drain(drain));
    let served = Served::start_unix(server).await;
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(Frames::open(&served, "/").await);
    }
    let start = Instant::now();
    let mut clients: JoinSet<_> = sockets
        .into_iter()
        .map(|mut frames| async move {
            assert_eq!(frames.next().await.close_code(), 1001);
            let closed = start.elapsed();
            frames.close(1001, "").await;
            closed
        })
        .collect();

    served.stop();

    let mut times = Vec::new();
    while let Some(closed) = clients.join_next().await {
        times.push(closed.unwrap());
    }
    served.result().await.unwrap();
    assert_eq!(all(ends)["/"], vec![Some(1001); count]);
    times.sort();
    times
}

#[tokio::test(start_paused = true)]
async fn closing_is_spread_over_its_time() {
    let spread = Duration::from_millis(400);

    let times = closes(300, DrainConfig::default().spread(spread)).await;

    let last = times[299];
    assert!(last > spread / 2 && last < spread * 2, "{last:?}");
    let at_once = times.iter().filter(|time| **time < spread / 4).count();
    assert!((1..150).contains(&at_once), "{at_once} at once");
}

#[tokio::test(start_paused = true)]
async fn few_sockets_are_closed_sooner() {
    let spread = Duration::from_secs(5);

    let times = closes(100, DrainConfig::default().spread(spread)).await;

    assert!(times[99] < spread / 5, "{:?}", times[99]);
}

#[tokio::test(start_paused = true)]
async fn spread_that_is_longer_than_the_deadline_cuts_nobody_off() {
    let drain = DrainConfig::default()
        .spread(Duration::from_secs(5))
        .deadline(Duration::from_millis(400));

    let times = closes(300, drain).await;

    assert!(times[299] < Duration::from_millis(400), "{:?}", times[299]);
}

#[tokio::test(start_paused = true)]
async fn every_socket_is_disconnected_exactly_once_whatever_its_client_does() {
    let mut config = config();
    config.drain = config.drain.applications(DEADLINE);
    let (server, ends) = members(config);
    let served = Served::start_unix(server).await;
    let mut polite = Frames::open(&served, "/polite").await;
    let mut mute = Frames::open(&served, "/mute").await;
    let gone = Frames::open(&served, "/gone").await;
    let mut closing = Frames::open(&served, "/closing").await;
    let mut leaving = Frames::open(&served, "/leaving").await;
    let mut busy = Frames::open(&served, "/busy").await;
    let mut stuck = Frames::open(&served, "/stuck").await;
    let start = Instant::now();
    stuck.text("one").await;
    // One has begun to close, the application of another one has, and one has something under way.
    leaving.text("go").await;
    assert_eq!(leaving.next().await.close_code(), 1000);
    closing.close(4000, "").await;
    assert_eq!(closing.next().await.close_code(), 4000);
    busy.text("ping").await;
    assert_eq!(busy.next().await.payload, b"ping");
    busy.text("too late").await;

    served.stop();
    drop(gone);
    leaving.close(1000, "").await;
    assert_eq!(polite.next().await.close_code(), 1001);
    polite.close(1001, "").await;
    assert_eq!(mute.next().await.close_code(), 1001);
    while busy.next().await.first != FIN | CLOSE {}
    busy.close(1001, "").await;
    assert_eq!(stuck.next().await.close_code(), 1001);
    drop((polite, leaving, busy, closing));
    served.result().await.unwrap();

    let took = start.elapsed();
    assert!(
        (DEADLINE..DEADLINE + LAST_WORDS).contains(&took),
        "{took:?}"
    );
    let ends = all(ends);
    let expected = [
        ("/busy", vec![Some(1001)]),
        ("/closing", vec![Some(4000)]),
        ("/leaving", vec![Some(1000)]),
        ("/mute", vec![Some(1001)]),
        ("/polite", vec![Some(1001)]),
        // It never asked; it was dropped, once, so that its guards have run.
        ("/stuck", vec![None]),
    ];
    for (path, expected) in expected {
        assert_eq!(ends[path], expected, "{path}");
    }
    // Whether its end or the server's was first is a matter of luck.
    assert!(
        [vec![Some(1006)], vec![Some(1001)]].contains(&ends["/gone"]),
        "{:?}",
        ends["/gone"]
    );
    assert_eq!(ends.len(), 7);
    drop((mute, stuck));
}

#[tokio::test(start_paused = true)]
async fn application_that_goes_on_sending_is_told_that_it_is_over() {
    let (tx, mut errors) = mpsc::unbounded_channel();
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            connection.send(websocket::Outbound::accept()).await?;
            loop {
                if let Err(error) = connection.send(Frame::text("tick").into()).await {
                    tx.send(error)?;
                    return Ok(());
                }
                sleep(Duration::from_millis(500)).await;
            }
        }
    };
    let served = Served::start_unix(Server::new(config()).websocket(application)).await;
    let mut frames = Frames::open(&served, "/").await;
    assert_eq!(frames.next().await.payload, b"tick");

    served.stop();

    let close = loop {
        let frame = frames.next().await;
        if frame.payload != b"tick" {
            break frame;
        }
    };
    assert_eq!(close.close_code(), 1001);
    frames.close(1001, "").await;
    frames.wire.is_closed().await;
    drop(frames);
    served.result().await.unwrap();
    assert!(matches!(errors.try_recv(), Ok(SendError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn deadline_gives_up_on_applications_that_are_stuck() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (http, websocket) = (Arc::clone(&alive), Arc::clone(&alive));
    let server = Server::new(config())
        .http(move |mut connection: Connection<Http>| {
            let counted = Counted::new(&http);
            async move {
                let _counted = counted;
                if connection.scope().path() == "/rest" {
                    connection.send(Outbound::text("answered")).await?;
                }
                pending().await
            }
        })
        .websocket(move |mut connection: Connection<WebSocket>| {
            let counted = Counted::new(&websocket);
            async move {
                let _counted = counted;
                if connection.scope().path() == "/accepted" {
                    connection.send(websocket::Outbound::accept()).await?;
                }
                pending().await
            }
        });
    let served = Served::start_unix(server).await;
    let mut unanswered = served.ask(get("/")).await;
    let mut answered = served.ask(get("/rest")).await;
    assert_eq!(answered.response().await.text(), "answered");
    let mut accepted = Frames::open(&served, "/accepted").await;
    let mut connecting = served.ask(handshake("/", "")).await;
    soon(async {
        while alive.load(Relaxed) < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let start = Instant::now();

    served.stop();
    served.result().await.unwrap();

    let took = start.elapsed();
    assert!(
        (DEADLINE..DEADLINE + LAST_WORDS).contains(&took),
        "{took:?}"
    );
    unanswered.is_closed().await;
    answered.is_closed().await;
    assert_eq!(accepted.next().await.close_code(), 1001);
    accepted.wire.is_closed().await;
    // The handshake has a time-out of its own, which is as long.
    connecting.rest().await;
    assert_eq!(alive.load(Relaxed), 0, "every application has ended");
}

#[tokio::test(start_paused = true)]
async fn application_that_needs_its_time_after_the_disconnect_gets_it() {
    let (tx, mut cleaned) = mpsc::unbounded_channel();
    let application = move |mut connection: Connection<WebSocket>| {
        let tx = tx.clone();
        async move {
            connection.send(websocket::Outbound::accept()).await?;
            while connection.receive().await.is_some() {}
            sleep(DEADLINE / 2).await;
            tx.send(())?;
            Ok(())
        }
    };
    let served = Served::start_unix(Server::new(config()).websocket(application)).await;
    let mut frames = Frames::open(&served, "/").await;

    served.stop();
    assert_eq!(frames.next().await.close_code(), 1001);
    frames.close(1001, "").await;
    drop(frames);
    served.result().await.unwrap();

    assert_eq!(cleaned.try_recv(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn second_stop_changes_nothing() {
    let gate = Gate::default();
    let served = Served::start_unix(gate.server()).await;
    let mut waiting = served.ask(get("/wait")).await;
    assert_eq!(served.ask(get("/")).await.response().await.status, 200);

    served.stop();
    stops_accepting(&served).await;
    served.stop();

    gate.0.notify_waiters();
    assert_eq!(waiting.response().await.text(), "at last");
    let handle = served.handle();
    served.result().await.unwrap();
    handle.stop();
}

#[tokio::test]
async fn server_that_is_stopped_before_it_is_awaited_ends_at_once() {
    let gate = Gate::default();
    let bound = gate.server().bind("127.0.0.1:0".parse().unwrap()).await;
    let bound = bound.unwrap();

    bound.handle().stop();

    soon(bound.into_future()).await.unwrap();
}

#[tokio::test]
async fn server_stops_on_a_signal_of_any_kind() {
    let gate = Gate::default();
    let bound = gate.server().bind("127.0.0.1:0".parse().unwrap()).await;
    let signal = Arc::new(Notify::new());
    let given = Arc::clone(&signal);
    let bound = bound
        .unwrap()
        .stop_on(async move { given.notified().await });
    let serving = tokio::spawn(bound.into_future());

    signal.notify_one();

    soon(serving).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn request_that_is_not_answered_is_503_before_the_deadline() {
    let gate = Gate::default();
    let served = Served::start_unix(
        gate.server_with(DrainConfig::default().deadline(Duration::from_secs(60))),
    )
    .await;
    let mut waiting = served.ask(get("/wait")).await;
    assert_eq!(served.ask(get("/")).await.response().await.status, 200);
    let start = Instant::now();

    served.stop();

    let response = waiting.response().await;
    assert_eq!(response.status, 503);
    assert!(response.header("retry-after").is_some());
    assert_eq!(response.header("connection"), Some("close"));
    waiting.is_closed().await;
    // An application that does not look at its connection goes on until it ends by itself, or the deadline has come.
    gate.0.notify_waiters();
    served.result().await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn stream_without_an_end_is_cut_after_its_own_grace() {
    let gate = Gate::default();
    let drain = DrainConfig::default().streams(Duration::from_secs(2));
    let served = Served::start_unix(gate.server_with(drain)).await;
    let mut streaming = served.ask(get("/stream")).await;
    streaming.head().await;
    assert_eq!(streaming.chunk().await.as_deref(), Some(&b"before"[..]));
    let start = Instant::now();

    served.stop();

    // No last chunk: nobody takes the stream for whole.
    streaming.is_closed().await;
    gate.0.notify_waiters();
    served.result().await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn download_with_a_length_goes_on_until_it_is_whole() {
    let go_on = Arc::new(Notify::new());
    let application = {
        let go_on = Arc::clone(&go_on);
        move |mut connection: Connection<Http>| {
            let go_on = Arc::clone(&go_on);
            async move {
                let length = http::HeaderValue::from_static("10");
                let start = http::header::CONTENT_LENGTH;
                let start = ResponseStart::new(StatusCode::OK).header(start, length);
                connection.send(start.into()).await?;
                connection.send(Outbound::chunk("first")).await?;
                go_on.notified().await;
                connection.send(Outbound::end("after")).await?;
                Ok(())
            }
        }
    };
    let drain = DrainConfig::default()
        .streams(Duration::from_secs(1))
        .requests(Duration::ZERO);
    let config = ServerConfig::default().drain(drain);
    let served = Served::start_unix(Server::new(config).http(application)).await;
    let mut wire = served.ask(get("/")).await;
    wire.head().await;
    assert_eq!(wire.take(5).await, b"first");

    served.stop();
    sleep(Duration::from_secs(5)).await;
    go_on.notify_one();

    assert_eq!(wire.take(5).await, b"after");
    wire.is_closed().await;
    served.result().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn application_that_waits_for_the_drain_ends_its_response_itself() {
    let application = async |mut connection: Connection<Http>| {
        let draining = connection.scope().link().draining();
        assert!(!draining.is_draining());
        connection.send(Outbound::start(StatusCode::OK)).await?;
        connection.send(Outbound::chunk("before")).await?;
        draining.await;
        assert!(connection.scope().link().draining().is_draining());
        connection.send(Outbound::end("bye")).await?;
        Ok(())
    };
    let served = Served::start_unix(Server::new(config()).http(application)).await;
    let mut wire = served.ask(get("/")).await;
    wire.head().await;
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"before"[..]));
    let start = Instant::now();

    served.stop();

    assert_eq!(wire.chunk().await.as_deref(), Some(&b"bye"[..]));
    assert_eq!(wire.chunk().await, None);
    served.result().await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn applications_that_ignore_their_end_do_not_hold_up_the_drain() {
    let log = Log::new();
    let socket = async |mut connection: Connection<WebSocket>| {
        connection.receive().await;
        connection.send(websocket::Outbound::accept()).await?;
        pending().await
    };
    let page = async |mut connection: Connection<Http>| {
        connection.send(Outbound::text("done")).await?;
        pending().await
    };
    let config = ServerConfig::default();
    let server = Server::new(config).websocket(socket).http(page);
    let served = Served::start_unix(server).await;
    let mut wire = served.ask(get("/page")).await;
    assert_eq!(wire.response().await.text(), "done");
    let mut frames = Frames::open(&served, "/socket").await;
    let start = Instant::now();

    served.stop();
    assert_eq!(frames.next().await.close_code(), 1001);
    frames.close(1001, "").await;
    drop((wire, frames));
    served.result().await.unwrap();

    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
    let log = log.text();
    let given_up = "did not end, the drain does not wait for it";
    assert_eq!(log.matches(given_up).count(), 2, "{log}");
    assert!(
        log.contains("path=\"/page\"") && log.contains("path=\"/socket\""),
        "{log}"
    );
}
