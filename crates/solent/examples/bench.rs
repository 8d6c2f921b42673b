//! What benchmarks measure: echo, two kinds of chat, and plain HTTP, written as an application would be.
//!
//! `cargo run --profile dist --example bench -- --bind 127.0.0.1:8000 --threads 1 [--deflate] [--layer URL]`

use std::{num::NonZeroUsize, thread};

use serde::{Deserialize, Serialize};
use solent::{
    Args, Frame, Group, HttpConsumer, HttpContext, Json, NoEvents, RequestScope, Result, Solent,
    WebSocketConsumer, WebSocketContext,
    server::{DeflateConfig, ServerConfig, WebSocketConfig},
    spec::{Connection, Http},
};

#[path = "demo/memory.rs"]
mod memory;

/// Sends every message back.
#[derive(Default)]
struct Echo;

impl WebSocketConsumer for Echo {
    type Event = NoEvents;
    type Input = Frame;

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
        cx.send(frame).await
    }
}

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

/// Sends every message to its room, as an event that each member handles.
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

/// Sends every message to its room, as a frame that is ready for all clients.
struct Broadcast {
    room: Group<NoEvents>,
}

impl WebSocketConsumer for Broadcast {
    type Input = Json<Said>;
    type Event = NoEvents;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        cx.join(&self.room).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, Json(said): Json<Said>) -> Result {
        cx.broadcast(&self.room, Frame::from_json(&said)?).await?;
        Ok(())
    }
}

async fn plain(mut connection: Connection<Http>) -> Result {
    connection
        .send(solent::spec::http::Outbound::text("Hello world!"))
        .await?;
    Ok(())
}

#[derive(Default)]
struct EchoBody;

impl HttpConsumer for EchoBody {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, body: bytes::Bytes) -> Result {
        cx.respond(http::Response::new(body.into())).await
    }
}

fn main() -> Result {
    thread::spawn(memory::return_to_system);
    let args = Args::with_flags(&[("--deflate", "compress messages where a client can")]);
    tracing_subscriber::fmt().init();
    let deflate = args.has("--deflate").then(DeflateConfig::default);
    // The public conformance suite sends messages of 16 MiB.
    let websocket = WebSocketConfig::default()
        .max_message(64 * 1024 * 1024)
        .deflate(deflate);
    Solent::new()
        .websocket("ws/echo/", Echo::application())
        .websocket(
            "ws/chat/<slug:room>/",
            Chat::application_with(|scope| {
                Ok(Chat {
                    room: Group::new(format!("chat_{}", scope.param::<String>("room")?))?,
                })
            }),
        )
        .websocket(
            "ws/broadcast/<slug:room>/",
            Broadcast::application_with(|scope| {
                Ok(Broadcast {
                    room: Group::new(format!("broadcast_{}", scope.param::<String>("room")?))?,
                })
            }),
        )
        .http("plain", plain)
        .http("echo", EchoBody::application())
        .config(ServerConfig::default().websocket(websocket))
        .bind("127.0.0.1:8000")
        .threads(NonZeroUsize::MIN)
        .args(args)
        .run()?;
    Ok(())
}
