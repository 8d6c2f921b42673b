use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use serde::{Deserialize, Serialize};
use solent_consumers::{
    ContextError, Group, Layers, NoEvents, WebSocketConsumer, WebSocketContext, WithLayer,
};
use solent_layer::{ChannelLayer, DynLayer, GroupName, Message};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    Application, BoxApplication, Middleware, Result, WebSocket,
    websocket::{Close, CloseCode, Frame},
};
use tokio::task::JoinHandle;

use crate::support::{Log, Sent, Socket, settle};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum RoomEvent {
    #[serde(rename = "chat.message")]
    Message { message: String },
    #[serde(rename = "tick")]
    Tick { n: usize },
}

pub(crate) fn said(message: &str) -> RoomEvent {
    RoomEvent::Message {
        message: message.into(),
    }
}

pub(crate) fn room() -> Group<RoomEvent> {
    Group::new("room").unwrap()
}

/// The consumer of the README: what one says, all hear.
#[derive(Default)]
pub(crate) struct Chat;

impl WebSocketConsumer for Chat {
    type Event = RoomEvent;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
        cx.join(&room()).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext<RoomEvent>, frame: Frame) -> Result {
        match frame.as_text() {
            Some("leave") => cx.leave(&room()).await?,
            Some(text) => drop(cx.send_to(&room(), &said(text)).await?),
            None => drop(cx.broadcast(&room(), frame).await?),
        }
        Ok(())
    }

    async fn event(&mut self, cx: &mut WebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
        cx.forward(event).await?;
        Ok(())
    }
}

pub(crate) fn spawn(
    application: impl Application<WebSocket>,
    socket: &Socket,
    layer: Option<&DynLayer>,
) -> JoinHandle<Result> {
    let connection = socket.connection(layer);
    tokio::spawn(async move { application.call(connection).await })
}

/// A memory layer, as the test and as consumers see it.
pub(crate) fn memory() -> (MemoryLayer, DynLayer) {
    let layer = MemoryLayer::default();
    (layer.clone(), DynLayer::new(layer))
}

#[tokio::test(start_paused = true)]
async fn group_events_reach_every_member_and_leave_nothing_behind() {
    let (memory, layer) = memory();
    let (one, two) = (Socket::new(), Socket::new());
    let application = Chat::application();
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
    let task = spawn(Chat::application(), &socket, Some(&layer));
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
        type Input = Frame;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
            let report = room().send(&self.1, &said("x")).await?;
            self.0.add(format!("members {}", report.delivered));
            cx.reject().await
        }
    }
    let (memory, layer) = memory();
    let (socket, log) = (Socket::new(), Log::default());
    let (seen, sender) = (log.clone(), layer.clone());
    let application =
        Declared::application_with(move |_| Ok(Declared(seen.clone(), sender.clone())));
    let task = spawn(application, &socket, Some(&layer));

    settle().await;

    assert_eq!(log.entries(), ["members 1"]);
    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn consumer_that_needs_no_address_has_no_mailbox() {
    #[derive(Default)]
    struct Plain;
    impl WebSocketConsumer for Plain {
        type Event = NoEvents;
        type Input = Frame;
        async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
            let group = Group::<RoomEvent>::new("room")?;
            cx.leave(&group).await?;
            cx.send_to(&group, &said("hi")).await?;
            Ok(())
        }
    }
    let (memory, layer) = memory();
    let socket = Socket::new();
    let task = spawn(Plain::application(), &socket, Some(&layer));
    socket.send("go");

    settle().await;

    assert_eq!(memory.channel_count(), 0);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn without_a_layer_joining_says_what_to_do() {
    let socket = Socket::new();

    let error = spawn(Chat::application(), &socket, None)
        .await
        .unwrap()
        .unwrap_err();

    let error = error.downcast::<ContextError>().unwrap();
    assert!(matches!(*error, ContextError::NoLayer(_)), "{error:?}");
    assert!(error.to_string().contains("WithLayer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn consumer_uses_the_layer_of_its_alias() {
    struct Aliased(Log);
    impl WebSocketConsumer for Aliased {
        type Event = RoomEvent;
        type Input = Frame;
        const LAYER: &'static str = "testlayer";
        async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
            self.0.add(cx.address().await?.to_string());
            cx.accept().await
        }
        async fn event(
            &mut self,
            cx: &mut WebSocketContext<RoomEvent>,
            event: &RoomEvent,
        ) -> Result {
            cx.forward(event).await
        }
    }
    let (default, other) = (MemoryLayer::default(), MemoryLayer::default());
    let layers = Layers::new()
        .with("default", default.clone())
        .with("testlayer", other.clone());
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let application = Aliased::application_with(move |_| Ok(Aliased(seen.clone())));
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
    let application = Chat::application();
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
    #[derive(Default)]
    struct Member;
    impl WebSocketConsumer for Member {
        type Event = Counted;
        type Input = Frame;
        async fn connect(&mut self, cx: &mut WebSocketContext<Counted>) -> Result {
            cx.join(&Group::<Counted>::new("room")?).await?;
            cx.accept().await
        }
        async fn event(&mut self, cx: &mut WebSocketContext<Counted>, event: &Counted) -> Result {
            cx.forward(event).await
        }
    }
    let (_, layer) = memory();
    let sockets: Vec<_> = (0..10).map(|_| Socket::new()).collect();
    let application = Member::application();
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
async fn disconnect_can_still_tell_the_group() {
    #[derive(Default)]
    struct Leaves;
    impl WebSocketConsumer for Leaves {
        type Event = RoomEvent;
        type Input = Frame;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn event(
            &mut self,
            cx: &mut WebSocketContext<RoomEvent>,
            event: &RoomEvent,
        ) -> Result {
            cx.forward(event).await
        }
        async fn disconnect(&mut self, cx: &mut WebSocketContext<RoomEvent>, _: Close) -> Result {
            cx.send_to(&room(), &said("one has left")).await?;
            Ok(())
        }
    }
    let (_, layer) = memory();
    let (one, two) = (Socket::new(), Socket::new());
    let application = Leaves::application();
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
    let application = Arc::new(Chat::application());

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
