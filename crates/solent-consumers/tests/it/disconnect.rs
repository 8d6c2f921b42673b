use std::{sync::Arc, task::Poll, time::Duration};

use solent_consumers::{
    ConsumerCounts, HandlerPanicked, NoEvents, WebSocketConsumer, WebSocketContext,
    disconnects_finished,
};
use solent_layer::{DynLayer, FullPolicy, Message};
use solent_layer_memory::{MemoryConfig, MemoryLayer};
use solent_spec::{
    Application, Result, is_disconnect,
    websocket::{Close, CloseCode, Frame},
};
use tokio::{sync::Notify, task::JoinHandle};

use crate::support::{Log, Sent, Socket, settle};

/// Does what its client asks it to.
struct Obeys {
    log: Log,
    /// How long `disconnect` takes.
    parting: Duration,
}

impl WebSocketConsumer for Obeys {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        self.log.add("connect");
        if cx.layer().is_ok() {
            let name = cx.address().await?;
            self.log.add(format!("name {name}"));
        }
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        match frame.as_text() {
            Some("fail") => Err("failed".into()),
            Some("panic") => panic!("asked to"),
            Some("close") => cx.close(CloseCode::NORMAL).await,
            Some("hang") => std::future::pending().await,
            _ => cx.send(frame).await,
        }
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> Result {
        self.log.add(format!("disconnecting {close}"));
        tokio::time::sleep(self.parting).await;
        self.log.add("disconnected");
        Ok(())
    }
}

struct Run {
    socket: Socket,
    log: Log,
    counts: Arc<ConsumerCounts>,
    task: JoinHandle<Result>,
}

fn start(parting: Duration, layer: Option<&DynLayer>) -> Run {
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Obeys::application_with(move |_| {
        Ok(Obeys {
            log: seen.clone(),
            parting,
        })
    });
    let (counts, connection) = (application.counts(), socket.connection(layer));
    let task = tokio::spawn(async move { application.call(connection).await });
    Run {
        socket,
        log,
        counts,
        task,
    }
}

