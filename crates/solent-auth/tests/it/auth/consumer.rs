//! Consumers behind a stack.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use solent_auth::{AuthConfig, AuthScope, AuthUser, close_user};
use solent_consumers::{Group, WebSocketConsumer, WebSocketContext, disconnects_finished};
use solent_layer::{ChannelLayer, DynLayer, Message};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    BoxApplication, Middleware, Result, WebSocket,
    websocket::{Close, Frame},
};
use solent_testing::{TestRequest, WebSocketCommunicator};
use tokio::time::{Instant, sleep};

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
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<Nothing>) -> Result {
        cx.join(&self.group).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext<Nothing>, _: Frame) -> Result {
        let user = cx.scope().user::<Person>().ok_or("no user is logged in")?;
        cx.send(user.id().into_owned()).await
    }

    async fn disconnect(&mut self, cx: &mut WebSocketContext<Nothing>, close: Close) -> Result {
        let user = cx.scope().user::<Person>().ok_or("no user is logged in")?;
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
    let room = Room::application_with(move |_| {
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

/// Works on each message for longer than any grace.
struct Busy {
    left: Arc<Mutex<Vec<String>>>,
}

impl WebSocketConsumer for Busy {
    type Event = Nothing;
    type Input = Frame;

    async fn receive(&mut self, _: &mut WebSocketContext<Nothing>, _: Frame) -> Result {
        sleep(Duration::from_secs(3600)).await;
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext<Nothing>, close: Close) -> Result {
        self.left.lock().unwrap().push(close.code.to_string());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn socket_of_a_busy_consumer_closes_at_once_and_its_disconnect_follows_after_the_grace() {
    const GRACE: Duration = Duration::from_secs(3);
    let (site, left) = (Site::new(), Arc::<Mutex<Vec<String>>>::default());
    let layer = DynLayer::new(MemoryLayer::default());
    let noted = Arc::clone(&left);
    let busy = Busy::application_with(move |_| {
        Ok(Busy {
            left: Arc::clone(&noted),
        })
    });
    let stack = site.stack().config(AuthConfig::default().grace(GRACE));
    let application = stack.wrap(BoxApplication::<WebSocket>::new(busy));
    let key = site.session_of("ann").await;
    let request = TestRequest::get("/")
        .state(layer.clone())
        .header("cookie", format!("sessionid={}", key.as_str()));
    let (mut client, _) = WebSocketCommunicator::open(application, request)
        .await
        .unwrap();
    client.send_text("work").await.unwrap();
    client.receive_nothing().await.unwrap();
    let told = Instant::now();

    close_user(&layer, "ann").await.unwrap();

    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    assert!(told.elapsed().is_zero());
    client.wait().await.unwrap();
    disconnects_finished().await;
    assert_eq!(told.elapsed().as_secs(), GRACE.as_secs());
    assert_eq!(*left.lock().unwrap(), ["4401"]);
}
