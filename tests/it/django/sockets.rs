//! An application of ours beside the project, with the same secret key, database and Redis.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use solent::{
    Frame, HttpConsumer, HttpContext, NoEvents, RequestScope, Solent, WebSocketConsumer,
    WebSocketContext,
    layer::{
        DynLayer,
        redis::{RedisLayerUrl, RedisPubSubLayer},
    },
};
use solent_auth::{AuthConfig, AuthScope, AuthStack, Authenticate, passwords::Password};
use solent_django::{
    Database, DjangoUser, DjangoUsers, Membership, PrimaryKey, UserTable,
    password::{Hasher, Passwords},
    session::{
        CacheSessions, CachedDatabaseSessions, DatabaseSessions, FileSessions, RedisCache,
        SignedCookieSessions,
    },
    signing::SecretKeys,
};
use solent_session::DynSessionStore;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use super::{
    browser::Browser,
    scene::{Engine, Model, SECRET_KEY, Scene},
};
use crate::live::{Client, Live, PATIENCE};

/// What the project hashes passwords with.
const HASHER: Hasher = Hasher::Pbkdf2Sha256 { iterations: 1000 };

/// An application that serves. It ends with the test.
pub(super) struct Sockets {
    live: Live,
    /// Where the pages are from whose browsers connect.
    origin: String,
}

/// A socket, and who it said its user is.
pub(super) struct Socket {
    client: Client,
    pub(super) who: Value,
}

impl Sockets {
    /// An application that looks at a session when it is told to, and else never again.
    pub(super) async fn start(scene: &Scene) -> Result<Self> {
        Self::with(scene, SecretKeys::new(SECRET_KEY)?, Duration::ZERO).await
    }

    /// An application with other keys, or one that looks again at intervals.
    pub(super) async fn with(
        scene: &Scene,
        keys: SecretKeys,
        check_interval: Duration,
    ) -> Result<Self> {
        let database = Database::open(&scene.database.url())?;
        let users = DjangoUsers::new(database.clone(), keys.clone())
            .table(table(scene.model))?
            .passwords(Passwords::new(HASHER));
        let stack = AuthStack::new(store(scene, &database, &keys)?, users.clone())
            .config(AuthConfig::default().check_interval(check_interval))
            .trust(scene.django())
            .unwrap();
        let layer: RedisLayerUrl = scene.redis_url().parse()?;
        let app = Solent::new()
            .websocket("ws/who/", Who::application())
            .http("whoami/", WhoAmI::application())
            .http(
                "login/",
                Login::application_with(move |_| Ok(Login(users.clone()))),
            )
            .http("logout/", Logout::application())
            .http("remember/", Remember::application())
            .middleware(&stack)
            .layer(DynLayer::new(RedisPubSubLayer::new(layer.config)?));
        Ok(Self {
            live: Live::start(app).await?,
            origin: scene.django(),
        })
    }

    /// Connects as a page of Django's does in this browser.
    pub(super) async fn connect(&self, browser: &Browser) -> Result<Socket> {
        self.connect_from(&self.origin, browser).await
    }

    /// Connects as a page from elsewhere.
    pub(super) async fn connect_from(&self, origin: &str, browser: &Browser) -> Result<Socket> {
        let cookies = browser.cookie_header();
        let mut headers = vec![("origin", origin)];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let mut client = self.live.connect_with("/ws/who/", headers).await?;
        let who = client.json().await?;
        Ok(Socket { client, who })
    }

    /// The status that a handshake is refused with.
    pub(super) async fn refusal(&self, origin: &str, browser: &Browser) -> Result<StatusCode> {
        let Err(error) = self.connect_from(origin, browser).await else {
            anyhow::bail!("not refused");
        };
        match error.downcast()? {
            tungstenite::Error::Http(response) => Ok(response.status()),
            error => Err(error.into()),
        }
    }

    pub(super) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.live.addr)
    }

    /// Logs in at the consumer; who one is then.
    pub(super) async fn login(
        &self,
        browser: &mut Browser,
        name: &str,
        password: &str,
    ) -> Result<Value> {
        let form = json!({"name": name, "password": password});
        self.post(browser, "/login/", &form).await
    }

    pub(super) async fn logout(&self, browser: &mut Browser) -> Result<Value> {
        self.post(browser, "/logout/", &json!({})).await
    }

    pub(super) async fn post(
        &self,
        browser: &mut Browser,
        path: &str,
        value: &Value,
    ) -> Result<Value> {
        let page = browser.post_json(&self.page(path), value).await?;
        ensure!(
            page.status == StatusCode::OK,
            "{path}: {} {}",
            page.status,
            page.body
        );
        Ok(serde_json::from_str(&page.body)?)
    }
}

