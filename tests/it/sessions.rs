use anyhow::{Context, Result};
use axum::{
    Extension, Router,
    routing::{get, post},
};
use serde_json::{Value, json};
use solent::{
    AuthScope, AuthStack, Json, NoEvents, Solent, WebSocketConsumer, WebSocketContext,
    auth::{
        Auth, AuthUser, UserBackend,
        passwords::{MemoryUser, MemoryUsers},
    },
    session::{SessionConfig, Sessions, TowerStore},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use super::live::{Live, PATIENCE};

/// A socket that knows what axum has put into its browser's session, and adds to it.
#[derive(Default)]
struct Basket;

impl WebSocketConsumer for Basket {
    type Input = Json<String>;
    type Event = NoEvents;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        cx.accept().await?;
        let items: Option<Vec<String>> = cx.scope().session()?.get("basket").await?;
        cx.send_json(&items).await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext,
        Json(item): Json<String>,
    ) -> solent::Result {
        let session = cx.scope().session()?.clone();
        let mut items: Vec<String> = session.get("basket").await?.unwrap_or_default();
        items.push(item);
        session.insert("basket", &items).await?;
        session.save().await?;
        cx.send_json(&items).await
    }
}

/// An axum application whose sessions are those of tower-sessions.
fn shop(store: MemoryStore) -> Router {
    let layer = SessionManagerLayer::new(store)
        .with_name("sessionid")
        .with_secure(false);
    Router::new()
        .route(
            "/shop/add",
            post(async |session: Session, item: String| {
                let mut items: Vec<String> =
                    session.get("basket").await.unwrap().unwrap_or_default();
                items.push(item);
                session.insert("basket", items).await.unwrap();
            }),
        )
        .route(
            "/shop/basket",
            get(async |session: Session| {
                let items: Option<Vec<String>> = session.get("basket").await.unwrap();
                json!(items).to_string()
            }),
        )
        .layer(layer)
}

/// The head and the body of a response.
async fn request(live: &Live, line: &str, cookie: &str, body: &str) -> Result<(String, String)> {
    let mut stream = TcpStream::connect(live.addr).await?;
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut response)).await??;
    let (head, body) = response.split_once("\r\n\r\n").context("no head")?;
    Ok((head.to_owned(), body.to_owned()))
}

/// A socket that says who its user is.
#[derive(Default)]
struct WhoAmI;

impl WebSocketConsumer for WhoAmI {
    type Input = Json<Value>;
    type Event = NoEvents;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        cx.accept().await?;
        let user = cx.scope().user::<MemoryUser>();
        cx.send_json(&user.map(|user| user.id().into_owned())).await
    }
}

async fn ann() -> Result<(MemoryUsers, MemoryUser)> {
    let users = MemoryUsers::default();
    users.set_password("ann", "correct horse").await?;
    let ann = users.find("ann").await?.context("no user")?;
    Ok((users, ann))
}

fn cookie_of(head: &str) -> Result<&str> {
    let cookies = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookies.and_then(|cookie| cookie.split(';').next());
    cookie.with_context(|| head.to_owned())
}

#[tokio::test]
async fn axum_inside_a_stack_logs_users_of_sockets_in_and_out() -> Result<()> {
    type Who = Extension<Auth<MemoryUser>>;
    let (users, ann) = ann().await?;
    let pages = Router::new()
        .route(
            "/in",
            post(async move |Extension(auth): Who| auth.login(ann).await.unwrap()),
        )
        .route(
            "/out",
            post(async |Extension(auth): Who| auth.logout().await.unwrap()),
        );
    let app = Solent::new()
        .websocket("ws/who/", WhoAmI::application())
        .mount_service("", pages)
        .middleware(&AuthStack::new(
            solent::session::MemoryStore::default(),
            users,
        ));
    let live = Live::start(app).await?;

    let (head, _) = request(&live, "POST /in", "", "").await?;
    let cookie = cookie_of(&head)?;
    let mut socket = live.connect_with("/ws/who/", [("cookie", cookie)]).await?;
    assert_eq!(socket.json().await?, json!("ann"));

    request(&live, "POST /out", cookie, "").await?;
    assert_eq!(socket.close_code().await?, 4401);
    let mut later = live.connect_with("/ws/who/", [("cookie", cookie)]).await?;
    assert_eq!(later.json().await?, Value::Null);
    live.stop();
    live.ended().await
}

#[tokio::test]
async fn user_that_axum_put_into_a_session_is_known_to_sockets() -> Result<()> {
    let (users, ann) = ann().await?;
    let hash = users.session_hash(&ann).context("no hash")?;
    let store = MemoryStore::default();
    let sessions = SessionManagerLayer::new(store.clone())
        .with_name("sessionid")
        .with_secure(false);
    let log_in = post(async move |session: Session| {
        session.cycle_id().await.unwrap();
        session.insert("_auth_user_id", "ann").await.unwrap();
        session
            .insert("_auth_user_backend", "memory")
            .await
            .unwrap();
        session.insert("_auth_user_hash", hash).await.unwrap();
    });
    let app = Solent::new()
        .websocket("ws/who/", WhoAmI::application())
        .middleware(&AuthStack::new(TowerStore::new(store), users))
        .mount_service("", Router::new().route("/in", log_in).layer(sessions));
    let live = Live::start(app).await?;

    let (head, _) = request(&live, "POST /in", "", "").await?;
    let mut socket = live
        .connect_with("/ws/who/", [("cookie", cookie_of(&head)?)])
        .await?;

    assert_eq!(socket.json().await?, json!("ann"));
    live.stop();
    live.ended().await
}

#[tokio::test]
async fn socket_and_axum_share_a_session() -> Result<()> {
    let store = MemoryStore::default();
    let sessions = Sessions::new(TowerStore::new(store.clone())).config(SessionConfig::default());
    let app = Solent::new()
        .websocket("ws/basket/", Basket::application())
        .middleware(&sessions)
        .mount_service("shop/", shop(store));
    let live = Live::start(app).await?;

    let (head, _) = request(&live, "POST /shop/add", "", "tea").await?;
    let cookie = cookie_of(&head)?;

    let mut socket = live
        .connect_with("/ws/basket/", [("cookie", cookie)])
        .await?;
    assert_eq!(socket.json().await?, json!(["tea"]));
    socket.send(&json!("milk")).await?;
    assert_eq!(socket.json().await?, json!(["tea", "milk"]));

    let (_, basket) = request(&live, "GET /shop/basket", cookie, "").await?;
    assert_eq!(
        serde_json::from_str::<Value>(&basket)?,
        json!(["tea", "milk"])
    );

    let mut stranger = live.connect("/ws/basket/").await?;
    assert_eq!(stranger.json().await?, Value::Null);
    live.stop();
    live.ended().await
}
