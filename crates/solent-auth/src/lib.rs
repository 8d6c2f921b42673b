//! Who the user is: logins, tokens and permissions, as middleware for HTTP and WebSockets alike.
//!
//! [`AuthStack`] puts together what most applications need. It wraps them, and leaves in the scope of each connection who the
//! user is:
//!
//! ```
//! use std::borrow::Cow;
//!
//! use solent_auth::{
//!     AuthScope, AuthStack, AuthUser, BackendError, UserBackend, authenticated, require,
//! };
//! use solent_session::MemoryStore;
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
//! /// Users whose names have three letters; a database, in life.
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
//! /// Logs in under any name, without a password.
//! async fn login(mut connection: Connection<Http>) -> Result {
//!     let name = connection.scope().query().to_owned();
//!     connection.scope().auth::<Member>()?.clone().login(Member(name)).await?;
//!     Ok(connection.send(http::Outbound::text("Welcome.")).await?)
//! }
//!
//! async fn chat(mut connection: Connection<WebSocket>) -> Result {
//!     let member = connection.scope().user::<Member>().ok_or("no user is logged in")?;
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
//! # What do I write, and what do I get?
//!
//! Your type of users implements [`AuthUser`], and a [`UserBackend`] finds one by the id that a session keeps. [`AuthStack`] puts
//! both together with a store of `solent-session` and the checks of `solent-edge`. Applications inside it ask
//! [`scope.user()`](AuthScope::user), and [`Auth`] logs in and out.
//!
//! # Who may make a request?
//!
//! [`require`] asks a [`Check`]: [`authenticated`], [`permission`], a function, or your own.
//!
//! # What about clients without cookies?
//!
//! [`Tokens`] knows users by what a request brings: a header, a subprotocol, the query, the first message. A [`TokenVerifier`] says
//! whose a token is; `solent-jwt` has one for JSON Web Tokens. A [`Ticket`] turns a login on an open WebSocket into a cookie.
//!
//! # What ends an open connection?
//!
//! The end of its login: at once where a message says so, or within a [check's](AuthConfig::check_interval) time. A new password
//! ends every session of its user.
//!
//! # What does a connection cost?
//!
//! One that shows no cookie costs no access to a store. One that is logged in costs a read of its session and one of its user.
//!
//! # What if something is wrong?
//!
//! A client whose credentials cannot be verified is anonymous. That is logged without the credentials and is never an error. If a
//! store cannot be reached, the connection is refused with 503: that is not taken for an anonymous user. Secrets are compared in
//! constant time, and neither logged nor printed.
//!
//! # How does Django close a user's connections?
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
//! # What is not here?
//!
//! No pages: a login form, a registration and a reset of passwords are the application's. No users: a backend is yours, or
//! `solent-django`'s. No protocols between sites, such as OAuth 2 or SAML: these end with a user to [log in](Auth::login), or
//! with a token to verify.
//!
//! # Features
//!
//! - `passwords`: Argon2id, and users in memory.

mod guard;
mod permission;
mod scope;
mod stack;
mod ticket;
mod token;
mod user;

#[cfg(feature = "passwords")]
pub mod passwords;

pub use self::{
    permission::{
        And, Asked, Authenticated, Check, Not, Or, Permission, Require, authenticated, permission,
        require,
    },
    scope::{AuthScope, NotInScope},
    stack::{AuthConfig, AuthStack, OnFailure},
    ticket::{Ticket, Tickets},
    token::{
        Credential, FirstMessage, RefreshError, TokenConfig, TokenSource, TokenVerifier,
        TokenWarning, Tokens, Verified,
    },
    user::{
        Auth, AuthError, AuthUser, Authenticate, BackendError, HashCheck, UserBackend, check_user,
        close_user, user_group,
    },
};
