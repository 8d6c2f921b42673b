use std::time::Duration;

use solent_consumers::{Handle, PostError, TimerId, WebSocketConsumer, WebSocketContext};
use solent_spec::{
    Result,
    websocket::{CloseCode, Frame},
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    layer::{RoomEvent, said, spawn},
    support::{Log, Sent, Socket, settle},
};

/// Gives its handle away.
struct Reachable(Option<oneshot::Sender<Handle<RoomEvent>>>);

impl WebSocketConsumer for Reachable {
    type Event = RoomEvent;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
        let handle = cx.handle();
        self.0.take().unwrap().send(handle).unwrap();
        cx.accept().await
    }

    async fn event(&mut self, cx: &mut WebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
        cx.forward(event).await
    }
}

async fn reachable(socket: &Socket) -> (Handle<RoomEvent>, JoinHandle<Result>) {
    let (tx, rx) = oneshot::channel();
    let tx = std::sync::Mutex::new(Some(tx));
    let application =
        Reachable::application_with(move |_| Ok(Reachable(tx.lock().unwrap().take())));
    let task = spawn(application, socket, None);
    (rx.await.unwrap(), task)
}

#[tokio::test(start_paused = true)]
async fn handle_posts_events_and_closes() {
    let socket = Socket::new();
    let (handle, task) = reachable(&socket).await;

    handle.post(RoomEvent::Tick { n: 1 }).await.unwrap();
    handle.try_post(RoomEvent::Tick { n: 2 }).unwrap();
    handle.close(CloseCode::POLICY).await;
    settle().await;

    let texts = [r#"{"type":"tick","n":1}"#, r#"{"type":"tick","n":2}"#];
    let sent = socket.take();
    assert_eq!(sent[1..3], texts.map(|text| Sent::Ready(Frame::text(text))));
    assert_eq!(sent[3], Sent::Close(1008, String::new()));
    socket.leave(CloseCode::POLICY);
    task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn handle_outlives_its_connection_without_harm() {
    let socket = Socket::new();
    let (handle, task) = reachable(&socket).await;
    assert!(!handle.is_closed());

    socket.leave(CloseCode::NORMAL);
    handle.closed().await;
    task.await.unwrap().unwrap();

    assert!(matches!(
        handle.try_post(said("x")),
        Err(PostError::Closed(_))
    ));
    assert!(matches!(
        handle.post(said("x")).await,
        Err(PostError::Closed(_))
    ));
    handle.close(CloseCode::NORMAL).await;
}

#[tokio::test(start_paused = true)]
async fn handles_queue_is_bounded() {
    let socket = Socket::new();
    let (handle, task) = reachable(&socket).await;
    settle().await;

    let posted = (0..1000).take_while(|n| handle.try_post(RoomEvent::Tick { n: *n }).is_ok());

    assert_eq!(posted.count(), 100);
    assert!(matches!(
        handle.try_post(said("x")),
        Err(PostError::Full(_))
    ));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn timers_fire_once_or_again_and_again_until_cancelled() {
    struct Clock {
        periodic: Option<TimerId>,
        log: Log,
    }
    impl WebSocketConsumer for Clock {
        type Event = RoomEvent;
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
            self.periodic = Some(cx.every(Duration::from_secs(2), RoomEvent::Tick { n: 0 }));
            cx.after(Duration::from_secs(3), said("once"));
            let never = cx.after(Duration::from_secs(1), said("never"));
            assert!(cx.cancel(never));
            assert!(!cx.cancel(never));
            cx.accept().await
        }
        async fn receive(&mut self, cx: &mut WebSocketContext<RoomEvent>, _: Frame) -> Result {
            cx.cancel(self.periodic.unwrap());
            Ok(())
        }
        async fn event(
            &mut self,
            _: &mut WebSocketContext<RoomEvent>,
            event: &RoomEvent,
        ) -> Result {
            self.log.add(format!("{event:?}"));
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Clock::application_with(move |_| {
        Ok(Clock {
            periodic: None,
            log: seen.clone(),
        })
    });
    let task = spawn(application, &socket, None);

    tokio::time::sleep(Duration::from_millis(7_500)).await;
    socket.send("stop");
    tokio::time::sleep(Duration::from_secs(60)).await;

    let tick = "Tick { n: 0 }";
    let once = "Message { message: \"once\" }";
    assert_eq!(log.entries(), [tick, once, tick, tick]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn periodic_timer_skips_what_a_busy_consumer_missed() {
    struct Busy(Log);
    impl WebSocketConsumer for Busy {
        type Event = RoomEvent;
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
            cx.every(Duration::from_secs(1), RoomEvent::Tick { n: 0 });
            cx.accept().await
        }
        async fn receive(&mut self, _: &mut WebSocketContext<RoomEvent>, _: Frame) -> Result {
            tokio::time::sleep(Duration::from_millis(10_500)).await;
            Ok(())
        }
        async fn event(&mut self, _: &mut WebSocketContext<RoomEvent>, _: &RoomEvent) -> Result {
            self.0.add("tick");
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let task = spawn(
        Busy::application_with(move |_| Ok(Busy(seen.clone()))),
        &socket,
        None,
    );
    socket.send("be busy");

    tokio::time::sleep(Duration::from_millis(10_600)).await;
    assert_eq!(log.count("tick"), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;

    assert_eq!(log.count("tick"), 3);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn background_task_posts_back_to_its_consumer() {
    #[derive(Default)]
    struct Works;
    impl WebSocketConsumer for Works {
        type Event = usize;
        type Input = Frame;
        async fn receive(&mut self, cx: &mut WebSocketContext<usize>, frame: Frame) -> Result {
            let handle = cx.handle();
            cx.spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                handle.post(frame.len()).await?;
                Ok(())
            });
            cx.send("working").await
        }
        async fn event(&mut self, cx: &mut WebSocketContext<usize>, event: &usize) -> Result {
            cx.forward(event).await
        }
    }
    let socket = Socket::new();
    let task = spawn(Works::application(), &socket, None);

    socket.send("hello");
    settle().await;
    assert_eq!(socket.take_texts(), ["working"]);
    tokio::time::sleep(Duration::from_secs(5)).await;

    assert_eq!(socket.take_texts(), ["5"]);
    task.abort();
}

/// Has a timer that is always due, and one that never is.
struct Restless(Option<oneshot::Sender<Handle<RoomEvent>>>);

impl WebSocketConsumer for Restless {
    type Event = RoomEvent;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
        cx.every(Duration::ZERO, RoomEvent::Tick { n: 0 });
        cx.after(Duration::MAX, RoomEvent::Tick { n: 8 });
        cx.every(Duration::MAX, RoomEvent::Tick { n: 9 });
        let handle = cx.handle();
        self.0.take().unwrap().send(handle).unwrap();
        cx.accept().await
    }

    async fn event(&mut self, cx: &mut WebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
        match event {
            RoomEvent::Tick { n: 0 } => tokio::time::sleep(Duration::from_millis(5)).await,
            event => cx.forward(event).await?,
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn timer_that_is_always_due_lets_handles_have_their_turn_and_one_that_never_is_does_no_harm()
{
    let socket = Socket::new();
    let (tx, rx) = oneshot::channel();
    let tx = std::sync::Mutex::new(Some(tx));
    let application = Restless::application_with(move |_| Ok(Restless(tx.lock().unwrap().take())));
    let task = spawn(application, &socket, None);
    let handle = rx.await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;

    handle.post(RoomEvent::Tick { n: 1 }).await.unwrap();

    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(socket.take_texts(), [r#"{"type":"tick","n":1}"#]);
    socket.leave(CloseCode::NORMAL);
    task.await.unwrap().unwrap();
}
