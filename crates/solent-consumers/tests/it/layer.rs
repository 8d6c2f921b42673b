use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use solent_consumers::{
    Group, Handle, Layers, NoEvents, NoLayer, PostError, TimerId, WebSocketConsumer,
    WebSocketContext, WithLayer, WrongEvent, websocket_consumer,
};
use solent_layer::{ChannelLayer, DynLayer, GroupName, Message};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    Application, BoxApplication, Middleware, Result, WebSocket,
    websocket::{Close, CloseCode, Frame},
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::support::{Log, Sent, Socket, settle};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum RoomEvent {
    #[serde(rename = "chat.message")]
    Message { message: String },
    #[serde(rename = "tick")]
    Tick { n: usize },
}

fn said(message: &str) -> RoomEvent {
    RoomEvent::Message {
        message: message.into(),
    }
}

fn room() -> Group<RoomEvent> {
    Group::new("room").unwrap()
}

/// The consumer of the README: what one says, all hear.
struct Chat;

impl WebSocketConsumer for Chat {
    type Event = RoomEvent;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        cx.join(&room()).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        match frame.as_text() {
            Some("leave") => cx.leave(&room()).await,
            Some(text) => cx.send_to(&room(), &said(text)).await,
            None => cx.broadcast(&room(), frame).await,
        }
    }

    async fn event(&mut self, cx: &mut WebSocketContext, event: &RoomEvent) -> Result {
        cx.send_json(event).await
    }
}

fn spawn(
    application: impl Application<WebSocket>,
    socket: &Socket,
    layer: Option<&DynLayer>,
) -> JoinHandle<Result> {
    let connection = socket.connection(layer);
    tokio::spawn(async move { application.call(connection).await })
}

/// A memory layer, as the test and as consumers see it.
fn memory() -> (MemoryLayer, DynLayer) {
    let layer = MemoryLayer::default();
    (layer.clone(), DynLayer::new(layer))
}

