use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use solent::{Group, Json, RequestScope, Result, Solent, WebSocketConsumer, WebSocketContext};
use tokio_tungstenite::{connect_async, tungstenite::Message};

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

    async fn connect(&mut self, cx: &mut WebSocketContext<RoomEvent>) -> Result {
        cx.join(&self.room).await?;
        cx.accept().await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<RoomEvent>,
        Json(said): Json<Said>,
    ) -> Result {
        cx.send_to(&self.room, &RoomEvent::Message(said)).await?;
        Ok(())
    }

    async fn event(&mut self, cx: &mut WebSocketContext<RoomEvent>, event: &RoomEvent) -> Result {
        match event {
            RoomEvent::Message(said) => cx.send_json(said).await,
        }
    }
}

fn app() -> Solent {
    let chat = Chat::application_with(|scope| {
        let room: String = scope.param("room")?;
        Ok(Chat {
            room: Group::new(format!("chat_{room}"))?,
        })
    });
    Solent::new().websocket("ws/chat/<slug:room>/", chat)
}

#[tokio::test(start_paused = true)]
async fn everybody_hears_what_one_says() -> Result {
    let app = app().in_process().await?;
    let mut ada = app.websocket("/ws/chat/lobby/")?;
    ada.connect().await?.accepted()?;
    let mut bob = app.websocket("/ws/chat/lobby/")?;
    bob.connect().await?.accepted()?;

    ada.send_text(r#"{"message":"hello"}"#).await?;

    for client in [&mut ada, &mut bob] {
        assert_eq!(client.receive_text().await?, r#"{"message":"hello"}"#);
    }
    drop((ada, bob));
    Ok(app.stop().await?)
}

#[tokio::test]
async fn everybody_hears_it_over_a_socket() -> Result {
    let bound = app().bind("127.0.0.1:0").listen().await?;
    let url = format!("ws://{}/ws/chat/lobby/", bound.addresses()[0]);
    let handle = bound.handle();
    let serving = tokio::spawn(bound.serve());

    let (mut ada, _) = connect_async(&url).await?;
    let (mut bob, _) = connect_async(&url).await?;
    ada.send(Message::text(r#"{"message":"hello"}"#)).await?;

    for client in [&mut ada, &mut bob] {
        let heard = client.next().await.ok_or("the socket was closed")??;
        assert_eq!(heard.into_text()?, r#"{"message":"hello"}"#);
    }
    drop((ada, bob));
    handle.stop();
    Ok(serving.await??)
}

#[test]
fn tutorial_shows_the_tests_that_run_here() {
    let tutorial = include_str!("../../docs/tutorial.md");
    let without_space = |text: &str| text.split_whitespace().collect::<String>();
    let here = without_space(include_str!("tutorial.rs"));
    let shown = tutorial.split("#[tokio::test").skip(1);
    let shown: Vec<_> = shown.filter_map(|rest| rest.split("```").next()).collect();

    assert_eq!(shown.len(), 2);
    for test in shown {
        // It is laid out in another width there.
        assert!(here.contains(&without_space(test)), "{test}");
    }
}
