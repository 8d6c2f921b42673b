//! Consumers behind a stack.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use solent_auth::{AuthScope, AuthUser, close_user};
use solent_consumers::{Group, WebSocketConsumer, WebSocketContext, websocket_consumer};
use solent_layer::{ChannelLayer, DynLayer, Message};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    BoxApplication, Middleware, Result, WebSocket,
    websocket::{Close, Frame},
};
use solent_testing::{TestRequest, WebSocketCommunicator};

use super::site::{Person, Site};

#[derive(Serialize, Deserialize)]
struct Nothing {}

/// Says who left, and why.
struct Room {
    group: Group<Nothing>,
    left: Arc<Mutex<Vec<String>>>,
}

impl WebSocketConsumer for Room {
    type Event = Nothing;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> Result {
        cx.join(&self.group).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, _: Frame) -> Result {
        let user = cx.scope().user::<Person>().ok_or("nobody")?;
        cx.send(user.id().into_owned()).await
    }

    async fn disconnect(&mut self, cx: &mut WebSocketContext, close: Close) -> Result {
        let user = cx.scope().user::<Person>().ok_or("nobody")?;
        let line = format!("{} {}", user.id(), close.code);
        self.left.lock().unwrap().push(line);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn consumer_is_told_that_its_user_is_gone_and_who_it_was() {
    let site = Site::new();
    let layer = DynLayer::new(MemoryLayer::default());
    let left = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&left);
    let room = websocket_consumer(move |_| {
        Ok(Room {
            group: Group::new("room")?,
            left: Arc::clone(&noted),
        })
    });
    let application = site.stack().wrap(BoxApplication::<WebSocket>::new(room));
    let key = site.session_of("ann").await;
    let request = TestRequest::get("/")
        .state(layer.clone())
        .header("cookie", format!("sessionid={}", key.as_str()));
    let (mut client, _) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();

    client.send_text("who am I?").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "ann");
    let ready = Message::ready("to all");
    layer
        .group_send(&"room".parse().unwrap(), ready)
        .await
        .unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "to all");

    close_user(&layer, "ann").await.unwrap();
    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    client.wait().await.unwrap();
    assert_eq!(*left.lock().unwrap(), ["ann 4401"]);
}
