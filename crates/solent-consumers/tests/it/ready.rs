use solent_consumers::{Group, NoEvents, WebSocketConsumer, WebSocketContext};
use solent_spec::{
    Result,
    websocket::{CloseCode, Frame},
};
use tokio::task::JoinHandle;

use crate::{
    layer::{Chat, RoomEvent, memory, room, spawn},
    support::{Log, Sent, Socket, settle},
};

#[tokio::test(start_paused = true)]
async fn ready_frames_are_passed_on_through_events_or_straight_to_the_client() {
    let (_, layer) = memory();
    let (plain, direct) = (Socket::new(), Socket::new().with_direct());
    let application = Chat::application();
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
    #[derive(Default)]
    struct OptedOut;
    impl WebSocketConsumer for OptedOut {
        type Event = RoomEvent;
        type Input = Frame;
        const READY_FRAMES: bool = false;
        async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
            cx.join(&room()).await?;
            cx.accept().await
        }
    }
    let (_, layer) = memory();
    let socket = Socket::new().with_direct();
    let task = spawn(OptedOut::application(), &socket, Some(&layer));
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
    let task = spawn(Chat::application(), &socket, Some(&layer));
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
    let task = spawn(Chat::application(), &socket, Some(&layer));
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
    let task = spawn(Chat::application(), &socket, Some(&layer));
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
        type Input = Frame;
        fn groups(&self) -> Vec<Group<RoomEvent>> {
            vec![room()]
        }
        async fn receive(&mut self, _: &mut WebSocketContext<RoomEvent>, _: Frame) -> Result {
            self.0.add("frame");
            Ok(())
        }
        async fn event(&mut self, _: &mut WebSocketContext<RoomEvent>, _: &RoomEvent) -> Result {
            self.0.add("event");
            Ok(())
        }
    }
    let (_, layer) = memory();
    let (socket, log) = (Socket::new(), Log::default());
    let seen = log.clone();
    let task = spawn(
        Both::application_with(move |_| Ok(Both(seen.clone()))),
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
        type Input = Frame;
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
            Names::application_with(move |_| Ok(Names(seen.clone(), name))),
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
