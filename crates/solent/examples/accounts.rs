//! Accounts: a login page, and messages that only their addressee sees, on every page that they have open.
//!
//! <http://127.0.0.1:8000/accounts/>. There are ada, grace and linus; the password of each is `solent`.

use bytes::Bytes;
use http::{Method, Response, header};
use serde::{Deserialize, Serialize};
use solent::{
    Application, Args, AuthScope, AuthStack, Error, Frame, Group, HttpConsumer, HttpContext, Json,
    NoEvents, Refusal, Result, Solent, StatusCode, WebSocketConsumer, WebSocketContext,
    auth::{
        AuthUser, Authenticate, authenticated,
        passwords::{MemoryUser, MemoryUsers, Password},
        require,
    },
    session::{DynSessionStore, MemoryStore},
    spec::Body,
};

const NAMES: [&str; 3] = ["ada", "grace", "linus"];

/// What one user tells another.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Letter {
    #[serde(rename = "letter")]
    Letter { from: String, text: String },
}

/// Every page that a user has open, in every browser.
fn pages_of(name: &str) -> Result<Group<Letter>> {
    Ok(Group::new(format!("letters_{name}"))?)
}

/// An open page.
struct Mailbox {
    owner: String,
}

/// What a page wants to be sent.
#[derive(Deserialize)]
struct Outgoing {
    to: String,
    text: String,
}

impl WebSocketConsumer for Mailbox {
    type Input = Json<Outgoing>;
    type Event = Letter;

    async fn connect(&mut self, cx: &mut WebSocketContext<Letter>) -> Result {
        cx.join(&pages_of(&self.owner)?).await?;
        cx.accept().await
    }

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<Letter>,
        Json(letter): Json<Outgoing>,
    ) -> Result {
        if !NAMES.contains(&&*letter.to) {
            return cx
                .send(Frame::from_json(
                    &serde_json::json!({"type": "unknown", "to": letter.to}),
                )?)
                .await;
        }
        let (from, text) = (self.owner.clone(), letter.text);
        cx.send_to(&pages_of(&letter.to)?, &Letter::Letter { from, text })
            .await?;
        Ok(())
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Letter>, letter: &Letter) -> Result {
        cx.forward(letter).await
    }
}

/// The login form's target.
struct LogIn {
    users: MemoryUsers,
}

impl HttpConsumer for LogIn {
    type Event = NoEvents;
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&mut self, cx: &mut HttpContext, form: Bytes) -> Result {
        let password = Password::from_form(&form).ok_or(Refusal::new(StatusCode::BAD_REQUEST))?;
        match self.users.authenticate(password).await? {
            Some(user) => {
                cx.scope().auth()?.login(user).await?;
                cx.redirect("/accounts/").await
            }
            None => cx.redirect("/accounts/login/?again").await,
        }
    }
}

/// The target of the logout button.
#[derive(Default)]
struct LogOut;

impl HttpConsumer for LogOut {
    type Event = NoEvents;
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        cx.scope().auth::<MemoryUser>()?.logout().await?;
        cx.redirect("/accounts/login/").await
    }
}

/// Who is logged in.
#[derive(Default)]
struct WhoAmI;

impl HttpConsumer for WhoAmI {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        let user = cx.scope().user::<MemoryUser>();
        let name = user.as_ref().map(|user| user.id());
        cx.json(&serde_json::json!({ "name": name })).await
    }
}

/// A page.
struct Page(&'static str);

impl HttpConsumer for Page {
    type Event = NoEvents;

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        let response = Response::builder()
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-cache")
            .body(Body::from(self.0))?;
        cx.respond(response).await
    }
}

/// What [`hash`](solent::auth::passwords::hash) makes of `solent`. It is the same in all processes that share sessions, since a
/// session ends when its user's password is changed.
const PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29sZW50IGRlbW8gc2FsdA$\
                        /nSvfTO7CLuIiFetsC47H3H65W5oDSEsoZ3jHfVz8bI";

/// A program with a database has a backend that asks it; this one makes its users up.
async fn sign_up(users: MemoryUsers) -> Result {
    for name in NAMES {
        users.set_hash(name, PASSWORD);
    }
    Ok(())
}

pub(crate) fn routes(app: Solent) -> Solent {
    routes_with(app, DynSessionStore::new(MemoryStore::default()))
}

/// The same with sessions elsewhere, for several processes.
pub(crate) fn routes_with(app: Solent, sessions: DynSessionStore) -> Solent {
    let users = MemoryUsers::default();
    let auth = AuthStack::new(sessions, users.clone());
    let members = require(authenticated::<MemoryUser>()).login_page("/accounts/login/");

    let page = |html| Page::application_with(move |_| Ok(Page(html)));
    let mailbox = Mailbox::application_with(|scope| {
        let owner = scope
            .user::<MemoryUser>()
            .ok_or(Refusal::new(StatusCode::UNAUTHORIZED))?;
        Ok(Mailbox {
            owner: owner.id().into_owned(),
        })
    });
    let log_in = {
        let users = users.clone();
        LogIn::application_with(move |_| {
            Ok(LogIn {
                users: users.clone(),
            })
        })
    };
    let home = page(include_str!("demo/pages/accounts.html")).inside(&members);

    app.startup("accounts", |_| sign_up(users))
        .http("accounts/", home.inside(&auth))
        .http(
            "accounts/login/",
            page(include_str!("demo/pages/login.html")),
        )
        .http("accounts/log-in", log_in.inside(&auth))
        .http("accounts/log-out", LogOut::application().inside(&auth))
        .http("accounts/me", WhoAmI::application().inside(&auth))
        .websocket("ws/accounts/", mailbox.inside(&auth))
}

fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let app = routes(Solent::new()).bind("127.0.0.1:8000");
    app.args(Args::from_env()).run()
}
