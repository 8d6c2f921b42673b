use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;
use solent::{
    Frame, Group, Json, NoEvents, RequestScope, Solent, WebSocketConsumer, WebSocketContext,
    layer::ChannelLayer,
};

use super::live::Live;

#[derive(Serialize, Deserialize)]
struct Said {
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum RoomEvent {
    #[serde(rename = "chat.message")]
    Message(Said),
}

struct Chat {
    room: Group<RoomEvent>,
}

impl WebSocketConsumer for Chat {
    type Input = Json<Said>;
    type Event = RoomEvent;

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> solent::Result {
        cx.join(&self.room).await?;
        cx.accept().await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<RoomEvent>,
        Json(said): Json<Said>,
    ) -> solent::Result {
        cx.send_to(&self.room, &RoomEvent::Message(said)).await?;
        Ok(())
    }

    async fn event(
        &mut self,
        cx: &mut WebSocketContext<RoomEvent>,
        RoomEvent::Message(said): &RoomEvent,
    ) -> solent::Result {
        cx.forward(said).await
    }
}

fn chat() -> Solent {
    let chat = Chat::application_with(|scope| {
        Ok(Chat {
            room: Group::new(format!("chat_{}", scope.param::<String>("room")?))?,
        })
    });
    Solent::new().websocket("ws/chat/<slug:room>/", chat)
}

#[tokio::test]
async fn message_reaches_its_room_and_no_other() -> Result<()> {
    let live = Live::start(chat()).await?;
    let mut a = live.connect("/ws/chat/one/").await?;
    let mut b = live.connect("/ws/chat/one/").await?;
    let mut other = live.connect("/ws/chat/two/").await?;

    a.send(&json!({"message": "to one"})).await?;
    other.send(&json!({"message": "to two"})).await?;

    assert_eq!(a.json().await?, json!({"message": "to one"}));
    assert_eq!(b.json().await?, json!({"message": "to one"}));
    assert_eq!(other.json().await?, json!({"message": "to two"}));
    drop((a, b, other));
    live.stop();
    live.ended().await
}

#[tokio::test]
async fn every_member_gets_every_message_in_order() -> Result<()> {
    const MEMBERS: usize = 50;
    const MESSAGES: usize = 90;
    let live = Live::start(chat()).await?;
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        members.push(live.connect("/ws/chat/room/").await?);
    }

    for n in 0..MESSAGES {
        members[0].send(&json!({"message": n.to_string()})).await?;
    }

    for member in &mut members {
        for n in 0..MESSAGES {
            assert_eq!(member.json().await?, json!({"message": n.to_string()}));
        }
    }
    drop(members);
    live.stop();
    live.ended().await
}

#[tokio::test]
async fn what_is_no_json_closes_with_a_reason() -> Result<()> {
    let live = Live::start(chat()).await?;
    let mut client = live.connect("/ws/chat/room/").await?;

    client.send(&json!(["not", "a", "message"])).await?;

    assert_eq!(client.close_code().await?, 1007);
    drop(client);
    live.stop();
    live.ended().await
}

#[tokio::test]
async fn unknown_path_is_refused_with_404() -> Result<()> {
    let live = Live::start(chat()).await?;

    let error = live
        .connect("/ws/nowhere/")
        .await
        .err()
        .expect("the handshake is refused");

    assert!(error.to_string().contains("404"), "{error}");
    live.stop();
    live.ended().await
}

/// Hears what is sent to its group as frames, and numbers what is sent as events.
struct Listener {
    group: Group<RoomEvent>,
    heard: usize,
}

impl WebSocketConsumer for Listener {
    type Event = RoomEvent;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> solent::Result {
        cx.join(&self.group).await?;
        cx.accept().await
    }

    async fn event(
        &mut self,
        cx: &mut WebSocketContext<RoomEvent>,
        _: &RoomEvent,
    ) -> solent::Result {
        self.heard += 1;
        // A handler that takes its time must not be overtaken by frames that were sent after its event.
        tokio::task::yield_now().await;
        cx.send(format!("event {}", self.heard)).await
    }
}

#[tokio::test]
async fn ready_frames_and_events_keep_their_order() -> Result<()> {
    let group: Group<RoomEvent> = Group::new("mixed")?;
    let listener = group.clone();
    let app = Solent::new().websocket(
        "ws/",
        Listener::application_with(move |_| {
            Ok(Listener {
                group: listener.clone(),
                heard: 0,
            })
        }),
    );
    let live = Live::start(app).await?;
    let (mut a, mut b) = (live.connect("/ws/").await?, live.connect("/ws/").await?);

    for n in 1..=30 {
        group
            .send(
                &live.layer,
                &RoomEvent::Message(Said {
                    message: String::new(),
                }),
            )
            .await?;
        let report = group.broadcast(&live.layer, format!("frame {n}")).await?;
        assert_eq!((report.delivered, report.dropped), (2, 0));
    }

    for client in [&mut a, &mut b] {
        for n in 1..=30 {
            assert_eq!(client.next().await?.to_text()?, format!("event {n}"));
            assert_eq!(client.next().await?.to_text()?, format!("frame {n}"));
        }
    }
    drop((a, b));
    live.stop();
    live.ended().await
}

/// Joins a group and says nothing.
struct Member(Group<NoEvents>);

impl WebSocketConsumer for Member {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        cx.join(&self.0).await?;
        cx.accept().await
    }
}

#[tokio::test]
async fn client_that_left_is_no_member_any_more() -> Result<()> {
    let group: Group<NoEvents> = Group::new("members")?;
    let member = group.clone();
    let app = Solent::new().websocket(
        "ws/",
        Member::application_with(move |_| Ok(Member(member.clone()))),
    );
    let live = Live::start(app).await?;
    let (staying, leaving) = (live.connect("/ws/").await?, live.connect("/ws/").await?);

    drop(leaving);

    // The server learns of it in its own time.
    tokio::time::timeout(super::live::PATIENCE, async {
        loop {
            let message = solent::layer::Message::ready(Frame::text("x"));
            if live
                .layer
                .group_send(group.name(), message)
                .await
                .is_ok_and(|report| report.delivered == 1)
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await?;
    drop(staying);
    live.stop();
    live.ended().await
}
