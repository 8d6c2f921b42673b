//! Whole applications without a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use solent::{
    ChannelConsumer, ChannelContext, Group, HttpConsumer, HttpContext, NoEvents, RequestScope,
    Result, Solent, WebSocketConsumer, WebSocketContext,
    session::{MemoryStore, Session, Sessions},
    testing::TestRequest,
};

#[derive(Clone, Default)]
struct Counts(Arc<AtomicUsize>);

#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "type")]
enum Said {
    #[serde(rename = "said")]
    Said { text: String },
}

fn room() -> Group<Said> {
    Group::new("room").expect("the name is sound")
}

#[derive(Default)]
struct Chat;

impl WebSocketConsumer for Chat {
    type Input = String;
    type Event = Said;

    async fn connect(&mut self, cx: &mut WebSocketContext<Said>) -> Result {
        cx.join(&room()).await?;
        cx.accept().await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext<Said>, text: String) -> Result {
        let counts = cx.scope().state::<Counts>().ok_or("no state")?;
        counts.0.fetch_add(1, SeqCst);
        cx.send_to_channel(&"jobs".parse()?, &Said::Said { text })
            .await?;
        Ok(())
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Said>, event: &Said) -> Result {
        cx.forward(event).await
    }
}

/// Shouts what was said, in the room.
#[derive(Default)]
struct Shout;

impl ChannelConsumer for Shout {
    type Event = Said;

    async fn handle(
        &mut self,
        cx: &mut ChannelContext<Said>,
        Said::Said { text }: &Said,
    ) -> Result {
        let text = text.to_uppercase();
        cx.send_to(&room(), &Said::Said { text }).await?;
        Ok(())
    }
}

#[derive(Default)]
struct Visits;

impl HttpConsumer for Visits {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: bytes::Bytes) -> Result {
        let session = Session::of(cx.scope()).ok_or("no session")?;
        let visits = session.get::<u32>("visits").await?.unwrap_or_default() + 1;
        session.insert("visits", visits).await?;
        cx.json(&visits).await
    }
}

fn app(counts: &Counts) -> Solent {
    Solent::new()
        .state(counts.clone())
        .websocket("ws/chat/", Chat::application())
        .channel("jobs", Shout::application())
        .http("visits/", Visits::application())
        .middleware(&Sessions::new(MemoryStore::default()))
}

#[tokio::test(start_paused = true)]
async fn sockets_layer_and_worker_of_one_process_work_together() -> Result {
    let counts = Counts::default();
    let app = app(&counts).in_process().await?;
    let mut ann = app.websocket("/ws/chat/")?;
    ann.connect().await?.accepted()?;
    let mut bob = app.websocket("/ws/chat/")?;
    bob.connect().await?.accepted()?;

    ann.send_text("hello").await?;

    for client in [&mut ann, &mut bob] {
        let Said::Said { text } = client.receive_json().await?;
        assert_eq!(text, "HELLO");
    }
    assert_eq!(counts.0.load(SeqCst), 1);
    drop((ann, bob));
    Ok(app.stop().await?)
}

#[tokio::test(start_paused = true)]
async fn requests_come_through_the_middleware() -> Result {
    let app = app(&Counts::default()).in_process().await?;

    let first = app.http("/visits/")?.response().await?;
    let cookie = first
        .header("set-cookie")
        .and_then(|cookie| cookie.split(';').next());
    let again = TestRequest::get("/visits/").header("cookie", cookie.ok_or("no cookie")?);
    let second = app.http(again)?.response().await?;
    let nowhere = app.http("/nowhere/")?.response().await?;

    assert_eq!(second.text()?, "2");
    assert_eq!(nowhere.status, 404);
    Ok(app.stop().await?)
}

#[tokio::test(start_paused = true)]
async fn hooks_and_background_tasks_run_and_are_stopped() -> Result {
    let (ticks, ended) = (Counts::default(), Counts::default());
    let (counted, cleaned) = (ticks.clone(), ended.clone());
    let app = Solent::new()
        .background("tick", move |_| {
            let counted = counted.clone();
            async move {
                loop {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    counted.0.fetch_add(1, SeqCst);
                }
            }
        })
        .shutdown("clean", move |_| async move {
            cleaned.0.fetch_add(1, SeqCst);
            Ok(())
        });

    let app = app.in_process().await?;
    tokio::time::sleep(Duration::from_secs(3 * 60 + 1)).await;
    app.stop().await?;

    assert_eq!((ticks.0.load(SeqCst), ended.0.load(SeqCst)), (3, 1));
    Ok(())
}

#[tokio::test]
async fn faulty_routes_are_an_error_and_end_what_has_begun() {
    let cleaned = Counts::default();
    let counts = cleaned.clone();
    let app = Solent::new()
        .http("<int:>/", Visits::application())
        .shutdown("clean", move |_| async move {
            counts.0.fetch_add(1, SeqCst);
            Ok(())
        });

    assert!(app.in_process().await.is_err());
    assert_eq!(cleaned.0.load(SeqCst), 1);
}
