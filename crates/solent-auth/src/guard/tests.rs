use http::StatusCode;
use parking_lot::Mutex;
use solent_spec::{
    Application, Body, BoxApplication, Http, Result, WebSocket,
    http::Outbound as HttpOutbound,
    request::Feature,
    websocket::{CloseCode, Inbound, Outbound},
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};
use tokio::sync::{Notify, mpsc};

use super::*;

/// A watch that does what a test tells it.
struct Told(mpsc::UnboundedReceiver<Verdict>);

impl Watch for Told {
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(verdict)) => Poll::Ready(verdict),
            _ => Poll::Pending,
        }
    }
}

/// Guards the first connection that is made.
fn guarded<P: HttpProtocol>(
    inner: impl Application<P>,
) -> (mpsc::UnboundedSender<Verdict>, BoxApplication<P>) {
    let (tx, rx) = mpsc::unbounded_channel();
    let rx = Mutex::new(Some(rx));
    let inner = BoxApplication::new(inner);
    let outer = BoxApplication::new(move |connection: Connection<P>| {
        let rx = rx.lock().take();
        let (connection, guard) = guard(connection, Told(rx.expect("one connection")), GRACE);
        guard.around(inner.call(connection))
    });
    (tx, outer)
}

fn close() -> Verdict {
    Verdict::Close(Close::new(CloseCode::from_u16(4401), "logged out"))
}

async fn echo(mut connection: Connection<WebSocket>) -> Result {
    while let Some(event) = connection.receive().await {
        match event {
            Inbound::Connect => connection.send(Outbound::accept()).await?,
            Inbound::Message(frame) => connection.send(frame.into()).await?,
            Inbound::Disconnect(close) => {
                assert_eq!(close.code.as_u16(), 4401, "the application learns the code");
            }
        }
    }
    Ok(())
}

