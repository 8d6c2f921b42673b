use std::{future::pending, sync::mpsc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use solent_consumers::{
    ChannelConsumer, ChannelContext, HttpConsumer, HttpContext, NoEvents, SyncWebSocketConsumer,
    SyncWebSocketContext, WebSocketConsumer, WebSocketContext, Worker,
};
use solent_layer::{ChannelLayer, DynLayer};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    Application, Connection, Message, Protocol, Result,
    websocket::{Close, CloseCode, Frame},
};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::support::{Exchange, Log, Sent, Socket, settle};

/// Long enough for anything, so that what hangs fails.
const SOON: Duration = Duration::from_secs(20);

fn spawn<P: Protocol>(
    application: impl Application<P>,
    connection: Connection<P>,
) -> JoinHandle<Result> {
    tokio::spawn(async move { application.call(connection).await })
}

/// Waits for ever in whichever handler it is told to.
struct Patient {
    waits_in: &'static str,
    log: Log,
}

#[derive(Deserialize)]
struct Due;

impl Patient {
    async fn enter(&mut self, handler: &'static str) -> Result {
        self.log.add(handler);
        if handler == self.waits_in {
            pending::<()>().await;
        }
        Ok(())
    }
}

impl WebSocketConsumer for Patient {
    type Event = Due;
    type Input = Frame;
    const CANCEL_ON_DISCONNECT: bool = true;

    async fn connect(&mut self, cx: &mut WebSocketContext<Due>) -> Result {
        cx.every(Duration::from_secs(1), Due);
        self.enter("connect").await?;
        cx.accept().await
    }

    async fn receive(&mut self, _: &mut WebSocketContext<Due>, _: Frame) -> Result {
        self.enter("receive").await
    }

    async fn event(&mut self, _: &mut WebSocketContext<Due>, _: &Due) -> Result {
        self.enter("event").await
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext<Due>, close: Close) -> Result {
        self.log.add(format!("disconnect {}", close.code.as_u16()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_waits_is_given_up_when_its_client_leaves_and_disconnect_follows_once() {
    for waits_in in ["connect", "receive", "event"] {
        let (socket, log) = (Socket::new(), Log::default());
        let seen = log.clone();
        let application = Patient::application_with(move |_| {
            let log = seen.clone();
            Ok(Patient { waits_in, log })
        });
        let running = spawn(application, socket.connection(None));
        socket.send("first");
        tokio::time::sleep(Duration::from_secs(2)).await;
        socket.send("never handled");
        assert_eq!(log.entries().last().map(String::as_str), Some(waits_in));
        let before = log.entries().len();

        socket.leave(CloseCode::GOING_AWAY);

        let ended = timeout(SOON, running).await;
        assert!(ended.expect(waits_in).unwrap().is_ok());
        assert_eq!(log.entries()[before..], ["disconnect 1001"], "{waits_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_closed_the_connection_itself_is_let_finish() {
    struct Closing(Log);
    impl WebSocketConsumer for Closing {
        type Event = NoEvents;
        type Input = Frame;
        const CANCEL_ON_DISCONNECT: bool = true;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            cx.close(CloseCode::NORMAL).await?;
            settle().await;
            self.0.add("finished");
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Closing::application_with(move |_| Ok(Closing(seen.clone())));
    socket.send("close");
    socket.leave(CloseCode::NORMAL);

    application.call(socket.connection(None)).await.unwrap();

    assert_eq!(log.entries(), ["finished"]);
}

#[tokio::test(start_paused = true)]
async fn handler_waits_for_its_client_to_leave_beside_its_work() {
    struct Asking(Log);
    impl WebSocketConsumer for Asking {
        type Event = NoEvents;
        type Input = Frame;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            let closed = cx.closed();
            assert!(!closed.is_closed());
            cx.send("working").await?;
            tokio::select! {
                () = closed => self.0.add("told"),
                () = pending() => {}
            }
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Asking::application_with(move |_| Ok(Asking(seen.clone())));
    let running = spawn(application, socket.connection(None));
    socket.send("work");
    settle().await;
    assert_eq!(socket.take_texts(), ["working"]);

    socket.leave(CloseCode::GOING_AWAY);

    timeout(SOON, running).await.unwrap().unwrap().unwrap();
    assert_eq!(log.entries(), ["told"]);
}

#[tokio::test(start_paused = true)]
async fn request_whose_client_leaves_is_given_up() {
    struct Slow(Log);
    impl HttpConsumer for Slow {
        type Event = NoEvents;
        const CANCEL_ON_DISCONNECT: bool = true;
        async fn handle(&mut self, _: &mut HttpContext, _: Bytes) -> Result {
            self.0.add("handle");
            pending().await
        }
        async fn disconnect(&mut self, _: &mut HttpContext) -> Result {
            self.0.add("disconnect");
            Ok(())
        }
    }
    let (exchange, log) = (Exchange::new(&[""]), Log::default());
    let seen = log.clone();
    let application = Slow::application_with(move |_| Ok(Slow(seen.clone())));
    let running = spawn(application, exchange.connection(None));
    settle().await;

    exchange.leave();

    timeout(SOON, running).await.unwrap().unwrap().unwrap();
    assert_eq!(log.entries(), ["handle", "disconnect"]);
}

#[tokio::test]
async fn blocking_handler_learns_that_its_client_has_left() {
    struct Asking(mpsc::Sender<&'static str>);
    impl SyncWebSocketConsumer for Asking {
        type Event = NoEvents;
        type Input = Frame;
        fn receive(&mut self, cx: &mut SyncWebSocketContext, _: Frame) -> Result {
            assert!(!cx.is_closed() && !cx.wait_closed(Duration::ZERO));
            self.0.send("working")?;
            if cx.wait_closed(SOON) && cx.is_closed() {
                self.0.send("told")?;
            }
            Ok(())
        }
    }
    let (socket, (told, telling)) = (Socket::new(), mpsc::channel());
    let application = Asking::application_with(move |_| Ok(Asking(told.clone())));
    socket.send("work");
    let running = spawn(application, socket.connection(None));
    let telling = tokio::task::spawn_blocking(move || (telling.recv_timeout(SOON), telling));
    let (said, telling) = telling.await.unwrap();
    assert_eq!(said, Ok("working"));

    socket.leave(CloseCode::GOING_AWAY);

    timeout(SOON, running).await.unwrap().unwrap().unwrap();
    assert_eq!(telling.try_recv(), Ok("told"));
    assert!(matches!(socket.take()[..], [Sent::Accept(..)]));
}

#[tokio::test(start_paused = true)]
async fn job_is_told_that_its_worker_stops() {
    struct Job(Log);
    #[derive(Deserialize)]
    struct Any {}
    impl ChannelConsumer for Job {
        type Event = Any;
        async fn handle(&mut self, cx: &mut ChannelContext<Any>, _: &Any) -> Result {
            self.0.add("begun");
            cx.closed().await;
            self.0.add("told");
            Ok(())
        }
    }
    let (log, layer) = (Log::default(), DynLayer::new(MemoryLayer::default()));
    let seen = log.clone();
    let worker = Worker::new(layer.clone());
    let job = Job::application_with(move |_| Ok(Job(seen.clone())));
    let worker = worker.channel("jobs", job).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    settle().await;
    let message = Message::encode(&std::collections::BTreeMap::from([("type", "any")])).unwrap();
    layer.send(&"jobs".parse().unwrap(), message).await.unwrap();
    settle().await;
    assert_eq!(log.entries(), ["begun"]);

    stop.send(()).unwrap();

    timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(log.entries(), ["begun", "told"]);
}
