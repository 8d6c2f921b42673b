//! Notifications: what one HTTP POST says, every open page shows.
//!
//! `curl -d 'Lunch is ready' http://127.0.0.1:8000/notify`

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use solent::{
    Args, Error, Frame, Group, HttpConsumer, HttpContext, NoEvents, Result, Solent, StatusCode,
    WebSocketConsumer, WebSocketContext,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Notification {
    #[serde(rename = "notify")]
    Notify { text: String },
}

fn everybody() -> Group<Notification> {
    "notifications".parse().expect("the name is plain letters")
}

/// An open page.
#[derive(Default)]
struct Page;

impl WebSocketConsumer for Page {
    type Event = Notification;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext<Notification>) -> Result {
        cx.join(&everybody()).await?;
        cx.accept().await
    }

    async fn event(
        &mut self,
        cx: &mut WebSocketContext<Notification>,
        notification: &Notification,
    ) -> Result {
        cx.forward(notification).await
    }
}

/// The POST.
#[derive(Default)]
struct Notify;

impl HttpConsumer for Notify {
    type Event = NoEvents;
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&mut self, cx: &mut HttpContext, body: Bytes) -> Result {
        let text = String::from_utf8_lossy(&body).into_owned();
        cx.send_to(&everybody(), &Notification::Notify { text })
            .await?;
        cx.status(StatusCode::NO_CONTENT).await
    }
}

pub(crate) fn routes(app: Solent) -> Solent {
    app.websocket("ws/notifications/", Page::application())
        .http("notify", Notify::application())
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
}
