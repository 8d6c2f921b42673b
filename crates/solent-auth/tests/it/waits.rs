//! Gates, guards and handlers that wait, and clients that are heard all the same.

use std::{borrow::Cow, future::IntoFuture, time::Duration};

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use solent_auth::{
    AuthUser, BackendError, FirstMessage, TokenConfig, TokenSource, TokenVerifier, Tokens, Verified,
};
use solent_consumers::{WebSocketConsumer, WebSocketContext};
use solent_server::{Server, ServerConfig, ServerHandle, UnixSocket};
use solent_spec::{
    BoxApplication, Middleware, Result, WebSocket,
    websocket::{Close, Frame},
};
use tokio::{
    net::UnixStream,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// What waits does so for longer than a ping and its timeout, by default.
const LONG: Duration = Duration::from_secs(45);

/// Long enough for anything but what waits.
const SOON: Duration = Duration::from_secs(1);

/// A user directory that takes its time.
struct Slow;

struct Person;

impl AuthUser for Person {
    fn id(&self) -> Cow<'_, str> {
        "ann".into()
    }
}

impl TokenVerifier for Slow {
    type User = Person;

    async fn verify(&self, _: &str) -> Result<Option<Verified<Person>>, BackendError> {
        sleep(LONG).await;
        Ok(Some(Verified::new(Person)))
    }

    async fn holds(&self, _: &Person) -> Result<bool, BackendError> {
        sleep(LONG).await;
        Ok(true)
    }
}

#[derive(Deserialize)]
struct Due {}

/// Takes its time in the handler that its client's message names.
struct Waiting {
    seen: mpsc::UnboundedSender<String>,
}

impl WebSocketConsumer for Waiting {
    type Event = Due;
    type Input = Frame;

    async fn receive(&mut self, cx: &mut WebSocketContext<Due>, frame: Frame) -> Result {
        match frame.as_text().unwrap_or_default() {
            "after" => drop(cx.after(Duration::ZERO, Due {})),
            "every" => drop(cx.every(SOON, Due {})),
            "echo" => cx.send(frame).await?,
            _ => {}
        }
        Ok(())
    }

    async fn event(&mut self, _: &mut WebSocketContext<Due>, _: &Due) -> Result {
        self.seen.send("begun".into())?;
        sleep(LONG).await;
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut WebSocketContext<Due>, close: Close) -> Result {
        self.seen.send(format!("leaves {}", close.code.as_u16()))?;
        sleep(LONG).await;
        self.seen.send("left".into())?;
        Ok(())
    }
}

struct Serving {
    path: std::path::PathBuf,
    handle: ServerHandle,
    seen: mpsc::UnboundedReceiver<String>,
}