impl Socket {
    /// Whether the user has a permission.
    pub(super) async fn may(&mut self, permission: &str) -> Result<bool> {
        self.client.send(&json!(permission)).await?;
        self.client
            .json()
            .await?
            .as_bool()
            .context("neither yes nor no")
    }

    /// Waits until the socket is closed because its user is not logged in any more.
    pub(super) async fn closed(mut self) -> Result<()> {
        // In all, as pings come all the time.
        let closing = timeout(PATIENCE, self.client.close_code()).await;
        let code = closing.context("the socket stays open")??;
        ensure!(code == 4401, "closed with {code}");
        Ok(())
    }
}

fn store(scene: &Scene, database: &Database, keys: &SecretKeys) -> Result<DynSessionStore> {
    let rows = || DatabaseSessions::new(database.clone(), keys.clone());
    let cache = || RedisCache::open(&scene.redis_url());
    Ok(match scene.engine {
        Engine::Db => DynSessionStore::new(rows()),
        Engine::Cache => DynSessionStore::new(CacheSessions::new(cache()?)),
        Engine::CachedDb => DynSessionStore::new(CachedDatabaseSessions::new(rows(), cache()?)),
        Engine::File => {
            DynSessionStore::new(FileSessions::new(keys.clone()).path(scene.folder.path()))
        }
        Engine::SignedCookies => DynSessionStore::new(SignedCookieSessions::new(keys.clone())),
    })
}

fn table(model: Model) -> UserTable {
    match model {
        Model::User => UserTable::default(),
        Model::Member => {
            let membership =
                |of: &str| Some(Membership::new(format!("members_member_{of}"), "member_id"));
            UserTable::bare("members", "Member")
                .primary_key("uid", PrimaryKey::Uuid)
                .username("address")
                .email(Some("address"))
                .is_active(Some("is_active"))
                .is_superuser(Some("is_superuser"))
                .groups(membership("groups"))
                .permissions(membership("user_permissions"))
        }
    }
}

/// What Django's page of the same name says.
fn who(scope: &impl RequestScope) -> Value {
    use solent_auth::AuthUser;

    let Some(user) = scope.user::<DjangoUser>() else {
        return json!({"id": null});
    };
    let sorted = |names: &mut dyn Iterator<Item = &str>| {
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    json!({
        "id": user.id(),
        "name": user.username(),
        "groups": sorted(&mut user.groups()),
        "permissions": sorted(&mut user.permissions()),
    })
}

/// Says who the user is, and then what the user may do.
#[derive(Default)]
struct Who;

impl WebSocketConsumer for Who {
    type Event = NoEvents;
    type Input = Frame;

    async fn connect(&mut self, cx: &mut WebSocketContext) -> solent::Result {
        cx.accept().await?;
        let who = who(cx.scope());
        cx.send_json(&who).await
    }

    async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> solent::Result {
        use solent_auth::AuthUser;

        let permission: String = serde_json::from_str(frame.as_text().ok_or("text, please")?)?;
        let user = cx.scope().user::<DjangoUser>();
        let may = user.is_some_and(|user| user.has_permission(&permission));
        cx.send_json(&may).await
    }
}

#[derive(Default)]
struct WhoAmI;

impl HttpConsumer for WhoAmI {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> solent::Result {
        let who = who(cx.scope());
        cx.json(&who).await
    }
}

struct Login(DjangoUsers);

#[derive(Deserialize)]
struct Form {
    name: String,
    password: String,
}

impl HttpConsumer for Login {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, body: Bytes) -> solent::Result {
        let form: Form = serde_json::from_slice(&body)?;
        let credentials = Password::new(form.name, form.password);
        if let Some(user) = self.0.authenticate(credentials).await? {
            let auth = cx.scope().auth::<DjangoUser>()?.clone();
            auth.login(user).await?;
        }
        let who = who(cx.scope());
        cx.json(&who).await
    }
}

#[derive(Default)]
struct Logout;

impl HttpConsumer for Logout {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> solent::Result {
        let auth = cx.scope().auth::<DjangoUser>()?.clone();
        auth.logout().await?;
        let who = who(cx.scope());
        cx.json(&who).await
    }
}

/// Puts what is sent into the session, and says what is there then.
#[derive(Default)]
struct Remember;

impl HttpConsumer for Remember {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, body: Bytes) -> solent::Result {
        let values: BTreeMap<String, Value> = serde_json::from_slice(&body)?;
        let session = cx.scope().session()?.clone();
        for (name, value) in values {
            session.insert(&name, &value).await?;
        }
        let data = session.data().await?;
        cx.json(&data).await
    }
}