#[tokio::test(start_paused = true)]
async fn group_events_reach_every_member_and_leave_nothing_behind() {
    let (memory, layer) = memory();
    let (one, two) = (Socket::new(), Socket::new());
    let application = websocket_consumer(|_| Ok(Chat));
    let tasks = [&one, &two].map(|socket| spawn(application.clone(), socket, Some(&layer)));
    settle().await;

    one.send("hi");
    settle().await;
    let expected = r#"{"type":"chat.message","message":"hi"}"#;
    assert_eq!(one.take_texts(), [expected]);
    assert_eq!(two.take_texts(), [expected]);

    one.leave(CloseCode::NORMAL);
    two.vanish();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn member_that_left_hears_nothing() {
    let (_, layer) = memory();
    let socket = Socket::new();
    let task = spawn(websocket_consumer(|_| Ok(Chat)), &socket, Some(&layer));
    socket.send("leave");
    settle().await;

    room().send(&layer, &said("hi")).await.unwrap();
    settle().await;

    assert_eq!(socket.take_texts(), [""; 0]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn declared_groups_are_joined_before_connect_and_left_after_a_rejection() {
    struct Declared(Log, DynLayer);
    impl WebSocketConsumer for Declared {
        type Event = RoomEvent;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            let report = room().send(&self.1, &said("x")).await?;
            self.0.add(format!("members {}", report.delivered));
            cx.reject().await
        }
    }
    let (memory, layer) = memory();
    let (socket, log) = (Socket::new(), Log::default());
    let (seen, sender) = (log.clone(), layer.clone());
    let application = websocket_consumer(move |_| Ok(Declared(seen.clone(), sender.clone())));
    let task = spawn(application, &socket, Some(&layer));

    settle().await;

    assert_eq!(log.entries(), ["members 1"]);
    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn consumer_that_needs_no_address_has_no_mailbox() {
    struct Plain;
    impl WebSocketConsumer for Plain {
        type Event = NoEvents;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            let group = Group::<RoomEvent>::new("room")?;
            cx.leave(&group).await?;
            cx.send_to(&group, &said("hi")).await
        }
    }
    let (memory, layer) = memory();
    let socket = Socket::new();
    let task = spawn(websocket_consumer(|_| Ok(Plain)), &socket, Some(&layer));
    socket.send("go");

    settle().await;

    assert_eq!(memory.channel_count(), 0);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn without_a_layer_joining_says_what_to_do() {
    let socket = Socket::new();

    let error = spawn(websocket_consumer(|_| Ok(Chat)), &socket, None)
        .await
        .unwrap()
        .unwrap_err();

    assert!(error.is::<NoLayer>());
    assert!(error.to_string().contains("WithLayer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn consumer_uses_the_layer_of_its_alias() {
    struct Aliased(Log);
    impl WebSocketConsumer for Aliased {
        type Event = RoomEvent;
        const LAYER: &'static str = "testlayer";
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            self.0.add(cx.channel_name().await?.to_string());
            cx.accept().await
        }
        async fn event(&mut self, cx: &mut WebSocketContext, event: &RoomEvent) -> Result {
            cx.send_json(event).await
        }
    }
    let (default, other) = (MemoryLayer::default(), MemoryLayer::default());
    let layers = Layers::new()
        .with("default", default.clone())
        .with("testlayer", other.clone());
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = websocket_consumer(move |_| Ok(Aliased(seen.clone())));
    let application = WithLayer::all(layers).wrap(BoxApplication::new(application));
    let task = spawn(application, &socket, None);
    settle().await;

    let name = log.entries()[0].parse().unwrap();
    other
        .send(&name, Message::encode(&said("hi")).unwrap())
        .await
        .unwrap();
    settle().await;

    assert_eq!(
        socket.take_texts(),
        [r#"{"type":"chat.message","message":"hi"}"#]
    );
    assert_eq!((default.channel_count(), other.channel_count()), (0, 1));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn message_of_another_type_is_counted_and_changes_nothing() {
    let (_, layer) = memory();
    let socket = Socket::new();
    let application = websocket_consumer(|_| Ok(Chat));
    let counts = application.counts();
    let task = spawn(application, &socket, Some(&layer));
    settle().await;
    let name: GroupName = "room".parse().unwrap();

    // None of the names that Channels dispatches on, private or built in, gets anywhere.
    let types = [
        "chat.other",
        "_my_private_handler",
        ".my_private_handler",
        "websocket.receive",
        "websocket.close",
        "websocket.disconnect",
        "close",
    ];
    for kind in types {
        let message = Message::encode(&BTreeMap::from([("type", kind), ("text", "x")])).unwrap();
        layer.group_send(&name, message).await.unwrap();
    }
    let untyped = Message::encode(&BTreeMap::from([("text", "x")])).unwrap();
    layer.group_send(&name, untyped).await.unwrap();
    room().send(&layer, &said("still here")).await.unwrap();
    settle().await;

    assert_eq!(
        socket.take_texts(),
        [r#"{"type":"chat.message","message":"still here"}"#]
    );
    assert_eq!(counts.unknown_events(), types.len() as u64 + 1);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn event_is_made_json_once_for_all_members() {
    static SERIALIZED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Deserialize)]
    struct Counted {
        r#type: String,
    }
    impl Serialize for Counted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            SERIALIZED.fetch_add(1, SeqCst);
            BTreeMap::from([("type", &self.r#type)]).serialize(serializer)
        }
    }
    struct Member;
    impl WebSocketConsumer for Member {
        type Event = Counted;
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            cx.join(&room()).await?;
            cx.accept().await
        }
        async fn event(&mut self, cx: &mut WebSocketContext, event: &Counted) -> Result {
            cx.send_json(event).await
        }
    }
    let (_, layer) = memory();
    let sockets: Vec<_> = (0..10).map(|_| Socket::new()).collect();
    let application = websocket_consumer(|_| Ok(Member));
    let tasks: Vec<_> = sockets
        .iter()
        .map(|socket| spawn(application.clone(), socket, Some(&layer)))
        .collect();
    settle().await;

    let name: GroupName = "room".parse().unwrap();
    let message = Message::encode(&BTreeMap::from([("type", "x")])).unwrap();
    layer.group_send(&name, message).await.unwrap();
    settle().await;

    for socket in &sockets {
        assert_eq!(
            socket.take().last(),
            Some(&Sent::Ready(Frame::text(r#"{"type":"x"}"#)))
        );
    }
    assert_eq!(SERIALIZED.load(SeqCst), 1);
    tasks.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn ready_frames_are_passed_on_through_events_or_straight_to_the_client() {
    let (_, layer) = memory();
    let (plain, direct) = (Socket::new(), Socket::new().with_direct());
    let application = websocket_consumer(|_| Ok(Chat));
    let tasks = [&plain, &direct].map(|socket| spawn(application.clone(), socket, Some(&layer)));
    settle().await;
    plain.take();
    direct.take();

    room().broadcast(&layer, "ready").await.unwrap();
    assert_eq!(
        direct.take(),
        [Sent::Direct(Frame::text("ready"))],
        "without the member's task"
    );
    settle().await;

    assert_eq!(plain.take(), [Sent::Ready(Frame::text("ready"))]);
    tasks.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn consumer_that_opted_out_gets_no_ready_frames() {
    struct OptedOut;
    impl WebSocketConsumer for OptedOut {
        type Event = RoomEvent;
        const READY_FRAMES: bool = false;
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            cx.join(&room()).await?;
            cx.accept().await
        }
    }
    let (_, layer) = memory();
    let socket = Socket::new().with_direct();
    let task = spawn(websocket_consumer(|_| Ok(OptedOut)), &socket, Some(&layer));
    settle().await;

    room().broadcast(&layer, "ready").await.unwrap();
    settle().await;

    assert_eq!(socket.take_texts(), [""; 0]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn ready_frames_and_events_keep_their_order() {
    let (_, layer) = memory();
    let socket = Socket::new().with_direct();
    let task = spawn(websocket_consumer(|_| Ok(Chat)), &socket, Some(&layer));
    settle().await;

    for n in 0..20 {
        if n % 3 == 0 {
            room().send(&layer, &RoomEvent::Tick { n }).await.unwrap();
        } else {
            room().broadcast(&layer, format!("{n}")).await.unwrap();
        }
    }
    settle().await;

    let expected: Vec<_> = (0..20)
        .map(|n| match n % 3 {
            0 => format!(r#"{{"type":"tick","n":{n}}}"#),
            _ => n.to_string(),
        })
        .collect();
    assert_eq!(socket.take_texts(), expected);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_while_more_waits_leaves_in_one_go() {
    let (_, layer) = memory();
    let socket = Socket::new().with_direct();
    let task = spawn(websocket_consumer(|_| Ok(Chat)), &socket, Some(&layer));
    settle().await;
    socket.take();

    for n in 0..3 {
        let event = RoomEvent::Tick { n };
        room().send(&layer, &event).await.unwrap();
    }
    settle().await;

    let frame = |n| Frame::text(format!(r#"{{"type":"tick","n":{n}}}"#));
    // The sink queues; the last one is written at once, and the others with it.
    let expected = [
        Sent::Direct(frame(0)),
        Sent::Direct(frame(1)),
        Sent::Ready(frame(2)),
    ];
    assert_eq!(socket.take(), expected);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn slow_client_holds_up_ready_frames_but_not_its_own_end() {
    let (_, layer) = memory();
    let socket = Socket::new();
    let task = spawn(websocket_consumer(|_| Ok(Chat)), &socket, Some(&layer));
    settle().await;
    socket.take();
    socket.block(true);

    for n in 0..10 {
        room().broadcast(&layer, format!("{n}")).await.unwrap();
    }
    settle().await;
    assert_eq!(
        socket.take_texts().len(),
        1,
        "the rest waits in the mailbox, which is bounded"
    );

    socket.leave(CloseCode::NORMAL);
    settle().await;
    assert!(task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn neither_the_client_nor_the_group_is_starved() {
    struct Both(Log);
    impl WebSocketConsumer for Both {
        type Event = RoomEvent;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn receive(&mut self, _: &mut WebSocketContext, _: Frame) -> Result {
            self.0.add("frame");
            Ok(())
        }
        async fn event(&mut self, _: &mut WebSocketContext, _: &RoomEvent) -> Result {
            self.0.add("event");
            Ok(())
        }
    }
    let (_, layer) = memory();
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let task = spawn(
        websocket_consumer(move |_| Ok(Both(seen.clone()))),
        &socket,
        Some(&layer),
    );
    settle().await;

    for n in 0..50 {
        socket.send("x");
        room().send(&layer, &RoomEvent::Tick { n }).await.unwrap();
    }
    settle().await;

    let entries = log.entries();
    assert_eq!(entries.len(), 100);
    assert!(
        entries.chunks(2).all(|pair| pair[0] != pair[1]),
        "{entries:?}"
    );
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn busy_connections_take_turns() {
    struct Names(Log, &'static str);
    impl WebSocketConsumer for Names {
        type Event = NoEvents;
        async fn receive(&mut self, _: &mut WebSocketContext, _: Frame) -> Result {
            self.0.add(self.1);
            Ok(())
        }
    }
    let log = Log::default();
    let tasks = ["one", "two"].map(|name| {
        let (socket, seen) = (Socket::new(), log.clone());
        (0..1000).for_each(|_| socket.send("x"));
        socket.leave(CloseCode::NORMAL);
        spawn(
            websocket_consumer(move |_| Ok(Names(seen.clone(), name))),
            &socket,
            None,
        )
    });

    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let first_of_two = log.entries().iter().position(|name| name == "two");
    assert!(first_of_two.is_some_and(|at| at < 100), "{first_of_two:?}");
}

/// Gives its handle away.
struct Reachable(Option<oneshot::Sender<Handle<RoomEvent>>>);

impl WebSocketConsumer for Reachable {
    type Event = RoomEvent;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        let wrong = cx.handle::<String>().unwrap_err();
        assert!(matches!(wrong, WrongEvent { .. }));
        let handle = cx.handle()?;
        self.0.take().unwrap().send(handle).unwrap();
        cx.accept().await
    }

    async fn event(&mut self, cx: &mut WebSocketContext, event: &RoomEvent) -> Result {
        cx.send_json(event).await
    }
}

async fn reachable(socket: &Socket) -> (Handle<RoomEvent>, JoinHandle<Result>) {
    let (tx, rx) = oneshot::channel();
    let tx = std::sync::Mutex::new(Some(tx));
    let application = websocket_consumer(move |_| Ok(Reachable(tx.lock().unwrap().take())));
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
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            self.periodic = Some(cx.every(Duration::from_secs(2), RoomEvent::Tick { n: 0 })?);
            cx.after(Duration::from_secs(3), said("once"))?;
            let never = cx.after(Duration::from_secs(1), said("never"))?;
            assert!(cx.cancel(never));
            assert!(!cx.cancel(never));
            assert!(cx.after(Duration::ZERO, "another type").is_err());
            cx.accept().await
        }
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            cx.cancel(self.periodic.unwrap());
            Ok(())
        }
        async fn event(&mut self, _: &mut WebSocketContext, event: &RoomEvent) -> Result {
            self.log.add(format!("{event:?}"));
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = websocket_consumer(move |_| {
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
        async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
            cx.every(Duration::from_secs(1), RoomEvent::Tick { n: 0 })?;
            cx.accept().await
        }
        async fn receive(&mut self, _: &mut WebSocketContext, _: Frame) -> Result {
            tokio::time::sleep(Duration::from_millis(10_500)).await;
            Ok(())
        }
        async fn event(&mut self, _: &mut WebSocketContext, _: &RoomEvent) -> Result {
            self.0.add("tick");
            Ok(())
        }
    }
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let task = spawn(
        websocket_consumer(move |_| Ok(Busy(seen.clone()))),
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
    struct Works;
    impl WebSocketConsumer for Works {
        type Event = usize;
        async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
            let handle = cx.handle::<usize>()?;
            cx.spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                handle.post(frame.len()).await?;
                Ok(())
            });
            cx.send("working").await
        }
        async fn event(&mut self, cx: &mut WebSocketContext, event: &usize) -> Result {
            cx.send_json(event).await
        }
    }
    let socket = Socket::new();
    let task = spawn(websocket_consumer(|_| Ok(Works)), &socket, None);

    socket.send("hello");
    settle().await;
    assert_eq!(socket.take_texts(), ["working"]);
    tokio::time::sleep(Duration::from_secs(5)).await;

    assert_eq!(socket.take_texts(), ["5"]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn disconnect_can_still_tell_the_group() {
    struct Leaves;
    impl WebSocketConsumer for Leaves {
        type Event = RoomEvent;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn event(&mut self, cx: &mut WebSocketContext, event: &RoomEvent) -> Result {
            cx.send_json(event).await
        }
        async fn disconnect(&mut self, cx: &mut WebSocketContext, _: Close) -> Result {
            cx.send_to(&room(), &said("one has left")).await
        }
    }
    let (_, layer) = memory();
    let (one, two) = (Socket::new(), Socket::new());
    let application = websocket_consumer(|_| Ok(Leaves));
    let tasks = [&one, &two].map(|socket| spawn(application.clone(), socket, Some(&layer)));
    settle().await;

    one.leave(CloseCode::NORMAL);
    settle().await;

    assert_eq!(one.take_texts(), [""; 0]);
    assert_eq!(
        two.take_texts(),
        [r#"{"type":"chat.message","message":"one has left"}"#]
    );
    tasks.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn nothing_leaks_when_connections_come_and_go() {
    let (memory, layer) = memory();
    let application = Arc::new(websocket_consumer(|_| Ok(Chat)));

    for n in 0..1000 {
        let socket = Socket::new();
        let application = Arc::clone(&application);
        let connection = socket.connection(Some(&layer));
        let task = tokio::spawn(async move { application.call(connection).await });
        match n % 3 {
            0 => socket.leave(CloseCode::NORMAL),
            1 => socket.vanish(),
            _ => {}
        }
        settle().await;
        task.abort();
    }
    settle().await;

    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
}