/// Accepts nothing and answers nothing.
async fn hesitate<P: HttpProtocol>(mut connection: Connection<P>) -> Result {
    for _ in 0..8 {
        let _ = connection.receive().await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn socket_is_closed_with_the_code_of_the_watch() {
    let (tell, application) = guarded(echo);
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();
    client.send_text("hello").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "hello");

    tell.send(close()).unwrap();

    let close = client.receive_close().await.unwrap();
    assert_eq!((close.code.as_u16(), &*close.reason), (4401, "logged out"));
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn client_of_a_socket_is_told_and_the_socket_stays() {
    let (tell, application) = guarded(echo);
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    tell.send(Verdict::Send("soon".into())).unwrap();

    assert_eq!(client.receive_text().await.unwrap(), "soon");
    client.send_text("still here").await.unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "still here");
}

#[tokio::test(start_paused = true)]
async fn handshake_without_an_answer_is_refused() {
    for (features, status) in [(vec![], 403), (vec![Feature::DenialResponse], 401)] {
        let (tell, application) = guarded(hesitate::<WebSocket>);
        let request = TestRequest::get("/").features(features);
        let mut client = WebSocketCommunicator::start(application, request).unwrap();

        tell.send(close()).unwrap();

        let rejection = client.connect().await.unwrap().rejected().unwrap();
        assert_eq!(rejection.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn request_without_an_answer_is_refused() {
    let (tell, application) = guarded(hesitate::<Http>);
    let mut client = HttpCommunicator::start(application, "/").unwrap();

    tell.send(close()).unwrap();

    let response = client.response().await.unwrap();
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn streamed_response_ends() {
    async fn stream(mut connection: Connection<Http>) -> Result {
        connection.feed(HttpOutbound::start(StatusCode::OK))?;
        connection.send(HttpOutbound::chunk("one")).await?;
        while connection.receive().await != Some(solent_spec::http::Inbound::Disconnect) {}
        assert!(connection.send(HttpOutbound::chunk("two")).await.is_err());
        Ok(())
    }
    let (tell, application) = guarded(stream);
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), "one");

    tell.send(close()).unwrap();

    assert_eq!(client.chunk().await.unwrap(), None);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn response_of_an_application_that_only_sends_ends() {
    async fn tick(mut connection: Connection<Http>) -> Result {
        connection.feed(HttpOutbound::start(StatusCode::OK))?;
        while connection.send(HttpOutbound::chunk("tick")).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }
    let (tell, application) = guarded(tick);
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), "tick");

    tell.send(close()).unwrap();

    client.wait().await.unwrap();
    while client.chunk().await.unwrap().is_some() {}
}

/// An application that waits for something else than its client is told when it sends the next time, and that is not sent.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_watch_has_spoken() {
    let publish = std::sync::Arc::new(Notify::new());
    let published = std::sync::Arc::clone(&publish);
    let (tell, application) = guarded(move |mut connection: Connection<Http>| {
        let published = std::sync::Arc::clone(&published);
        async move {
            connection.feed(HttpOutbound::start(StatusCode::OK))?;
            connection.send(HttpOutbound::chunk("one")).await?;
            published.notified().await;
            assert!(connection.send(HttpOutbound::chunk("two")).await.is_err());
            Ok(())
        }
    });
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), "one");

    tell.send(close()).unwrap();
    publish.notify_one();

    assert_eq!(client.chunk().await.unwrap(), None);
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn body_that_streams_on_its_own_ends() {
    /// One piece, and then none for ever.
    struct Endless(Option<&'static str>);
    impl http_body::Body for Endless {
        type Data = bytes::Bytes;
        type Error = solent_spec::BoxError;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>>>> {
            match self.0.take() {
                Some(piece) => Poll::Ready(Some(Ok(http_body::Frame::data(piece.into())))),
                None => Poll::Pending,
            }
        }
    }
    let (tell, application) = guarded(async |mut connection: Connection<Http>| {
        let body = Body::stream(Endless(Some("one")));
        Ok(connection.send(http::Response::new(body).into()).await?)
    });
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), "one");

    tell.send(close()).unwrap();

    assert_eq!(client.chunk().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn way_round_the_events_stays_open() {
    let found = std::sync::Arc::new(Notify::new());
    let notify = std::sync::Arc::clone(&found);
    let (_tell, application) = guarded(move |mut connection: Connection<WebSocket>| {
        let notify = std::sync::Arc::clone(&notify);
        async move {
            connection.receive().await;
            connection.send(Outbound::accept()).await?;
            if connection.direct().is_some() {
                notify.notify_one();
            }
            Ok(())
        }
    });
    let (_client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();

    found.notified().await;
}

/// What becomes of an application that waits for something else than its connection.
#[derive(Clone, Default)]
struct Fate {
    /// It was told that its connection is closed.
    told: std::sync::Arc<Notify>,
    /// It was dropped.
    dropped: std::sync::Arc<Notify>,
}

struct Dropped(std::sync::Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Fate {
    /// Answers with `events`, and never looks at its connection again.
    async fn deaf<P: HttpProtocol>(
        self,
        mut connection: Connection<P>,
        events: Vec<P::Outbound>,
    ) -> Result {
        let _dropped = Dropped(self.dropped);
        for event in events {
            connection.send(event).await?;
        }
        connection.closed().await;
        self.told.notify_one();
        std::future::pending().await
    }

    async fn is_told_and_dropped(&self) {
        self.told.notified().await;
        let told = tokio::time::Instant::now();
        self.dropped.notified().await;
        assert_eq!(told.elapsed().as_secs(), GRACE.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn socket_of_an_application_that_waits_for_something_else_is_closed_at_once() {
    let fate = Fate::default();
    let deaf = fate.clone();
    let (tell, application) = guarded(move |connection| {
        deaf.clone()
            .deaf::<WebSocket>(connection, vec![Outbound::accept()])
    });
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();
    let told = tokio::time::Instant::now();

    tell.send(Verdict::Send("soon".into())).unwrap();
    assert_eq!(client.receive_text().await.unwrap(), "soon");
    tell.send(close()).unwrap();

    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 4401);
    assert!(told.elapsed().is_zero());
    fate.is_told_and_dropped().await;
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn response_of_an_application_that_waits_for_something_else_ends_at_once() {
    let fate = Fate::default();
    let deaf = fate.clone();
    let (tell, application) = guarded(move |connection| {
        let events = vec![
            HttpOutbound::start(StatusCode::OK),
            HttpOutbound::chunk("one"),
        ];
        deaf.clone().deaf::<Http>(connection, events)
    });
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    assert_eq!(client.chunk().await.unwrap().unwrap(), "one");
    let told = tokio::time::Instant::now();

    tell.send(close()).unwrap();

    assert_eq!(client.chunk().await.unwrap(), None);
    assert!(told.elapsed().is_zero());
    fate.is_told_and_dropped().await;
    client.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn request_that_waits_for_something_else_is_refused_at_once() {
    let fate = Fate::default();
    let deaf = fate.clone();
    let (tell, application) =
        guarded(move |connection| deaf.clone().deaf::<Http>(connection, vec![]));
    let mut client = HttpCommunicator::start(application, "/").unwrap();

    tell.send(close()).unwrap();

    assert_eq!(client.response().await.unwrap().status, 401);
    fate.is_told_and_dropped().await;
}

#[tokio::test(start_paused = true)]
async fn application_that_ended_its_connection_itself_may_take_its_time() {
    const WORK: Duration = Duration::from_secs(100);
    async fn answer_and_work<P: HttpProtocol>(
        mut connection: Connection<P>,
        events: Vec<P::Outbound>,
        done: std::sync::Arc<Notify>,
    ) -> Result {
        for event in events {
            connection.send(event).await?;
        }
        tokio::time::sleep(WORK).await;
        done.notify_one();
        Ok(())
    }
    let done = std::sync::Arc::new(Notify::new());
    let notify = std::sync::Arc::clone(&done);
    let (tell, application) = guarded(move |connection| {
        answer_and_work::<Http>(connection, vec![HttpOutbound::text("ok")], notify.clone())
    });
    let mut client = HttpCommunicator::start(application, "/").unwrap();
    client.response().await.unwrap();
    tell.send(close()).unwrap();
    done.notified().await;

    let notify = std::sync::Arc::clone(&done);
    let (tell, application) = guarded(move |connection| {
        let events = vec![Outbound::accept(), Outbound::close()];
        answer_and_work::<WebSocket>(connection, events, notify.clone())
    });
    let (mut client, _) = WebSocketCommunicator::open(application, "/").await.unwrap();
    assert_eq!(client.receive_close().await.unwrap().code.as_u16(), 1000);
    tell.send(close()).unwrap();
    done.notified().await;
}