impl Serving {
    /// Serves the consumer on a Unix socket, where what is written arrives at once, so that the clock may be paused.
    async fn start(
        name: &str,
        wrap: impl FnOnce(BoxApplication<WebSocket>) -> BoxApplication<WebSocket>,
        config: ServerConfig,
    ) -> Self {
        let (tx, seen) = mpsc::unbounded_channel();
        let consumer = Waiting::application_with(move |_| Ok(Waiting { seen: tx.clone() }));
        let path =
            std::env::temp_dir().join(format!("solent-waits-{name}-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let server = Server::new(config).websocket(wrap(BoxApplication::new(consumer)));
        let bound = server.bind(UnixSocket::new(&path).into()).await.unwrap();
        let handle = bound.handle();
        tokio::spawn(bound.into_future());
        Self { path, handle, seen }
    }

    async fn connect(&self) -> Client {
        let stream = UnixStream::connect(&self.path).await.unwrap();
        let (socket, _) = client_async("ws://example.org/", stream).await.unwrap();
        Client(socket)
    }

    async fn sees(&mut self, what: &str) {
        let seen = timeout(LONG * 2, self.seen.recv()).await.unwrap();
        assert_eq!(seen.as_deref(), Some(what));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Client(WebSocketStream<UnixStream>);

impl Client {
    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Asks whether the server is there, and waits for the answer.
    async fn is_answered(&mut self) {
        let now = Instant::now();
        self.0.send(Message::Ping("there?".into())).await.unwrap();
        while !matches!(self.next().await, Message::Pong(_)) {}
        assert!(now.elapsed() <= SOON, "{:?}", now.elapsed());
    }

    /// Answers the server's pings for so long.
    async fn stays_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let left = until - Instant::now();
            match timeout(left, self.0.next()).await {
                Ok(Some(Ok(Message::Ping(_)))) => self.0.flush().await.unwrap(),
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
    }

    async fn next(&mut self) -> Message {
        let next = timeout(LONG * 2, self.0.next()).await.unwrap();
        next.unwrap().unwrap()
    }

    async fn text(&mut self) -> String {
        loop {
            if let Message::Text(text) = self.next().await {
                return text.as_str().to_owned();
            }
        }
    }

    /// Closes, and is answered at once.
    async fn leaves(mut self) {
        let now = Instant::now();
        self.0.close(None).await.unwrap();
        while !matches!(self.0.next().await, Some(Ok(Message::Close(_)))) {}
        assert!(self.0.next().await.is_none());
        assert!(now.elapsed() <= SOON, "{:?}", now.elapsed());
    }
}

fn behind_a_first_message() -> Tokens<Slow> {
    let first = FirstMessage::default().timeout(LONG * 2);
    let config = TokenConfig::default()
        .verify_timeout(LONG * 2)
        .interval(LONG);
    Tokens::new(Slow)
        .from([TokenSource::FirstMessage(first)])
        .config(config)
}

#[tokio::test(start_paused = true)]
async fn client_is_heard_while_a_gate_waits_for_it_and_for_a_slow_verifier() {
    let tokens = behind_a_first_message();
    let serving = Serving::start("gate", |inner| tokens.wrap(inner), ServerConfig::default()).await;
    let mut client = serving.connect().await;
    client.is_answered().await;
    client.stays_for(LONG).await;

    client.say(r#"{"type": "auth.token", "token": "x"}"#).await;
    client.say("echo").await;
    client.is_answered().await;
    client.stays_for(LONG - SOON * 2).await;

    assert_eq!(client.text().await, r#"{"type":"auth.accepted"}"#);
    assert_eq!(client.text().await, "echo");
    client.leaves().await;
    serving.handle.stop();
}

#[tokio::test(start_paused = true)]
async fn close_is_answered_while_a_gate_waits_for_a_slow_verifier() {
    let tokens = behind_a_first_message();
    let serving = Serving::start("late", |inner| tokens.wrap(inner), ServerConfig::default()).await;
    let mut client = serving.connect().await;
    client.say(r#"{"type": "auth.token", "token": "x"}"#).await;
    client.is_answered().await;

    client.leaves().await;
}

#[tokio::test(start_paused = true)]
async fn client_is_heard_and_served_while_a_guard_asks_a_slow_directory() {
    let tokens = behind_a_first_message();
    let serving =
        Serving::start("guard", |inner| tokens.wrap(inner), ServerConfig::default()).await;
    let mut client = serving.connect().await;
    client.say(r#"{"type": "auth.token", "token": "x"}"#).await;
    client.text().await;

    // Checks follow one another, and one takes as long as the pause between them.
    for _ in 0..5 {
        client.stays_for(LONG / 2).await;
        client.is_answered().await;
        client.say("echo").await;
        assert_eq!(client.text().await, "echo");
    }
    client.leaves().await;
}

#[tokio::test(start_paused = true)]
async fn client_is_heard_while_the_handler_of_a_timer_takes_its_time() {
    for timer in ["after", "every"] {
        let config = ServerConfig::default();
        let mut serving = Serving::start(timer, |inner| inner, config).await;
        let mut client = serving.connect().await;
        client.say(timer).await;
        serving.sees("begun").await;
        for _ in 0..3 {
            client.is_answered().await;
            client.stays_for(LONG / 4).await;
        }

        client.leaves().await;
    }
}

#[tokio::test(start_paused = true)]
async fn socket_is_over_at_once_however_long_its_disconnect_takes() {
    let config = ServerConfig::default();
    let mut serving = Serving::start("disconnect", |inner| inner, config).await;
    let client = serving.connect().await;

    client.leaves().await;

    serving.sees("leaves 1005").await;
    let other = serving.connect().await;
    other.leaves().await;
    serving.sees("leaves 1005").await;
    serving.sees("left").await;
}
