use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use solent_consumers::{
    Group, HandlerPanicked, Json, NoEvents, SyncHttpConsumer, SyncHttpContext,
    SyncWebSocketConsumer, SyncWebSocketContext, disconnects_finished,
};
use solent_layer::DynLayer;
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    Application, RequestScope, Result,
    websocket::{Close, CloseCode, Frame},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::support::{Exchange, Log, Sent, Socket, settle};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum RoomEvent {
    #[serde(rename = "chat.message")]
    Message { message: String },
}

struct Chat {
    room: Group<RoomEvent>,
    log: Log,
}

impl SyncWebSocketConsumer for Chat {
    type Event = RoomEvent;
    type Input = Frame;

    fn connect(&mut self, cx: &mut SyncWebSocketContext<RoomEvent>) -> Result {
        assert_eq!(cx.scope().path(), "/ws/");
        cx.join(&self.room)?;
        cx.accept()
    }

    fn receive(&mut self, cx: &mut SyncWebSocketContext<RoomEvent>, frame: Frame) -> Result {
        match frame.as_text() {
            Some("fail") => Err("failed".into()),
            Some("panic") => panic!("asked to"),
            Some("close") => cx.close(CloseCode::NORMAL),
            Some(message) => {
                let message = message.to_owned();
                cx.send_to(&self.room, &RoomEvent::Message { message })?;
                Ok(())
            }
            None => cx.send(frame),
        }
    }

    fn event(&mut self, cx: &mut SyncWebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
        cx.send_json(event)?;
        cx.close(CloseCode::NORMAL)
    }

    fn disconnect(&mut self, _: &mut SyncWebSocketContext<RoomEvent>, close: Close) -> Result {
        self.log.add(format!("disconnect {close}"));
        Ok(())
    }
}

fn chat(log: &Log) -> impl Application<solent_spec::WebSocket> {
    let log = log.clone();
    Chat::application_with(move |_| {
        Ok(Chat {
            room: Group::new("room")?,
            log: log.clone(),
        })
    })
}

