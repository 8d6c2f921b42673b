//! A chat: every client of a room gets what the others send.

use serde::{Deserialize, Serialize};
use solent::{
    Args, Error, Group, Json, RequestScope, Result, Solent, WebSocketConsumer, WebSocketContext,
};

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

    async fn event(
        &mut self,
        cx: &mut WebSocketContext<RoomEvent>,
        RoomEvent::Message(said): &RoomEvent,
    ) -> Result {
        cx.forward(said).await
    }
}

pub(crate) fn routes(app: Solent) -> Solent {
    let chat = Chat::application_with(|scope| {
        let room: String = scope.param("room")?;
        Ok(Chat {
            room: Group::new(format!("chat_{room}"))?,
        })
    });
    app.websocket("ws/chat/<slug:room>/", chat)
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
}