impl Run {
    /// `disconnect` ran once and to its end.
    fn assert_disconnected(&self, close: &str) {
        let disconnecting = format!("disconnecting {close}");
        assert_eq!(self.log.count("connect"), 1, "{:?}", self.log);
        assert_eq!(self.log.count("disconnecting"), 1, "{:?}", self.log);
        assert_eq!(self.log.count(&disconnecting), 1, "{:?}", self.log);
        assert_eq!(self.log.count("disconnected"), 1, "{:?}", self.log);
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_closes() {
    let run = start(Duration::ZERO, None);
    run.socket.leave(Close::new(CloseCode::GOING_AWAY, "bye"));

    settle().await;

    run.assert_disconnected("1001 bye");
    run.task.await.unwrap().unwrap();
    assert!(run.socket.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn client_that_vanishes() {
    let run = start(Duration::ZERO, None);
    run.socket.vanish();

    settle().await;

    run.assert_disconnected("1006");
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_of_its_own() {
    let run = start(Duration::ZERO, None);
    run.socket.send("close");
    settle().await;
    assert_eq!(
        run.log.count("disconnecting"),
        0,
        "not before the client has answered"
    );

    run.socket.leave(CloseCode::NORMAL);
    settle().await;

    run.assert_disconnected("1000");
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn handler_that_fails() {
    let run = start(Duration::ZERO, None);
    run.socket.send("fail");

    settle().await;

    run.assert_disconnected("1011");
    assert_eq!(run.task.await.unwrap().unwrap_err().to_string(), "failed");
    assert_eq!(run.counts.failed(), 1);
}

#[tokio::test(start_paused = true)]
async fn handler_that_panics() {
    let run = start(Duration::ZERO, None);
    run.socket.send("panic");

    settle().await;

    run.assert_disconnected("1011");
    assert!(run.task.await.unwrap().unwrap_err().is::<HandlerPanicked>());
    assert_eq!((run.counts.panicked(), run.counts.failed()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn handler_that_panics_before_it_is_awaited() {
    struct Early(Log);
    impl WebSocketConsumer for Early {
        type Event = NoEvents;
        type Input = Frame;
        // The panic comes before the future.
        fn receive(
            &mut self,
            _: &mut WebSocketContext,
            frame: Frame,
        ) -> impl Future<Output = Result> + Send {
            assert!(!frame.is_text(), "asked to");
            async { Ok(()) }
        }
        async fn disconnect(&mut self, _: &mut WebSocketContext, close: Close) -> Result {
            self.0.add(format!("disconnect {close}"));
            panic!("asked to")
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Early::application_with(move |_| Ok(Early(seen.clone())));
    let counts = application.counts();
    socket.send("x");

    let error = application.call(socket.connection(None)).await.unwrap_err();

    assert!(error.is::<HandlerPanicked>());
    assert_eq!(log.entries(), ["disconnect 1011"]);
    assert_eq!(counts.panicked(), 2);
}

#[tokio::test(start_paused = true)]
async fn send_to_a_client_that_is_gone_tells_the_clients_code() {
    struct Sends(Log);
    impl WebSocketConsumer for Sends {
        type Event = ();
        type Input = Frame;
        async fn event(&mut self, cx: &mut WebSocketContext<()>, (): &()) -> Result {
            cx.send("tick").await
        }
        async fn receive(&mut self, cx: &mut WebSocketContext<()>, _: Frame) -> Result {
            // The client leaves while this handler runs, which the transport knows before the consumer.
            cx.close(CloseCode::NORMAL).await?;
            cx.send("too late").await
        }
        async fn disconnect(&mut self, _: &mut WebSocketContext<()>, close: Close) -> Result {
            self.0.add(format!("disconnect {close}"));
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    socket.send("go");
    socket.leave(CloseCode::GOING_AWAY);

    let error = Sends::application_with(move |_| Ok(Sends(seen.clone())))
        .call(socket.connection(None))
        .await
        .unwrap_err();

    assert!(is_disconnect(error.as_ref()));
    assert_eq!(log.entries(), ["disconnect 1001"]);
}

#[tokio::test(start_paused = true)]
async fn mailbox_that_overflows_closes_with_1013() {
    let config = MemoryConfig::default()
        .policy(FullPolicy::Disconnect)
        .capacities(solent_layer::Capacities::new(100));
    let layer = DynLayer::new(MemoryLayer::new(config));
    let run = start(Duration::ZERO, Some(&layer));
    settle().await;
    let name = run.log.entries()[1]
        .strip_prefix("name ")
        .unwrap()
        .parse()
        .unwrap();

    for _ in 0..200 {
        let message = Message::encode(
            &[("type", "x")]
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
        );
        let _ = solent_layer::ChannelLayer::send(&layer, &name, message.unwrap()).await;
    }
    settle().await;
    assert!(
        run.socket
            .take()
            .contains(&Sent::Close(1013, "too slow".into()))
    );
    run.socket.leave(CloseCode::TRY_AGAIN_LATER);
    settle().await;

    run.assert_disconnected("1013");
    assert_eq!(run.counts.overflowed(), 1);
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn layer_that_is_closed_closes_with_1012() {
    let layer = DynLayer::new(MemoryLayer::default());
    let run = start(Duration::ZERO, Some(&layer));
    settle().await;

    solent_layer::ChannelLayer::close(&layer).await.unwrap();
    settle().await;
    run.socket.leave(CloseCode::SERVICE_RESTART);
    settle().await;

    assert!(
        run.socket
            .take()
            .contains(&Sent::Close(1012, String::new()))
    );
    run.assert_disconnected("1012");
}

#[tokio::test(start_paused = true)]
async fn task_that_is_aborted_while_idle() {
    let run = start(Duration::from_secs(1), None);
    settle().await;

    run.task.abort();
    settle().await;
    disconnects_finished().await;

    run.assert_disconnected("1006");
    assert!(run.socket.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn task_that_is_aborted_in_a_handler_learns_the_drains_code() {
    let run = start(Duration::ZERO, None);
    run.socket.send("hang");
    settle().await;
    run.socket.leave(CloseCode::GOING_AWAY);
    settle().await;
    assert_eq!(run.log.count("disconnecting"), 0);

    run.task.abort();
    settle().await;
    disconnects_finished().await;

    run.assert_disconnected("1001");
}

#[tokio::test(start_paused = true)]
async fn task_that_is_aborted_in_disconnect_lets_it_finish() {
    let run = start(Duration::from_secs(2), None);
    run.socket.leave(CloseCode::NORMAL);
    settle().await;
    assert_eq!(
        (
            run.log.count("disconnecting"),
            run.log.count("disconnected")
        ),
        (1, 0)
    );

    run.task.abort();
    settle().await;
    disconnects_finished().await;

    run.assert_disconnected("1000");
}

#[tokio::test(start_paused = true)]
async fn task_that_is_dropped_before_connect_was_called_has_nothing_to_end() {
    let (socket, log) = (Socket::default(), Log::default());
    let seen = log.clone();
    let application = Obeys::application_with(move |_| {
        Ok(Obeys {
            log: seen.clone(),
            parting: Duration::ZERO,
        })
    });
    let connection = socket.connection(None);
    let task = tokio::spawn(async move { application.call(connection).await });
    settle().await;

    task.abort();
    settle().await;

    assert_eq!(log.entries(), [""; 0]);
    assert!(socket.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn disconnect_that_takes_too_long_is_given_up() {
    let run = start(Duration::from_secs(3600), None);
    settle().await;

    run.task.abort();
    settle().await;
    disconnects_finished().await;

    assert_eq!(
        (
            run.log.count("disconnecting"),
            run.log.count("disconnected")
        ),
        (1, 0)
    );
    assert_eq!(run.counts.abandoned(), 1);
}

#[test]
fn disconnect_that_has_no_runtime_is_counted() {
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Arc::new(Obeys::application_with(move |_| {
        Ok(Obeys {
            log: seen.clone(),
            parting: Duration::ZERO,
        })
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut call = application.call_boxed(socket.connection(None));
    let polled = runtime.block_on(std::future::poll_fn(|cx| {
        Poll::Ready(call.as_mut().poll(cx).is_ready())
    }));
    assert!(!polled);

    drop(runtime);
    drop(call);

    assert_eq!(log.entries(), ["connect"]);
    assert_eq!(application.counts().abandoned(), 1);
}

#[tokio::test(start_paused = true)]
async fn disconnect_that_fails_ends_the_application_with_its_error() {
    #[derive(Default)]
    struct Fails;
    impl WebSocketConsumer for Fails {
        type Event = NoEvents;
        type Input = Frame;
        async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
            Err("not saved".into())
        }
    }
    let socket = Socket::new();
    socket.leave(CloseCode::NORMAL);

    let error = Fails::application()
        .call(socket.connection(None))
        .await
        .unwrap_err();

    assert_eq!(error.to_string(), "not saved");
}

#[tokio::test(start_paused = true)]
async fn background_tasks_have_ended_when_the_connection_has() {
    struct Spawns(Arc<Notify>, Log);
    struct OnDrop(Log);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.add("task dropped");
        }
    }
    impl WebSocketConsumer for Spawns {
        type Event = NoEvents;
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            let (started, on_drop) = (Arc::clone(&self.0), OnDrop(self.1.clone()));
            cx.spawn(async move {
                let _on_drop = on_drop;
                started.notify_one();
                std::future::pending().await
            });
            cx.accept().await
        }
        async fn disconnect(&mut self, _: &mut WebSocketContext, _: Close) -> Result {
            self.1.add("disconnect");
            Ok(())
        }
    }
    let (socket, started, log) = (Socket::new(), Arc::new(Notify::new()), Log::default());
    let (notify, seen) = (Arc::clone(&started), log.clone());
    let application =
        Spawns::application_with(move |_| Ok(Spawns(Arc::clone(&notify), seen.clone())));
    let connection = socket.connection(None);
    let task = tokio::spawn(async move { application.call(connection).await });
    started.notified().await;

    socket.leave(CloseCode::NORMAL);
    task.await.unwrap().unwrap();

    assert_eq!(log.entries(), ["disconnect", "task dropped"]);
}

#[tokio::test(start_paused = true)]
async fn future_that_is_dropped_after_any_number_of_polls() {
    /// Pauses in each handler.
    struct Pauses(Log);
    impl WebSocketConsumer for Pauses {
        type Event = ();
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext<()>) -> Result {
            self.0.add("connect");
            tokio::task::yield_now().await;
            cx.after(Duration::ZERO, ());
            cx.accept().await
        }
        async fn receive(&mut self, cx: &mut WebSocketContext<()>, frame: Frame) -> Result {
            tokio::task::yield_now().await;
            cx.send(frame).await
        }
        async fn event(&mut self, _: &mut WebSocketContext<()>, (): &()) -> Result {
            tokio::task::yield_now().await;
            Ok(())
        }
        async fn disconnect(&mut self, _: &mut WebSocketContext<()>, _: Close) -> Result {
            self.0.add("disconnect");
            tokio::task::yield_now().await;
            self.0.add("finished");
            Ok(())
        }
    }
    let mut completed = false;
    for polls in 0..20 {
        let (socket, log) = (Socket::new(), Log::default());
        socket.send("one");
        socket.send("two");
        socket.leave(CloseCode::NORMAL);
        let seen = log.clone();
        let application = Arc::new(Pauses::application_with(move |_| Ok(Pauses(seen.clone()))));

        let mut call = application.call_boxed(socket.connection(None));
        for _ in 0..polls {
            let polled = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            if polled.is_ready() {
                completed = true;
                break;
            }
            settle().await;
        }
        drop(call);
        disconnects_finished().await;

        let begun = usize::from(polls > 0);
        let counts = ["connect", "disconnect", "finished"].map(|entry| log.count(entry));
        assert_eq!(counts, [begun; 3], "after {polls} polls");
    }
    assert!(completed, "the longest run is a whole one");
}