#[tokio::test]
async fn blocking_handlers_send_join_and_receive_events() {
    let memory = MemoryLayer::default();
    let layer = DynLayer::new(memory.clone());
    let (socket, log) = (Socket::new(), Log::default());
    socket.send(b"bytes".to_vec());
    socket.send("hi");
    let leaves = socket.clone();
    let application = chat(&log);
    let connection = socket.connection(Some(&layer));
    let task = tokio::spawn(async move { application.call(connection).await });

    let mut sent = Vec::new();
    while !sent.iter().any(|sent| matches!(sent, Sent::Close(..))) {
        tokio::task::yield_now().await;
        sent.extend(socket.take());
    }
    leaves.leave(CloseCode::NORMAL);
    task.await.unwrap().unwrap();

    assert_eq!(
        sent,
        [
            Sent::Accept(None, Vec::new()),
            Sent::Frame(Frame::binary(b"bytes".to_vec())),
            Sent::Frame(Frame::text(r#"{"type":"chat.message","message":"hi"}"#)),
            Sent::Close(1000, String::new()),
        ]
    );
    assert_eq!(log.entries(), ["disconnect 1000"]);
    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
}

#[tokio::test]
async fn blocking_handlers_that_fail_or_panic_disconnect_once() {
    let layer = DynLayer::new(MemoryLayer::default());
    for text in ["fail", "panic"] {
        let (socket, log) = (Socket::new(), Log::default());
        socket.send(text);

        let error = chat(&log)
            .call(socket.connection(Some(&layer)))
            .await
            .unwrap_err();

        assert_eq!(error.is::<HandlerPanicked>(), text == "panic");
        assert_eq!(log.entries(), ["disconnect 1011"]);
    }
}

#[tokio::test]
async fn blocking_handlers_of_several_connections_run_side_by_side() {
    struct Meets(Arc<Barrier>);
    impl SyncWebSocketConsumer for Meets {
        type Event = NoEvents;
        type Input = Frame;
        fn receive(&mut self, cx: &mut SyncWebSocketContext, _: Frame) -> Result {
            self.0.wait();
            cx.send("met")
        }
    }
    let barrier = Arc::new(Barrier::new(4));
    let application = Meets::application_with(move |_| Ok(Meets(Arc::clone(&barrier))));
    let sockets = [(); 4].map(|()| Socket::new());
    let tasks: Vec<_> = sockets
        .iter()
        .map(|socket| {
            socket.send("x");
            socket.leave(CloseCode::NORMAL);
            let (application, connection) = (application.clone(), socket.connection(None));
            tokio::spawn(async move { application.call(connection).await })
        })
        .collect();

    for task in tasks {
        task.await.unwrap().unwrap();
    }

    assert!(sockets.iter().all(|socket| socket.take_texts() == ["met"]));
}

#[tokio::test]
async fn blocking_handlers_of_one_connection_run_in_order() {
    struct Orders(Log);
    impl SyncWebSocketConsumer for Orders {
        type Event = NoEvents;
        type Input = Frame;
        fn receive(&mut self, cx: &mut SyncWebSocketContext, frame: Frame) -> Result {
            self.0.add(frame.as_text().unwrap_or_default());
            cx.send(frame)
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    expected.iter().for_each(|n| socket.send(n.as_str()));
    socket.leave(CloseCode::NORMAL);

    Orders::application_with(move |_| Ok(Orders(seen.clone())))
        .call(socket.connection(None))
        .await
        .unwrap();

    assert_eq!(log.entries(), expected);
    assert_eq!(socket.take_texts(), expected);
}

#[tokio::test]
async fn blocking_handler_that_outlives_its_task_is_followed_by_disconnect() {
    struct Waits {
        started: tokio::sync::mpsc::Sender<()>,
        go_on: mpsc::Receiver<()>,
        log: Log,
    }
    impl SyncWebSocketConsumer for Waits {
        type Event = NoEvents;
        type Input = Frame;
        fn receive(&mut self, cx: &mut SyncWebSocketContext, _: Frame) -> Result {
            self.started.blocking_send(())?;
            self.go_on.recv()?;
            let error = cx.send("too late").unwrap_err();
            self.log.add(error.to_string());
            Err(error)
        }
        fn disconnect(&mut self, _: &mut SyncWebSocketContext, close: Close) -> Result {
            self.log.add(format!("disconnect {close}"));
            Ok(())
        }
    }
    let (started, mut has_started) = tokio::sync::mpsc::channel(1);
    let (go, go_on) = mpsc::channel();
    let (socket, log) = (Socket::new(), Log::default());
    let consumer = Waits {
        started,
        go_on,
        log: log.clone(),
    };
    let consumer = std::sync::Mutex::new(Some(consumer));
    let application =
        Waits::application_with(move |_| Ok(consumer.lock().unwrap().take().unwrap()));
    let connection = socket.connection(None);
    let task = tokio::spawn(async move { application.call(connection).await });
    socket.send("x");
    has_started.recv().await.unwrap();

    task.abort();
    let _ = task.await;
    go.send(()).unwrap();
    disconnects_finished().await;

    assert_eq!(log.entries(), ["connection is closed", "disconnect 1006"]);
}

#[tokio::test]
async fn blocking_json_consumer_reads_json_and_refuses_the_rest() {
    #[derive(Default)]
    struct Doubles;
    impl SyncWebSocketConsumer for Doubles {
        type Input = Json<i64>;
        type Event = NoEvents;
        fn receive(&mut self, cx: &mut SyncWebSocketContext, Json(input): Json<i64>) -> Result {
            cx.send_json(&(input * 2))
        }
    }
    let socket = Socket::new();
    socket.send("21");
    socket.send("{");
    socket.leave(CloseCode::INVALID_DATA);

    Doubles::application()
        .call(socket.connection(None))
        .await
        .unwrap();

    let sent = socket.take();
    assert_eq!(sent[1], Sent::Frame(Frame::text("42")));
    assert!(matches!(sent[2], Sent::Close(1007, _)), "{sent:?}");
}

#[tokio::test]
async fn blocking_timer_reaches_its_consumer() {
    #[derive(Default)]
    struct Timed;
    impl SyncWebSocketConsumer for Timed {
        type Event = u8;
        type Input = Frame;
        fn connect(&mut self, cx: &mut SyncWebSocketContext<u8>) -> Result {
            cx.accept()?;
            let never = cx.every(Duration::from_secs(3600), 1_u8)?;
            assert!(cx.cancel(never)?);
            cx.after(Duration::ZERO, 7_u8)?;
            Ok(())
        }
        fn event(&mut self, cx: &mut SyncWebSocketContext<u8>, event: &u8) -> Result {
            cx.send_json(event)?;
            cx.handle()?;
            Err("done".into())
        }
    }
    let socket = Socket::new();

    let error = Timed::application()
        .call(socket.connection(None))
        .await
        .unwrap_err();

    assert_eq!(error.to_string(), "done");
    assert_eq!(socket.take_texts(), ["7"]);
}

#[tokio::test]
async fn blocking_http_consumer_answers_from_a_thread_of_the_pool() {
    struct Threads(thread::ThreadId);
    impl SyncHttpConsumer for Threads {
        type Event = NoEvents;
        fn handle(&mut self, cx: &mut SyncHttpContext, body: Bytes) -> Result {
            assert_ne!(thread::current().id(), self.0);
            cx.send_headers(StatusCode::OK)?;
            cx.send_body(body)?;
            cx.end_body(cx.scope().path().to_owned())
        }
    }
    let here = thread::current().id();
    let exchange = Exchange::new(&["hello"]);

    Threads::application_with(move |_| Ok(Threads(here)))
        .call(exchange.connection(None))
        .await
        .unwrap();

    assert_eq!(
        exchange.take(),
        ["start 200", "body \"hello\"", "end \"/\""]
    );
}

/// Asks for something that itself needs a thread to block, as a password check may.
#[derive(Default)]
struct Login;

impl SyncWebSocketConsumer for Login {
    type Event = NoEvents;
    type Input = Frame;

    fn receive(&mut self, cx: &mut SyncWebSocketContext, frame: Frame) -> Result {
        let checked = cx.block_on(async move { tokio::task::spawn_blocking(move || frame).await });
        cx.send(checked?)
    }
}

#[test]
fn more_handlers_than_threads_that_wait_for_threads_are_all_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(300)
        .enable_all()
        .build()
        .unwrap();
    let all = runtime.block_on(async {
        let application = Login::application();
        let sockets: Vec<_> = std::iter::repeat_with(Socket::new).take(600).collect();
        let running: Vec<_> = sockets
            .iter()
            .map(|socket| {
                socket.send("password");
                socket.leave(CloseCode::NORMAL);
                let (application, connection) = (application.clone(), socket.connection(None));
                tokio::spawn(async move { application.call(connection).await })
            })
            .collect();
        let all = async {
            for ended in running {
                ended.await.unwrap().unwrap();
            }
            sockets
        };
        tokio::time::timeout(Duration::from_secs(60), all).await
    });
    runtime.shutdown_background();

    let sockets = all.expect("handlers lock each other up");
    assert!(
        sockets
            .iter()
            .all(|socket| socket.take_texts() == ["password"])
    );
}

/// Sends as many bytes as its client asks for, and tells when it begins and when that is done.
struct Generous(UnboundedSender<&'static str>);

impl SyncWebSocketConsumer for Generous {
    type Event = NoEvents;
    type Input = Frame;

    fn receive(&mut self, cx: &mut SyncWebSocketContext, frame: Frame) -> Result {
        self.0.send("begun")?;
        let size = frame.as_text().unwrap_or_default().parse()?;
        cx.send(vec![b'x'; size])?;
        self.0.send("sent")?;
        Ok(())
    }
}

#[tokio::test]
async fn handler_waits_for_a_client_that_does_not_read_only_with_much_to_send() {
    let (socket, (tx, mut seen)) = (Socket::new(), unbounded_channel());
    let application = Generous::application_with(move |_| Ok(Generous(tx.clone())));
    let connection = socket.connection(None);
    let running = tokio::spawn(async move { application.call(connection).await });
    socket.send("1");
    assert_eq!(seen.recv().await, Some("begun"));
    assert_eq!(seen.recv().await, Some("sent"));
    socket.block(true);

    socket.send("100000");
    socket.send("1");

    assert_eq!(seen.recv().await, Some("begun"));
    assert_eq!(seen.recv().await, Some("sent"));
    settle().await;
    assert!(seen.try_recv().is_err(), "the next handler waits");
    socket.block(false);
    assert_eq!(seen.recv().await, Some("begun"));
    assert_eq!(seen.recv().await, Some("sent"));
    socket.block(true);

    socket.send("1000000");

    assert_eq!(seen.recv().await, Some("begun"));
    settle().await;
    assert!(seen.try_recv().is_err(), "so much is waited for");
    socket.block(false);
    assert_eq!(seen.recv().await, Some("sent"));
    socket.leave(CloseCode::GOING_AWAY);
    running.await.unwrap().unwrap();
}
