use std::{borrow::Cow, net::SocketAddr, time::SystemTime};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solent::{
    AuthScope, AuthStack, Group, HttpConsumer, HttpContext, Json, Refusal, Solent,
    WebSocketConsumer, WebSocketContext,
    auth::{
        AuthUser, Authenticate, BackendError, TokenConfig, TokenSource, TokenVerifier, Tokens,
        Verified,
        passwords::{MemoryUsers, Password},
    },
    layer::redis::{RedisLayerUrl, RedisPubSubLayer},
    session::RedisStore,
};
use solent_test_servers::{Log, RedisServer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::live::Live;

const PASSWORD: &str = "correct-horse-battery";
const WRONG: &str = "wrong-horse-battery";
const REDIS: &str = "redis-knows-this";
const TOKEN: &str = "token-of-bob-0123456789";
const BAD: &str = "token-of-mallory-0123456789";
const SAID: &str = "said-among-friends";
const ODD: &str = "odd-words-of-a-client";

/// Logs in whom its form names.
struct LogIn(MemoryUsers);

impl HttpConsumer for LogIn {
    type Event = solent::NoEvents;
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&mut self, cx: &mut HttpContext, form: Bytes) -> solent::Result {
        let password = Password::from_form(&form).ok_or(Refusal::new(StatusCode::BAD_REQUEST))?;
        match self.0.authenticate(password).await? {
            Some(user) => {
                cx.scope().auth()?.login(user).await?;
                cx.text("welcome").await
            }
            None => cx.status(StatusCode::FORBIDDEN).await,
        }
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "said")]
    Said { text: String },
}

#[derive(Deserialize)]
struct Saying {
    text: String,
}

#[derive(Default)]
struct Room;

impl WebSocketConsumer for Room {
    type Input = Json<Saying>;
    type Event = Event;

    async fn connect(&mut self, cx: &mut WebSocketContext<Event>) -> solent::Result {
        cx.join(&Group::new("room")?).await?;
        cx.accept().await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<Event>,
        Json(Saying { text }): Json<Saying>,
    ) -> solent::Result {
        cx.send_to(&Group::new("room")?, &Event::Said { text })
            .await?;
        Ok(())
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Event>, event: &Event) -> solent::Result {
        cx.forward(event).await
    }
}

struct Bob;

impl AuthUser for Bob {
    fn id(&self) -> Cow<'_, str> {
        "bob".into()
    }
}

struct Verifier;

impl TokenVerifier for Verifier {
    type User = Bob;

    async fn verify(
        &self,
        token: &str,
    ) -> std::result::Result<Option<Verified<Bob>>, BackendError> {
        let soon = SystemTime::now() + std::time::Duration::from_secs(3600);
        Ok((token == TOKEN).then(|| Verified::new(Bob).until(soon)))
    }
}

async fn ask(addr: SocketAddr, head: &str, body: &str) -> Result<String> {
    let mut socket = TcpStream::connect(addr).await?;
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer)?)
}

/// A whole run: logins, tokens, messages and faults, over sockets and Redis.
#[tokio::test]
async fn nothing_of_it_is_in_the_log_at_its_finest_level() -> Result<()> {
    let log = Log::new();
    let redis = RedisServer::builder().password(REDIS).start().await?;
    let users = MemoryUsers::default();
    users.set_password("ann", PASSWORD).await?;
    let auth = AuthStack::new(RedisStore::new(&redis.url())?, users.clone());
    let sources = [
        TokenSource::Bearer,
        TokenSource::query("token"),
        TokenSource::subprotocol("bearer."),
    ];
    let tokens = Tokens::new(Verifier)
        .from(sources)
        .config(TokenConfig::default());
    let layer: RedisLayerUrl = redis.url().parse()?;
    let known = users.clone();
    let app = Solent::new()
        .http(
            "login/",
            LogIn::application_with(move |_| Ok(LogIn(known.clone()))),
        )
        .websocket("ws/", Room::application())
        .layer(RedisPubSubLayer::new(layer.config)?)
        .middleware(&tokens)
        .middleware(&auth);
    let live = Live::start(app).await?;

    let form = format!("username=ann&password={PASSWORD}");
    let login = ask(live.addr, "POST /login/ HTTP/1.1", &form).await?;
    let cookie = login
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|cookie| cookie.split(';').next())
        .with_context(|| login.clone())?;
    let session = cookie.split_once('=').context("a cookie")?.1;
    let form = format!("username=ann&password={WRONG}");
    assert!(
        ask(live.addr, "POST /login/ HTTP/1.1", &form)
            .await?
            .starts_with("HTTP/1.1 403")
    );

    let mut ann = live.connect_with("/ws/", [("cookie", cookie)]).await?;
    let mut bob = live.connect(&format!("/ws/?token={TOKEN}")).await?;
    let _bad = live.connect(&format!("/ws/?token={BAD}")).await?;
    ann.send(&json!({ "text": SAID })).await?;
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.json().await?["text"], SAID);
    }
    // Not what the consumer reads, and not what HTTP is.
    bob.send(&json!({ ODD: ODD })).await?;
    bob.close_code().await?;
    ask(live.addr, &format!("GET /{ODD} HTTP/1.1\r\nX Y: {ODD}"), "").await?;
    ask(
        live.addr,
        &format!("GET /login/?{ODD} HTTP/1.1\r\nCookie: {ODD}"),
        "",
    )
    .await?;
    drop((ann, bob));
    live.stop();
    live.ended().await?;

    let text = log.text();
    assert!(
        text.contains("user logged in") && text.contains("refused a token"),
        "{text}"
    );
    for secret in [PASSWORD, WRONG, REDIS, TOKEN, BAD, SAID, session] {
        assert!(!text.contains(secret), "{secret} is in the log: {text}");
    }
    assert!(
        !text.contains(&format!("?{ODD}")) && !text.contains(&format!("\"{ODD}\"")),
        "{text}"
    );
    Ok(())
}
