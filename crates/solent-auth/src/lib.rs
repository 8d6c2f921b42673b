//! Who is there: cookies, sessions, users, tokens, origins and limits, as middleware for HTTP and WebSocket alike.
//!
//! [`AuthStack`] puts together what most applications need. It wraps them, and leaves in the scope of each connection who the
//! user is:
//!
//! ```
//! use std::borrow::Cow;
//!
//! use solent_auth::{
//!     AuthScope, AuthStack, AuthUser, BackendError, MemoryStore, UserBackend, authenticated, require,
//! };
//! use solent_spec::{
//!     BoxApplication, Connection, Http, Middleware, RequestScope, Result, WebSocket, http, websocket,
//! };
//! use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};
//!
//! struct Member(String);
//!
//! impl AuthUser for Member {
//!     fn id(&self) -> Cow<'_, str> {
//!         Cow::Borrowed(&self.0)
//!     }
//! }
//!
//! /// Everybody whose name has three letters; a database, in life.
//! struct Members;
//!
//! impl UserBackend for Members {
//!     type User = Member;
//!
//!     fn name(&self) -> &str {
//!         "members"
//!     }
//!
//!     async fn find(&self, id: &str) -> Result<Option<Member>, BackendError> {
//!         Ok((id.len() == 3).then(|| Member(id.to_owned())))
//!     }
//! }
//!
//! /// Takes everybody's word for who they are.
//! async fn login(mut connection: Connection<Http>) -> Result {
//!     let name = connection.scope().query().to_owned();
//!     connection.scope().auth::<Member>()?.clone().login(Member(name)).await?;
//!     Ok(connection.send(http::Outbound::text("Welcome.")).await?)
//! }
//!
//! async fn chat(mut connection: Connection<WebSocket>) -> Result {
//!     let member = connection.scope().user::<Member>().ok_or("nobody is there")?;
//!     connection.receive().await;
//!     connection.send(websocket::Outbound::accept()).await?;
//!     connection.send(websocket::Outbound::Message(format!("Hello, {}.", member.id()).into())).await?;
//!     while connection.receive().await.is_some() {}
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result {
//! let auth = AuthStack::new(MemoryStore::default(), Members);
//! let login = auth.wrap(BoxApplication::new(login));
//! let chat = auth.wrap(require(authenticated::<Member>()).wrap(BoxApplication::new(chat)));
//!
//! let response = HttpCommunicator::start(login, "/login/?ann")?.response().await?;
//! let cookie = response.header("set-cookie").ok_or("no cookie")?;
//!
//! let handshake = TestRequest::get("/chat/").header("cookie", cookie);
//! let (mut ann, _) = WebSocketCommunicator::open(chat.clone(), handshake).await?;
//! assert_eq!(ann.receive_text().await?, "Hello, ann.");
//!
//! let stranger = WebSocketCommunicator::start(chat, "/chat/")?.connect().await?;
//! assert_eq!(stranger.rejected()?.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! - [`Cookies`] that the browser sent; a [`CookieJar`] for those that it is to keep, which leave with the response or with
//!   the accept of a WebSocket.
//! - A [`Session`], what is remembered of a browser, read when it is first looked into; a [`SessionStore`], where it is kept:
//!   [`MemoryStore`], [`CookieStore`], in Redis, or in any store of tower-sessions.
//! - An [`AuthUser`], your type; a [`UserBackend`], which finds one by the id in a session; [`Auth`], who the user of a
//!   connection is, with `login` and `logout`; [`Identity`], the same for those that do not know your type.
//! - A [`Ticket`], the login of a browser that cannot be sent a cookie now, since it talks to an open WebSocket.
//! - A [`Check`], whether a request may be made; [`require`] asks it.
//! - [`Origins`], [`CrossSite`] and [`Csrf`] for what pages of other sites make browsers send; [`AllowedHosts`] and
//!   [`TrustedProxies`] for what is said of the connection itself.
//! - [`ConnectRate`] and [`MessageRate`], how much one client may ask for.
//!
//! # What it promises
//!
//! - A connection that shows no cookie costs no access to a store; one that is logged in costs a read of its session and one
//!   of its user.
//! - What a peer sends and cannot be verified makes it nobody, and an event for the log without the contents; never an error,
//!   and never the end of a session. A store out of reach is not taken for nobody: the connection is refused with 503.
//! - A login moves the session to a new key, and a user finds nothing of the one before in it. A new password ends every
//!   session of its user.
//! - An open connection ends when its login does: at once where a message says so, or within a
//!   [check's](AuthConfig::check_interval) time.
//! - Pages of other sites cannot use a login, unless they are [trusted](AuthStack::trust).
//! - Secrets are compared in constant time, made by the operating system's generator, and neither logged nor printed.
//!
//! # From Django
//!
//! The messages that close a user's connections are plain maps, and can be sent where Django notices a logout:
//!
//! ```python
//! @receiver(user_logged_out)
//! def close_sockets(sender, request, user, **kwargs):
//!     if user is not None:
//!         session = hashlib.sha256(request.session.session_key.encode()).hexdigest()
//!         message = {"type": "auth.logout", "session": session}
//!         async_to_sync(get_channel_layer().group_send)(f"auth_user_{user.pk}", message)
//! ```
//!
//! [`AuthStack`] has the table of them. Sessions and users of Django's are the crate `solent-django`'s.
//!
//! # What is not here
//!
//! No pages: a login form, a registration and a reset of passwords are the application's. No users: a backend is yours, or
//! `solent-django`'s. No protocols between sites, such as OAuth 2 or SAML: what these end with is a user to
//! [log in](Auth::login), or a token to verify.
//!
//! # Features
//!
//! - `tower-sessions` (default): stores of tower-sessions, and sessions shared with axum.
//! - `redis`: sessions in Redis.
//! - `jwt`: JSON Web Tokens.
//! - `passwords`: Argon2id, and users in memory.

// Before those that warn with it.
#[macro_use]
mod throttle;

mod cookie;
mod csrf;
mod gate;
mod guard;
mod host;
mod origin;
mod permission;
mod proxy;
mod rate;
mod response;
mod scope;
mod session;
mod spent;
mod stack;
mod threads;
mod ticket;
mod token;
mod url;
mod user;

#[cfg(feature = "passwords")]
pub mod passwords;

pub use self::cookie::{CookieError, Cookies, SameSite, Secure, SetCookie};
pub use self::csrf::{CrossSite, Csrf, CsrfConfig, CsrfError, CsrfScope, CsrfToken};
pub use self::host::AllowedHosts;
pub use self::origin::Origins;
pub use self::permission::{
    And, Asked, Authenticated, Check, Not, Or, Permission, Require, authenticated, permission,
    require,
};
pub use self::proxy::{ProxyConfig, ProxyHeaders, TrustedProxies};
pub use self::rate::{ConnectRate, MessageRate, Rate};
pub use self::response::CookieJar;
pub use self::scope::{AuthScope, NotInScope};
#[cfg(feature = "tower-sessions")]
pub use self::session::TowerStore;
pub use self::session::{
    CookieSecret, CookieStore, DynSessionStore, Expiry, InvalidKey, MemoryStore, Revision, Saved,
    Session, SessionConfig, SessionData, SessionError, SessionKey, SessionStore, Sessions,
    StoreError, Stored, WeakSecret,
};
#[cfg(feature = "redis")]
pub use self::session::{InvalidStoreUrl, RedisStore};
pub use self::spent::Spent;
pub use self::stack::{AuthConfig, AuthStack, OnFailure};
pub use self::threads::{Threads, ThreadsError, wait};
pub use self::ticket::{Ticket, Tickets};
#[cfg(feature = "jwt")]
pub use self::token::jwt;
pub use self::token::{
    Credential, FirstMessage, RefreshError, TokenConfig, TokenSource, TokenVerifier, TokenWarning,
    Tokens, Verified,
};
pub use self::user::{
    Auth, AuthError, AuthUser, Authenticate, BackendError, HashCheck, Identity, UserBackend,
    check_user, close_user, user_group,
};
