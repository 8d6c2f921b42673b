//! Cookies and sessions: what is remembered of a browser, for HTTP and WebSockets alike.
//!
//! [`Sessions`] is the middleware. It leaves a [`Session`] in the scope of each connection:
//!
//! ```
//! use solent_session::{MemoryStore, Session, Sessions};
//! use solent_spec::{
//!     Application, Connection, Http, RequestScope, Result, http::Outbound,
//! };
//! use solent_testing::{HttpCommunicator, TestRequest};
//!
//! async fn count(mut connection: Connection<Http>) -> Result {
//!     let session = connection.scope().state::<Session>().ok_or("no session")?.clone();
//!     let visits: u64 = session.get("visits").await?.unwrap_or_default();
//!     session.insert("visits", visits + 1).await?;
//!     Ok(connection.send(Outbound::text(format!("visit {}", visits + 1))).await?)
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result {
//! let pages = count.inside(&Sessions::new(MemoryStore::default()));
//!
//! let first = HttpCommunicator::start(pages.clone(), "/")?.response().await?;
//! let cookie = first.header("set-cookie").and_then(|cookie| cookie.split(';').next());
//! let again = TestRequest::get("/").header("cookie", cookie.ok_or("no cookie")?);
//! let second = HttpCommunicator::start(pages, again)?.response().await?;
//!
//! assert_eq!(second.text()?, "visit 2");
//! # Ok(())
//! # }
//! ```
//!
//! # Where are sessions kept?
//!
//! In a [`SessionStore`]: [`MemoryStore`] within a process, [`CookieStore`] in the browser itself, [`RedisStore`](#features) for all
//! processes, or any store of tower-sessions. Django's own are the crate `solent-django`'s.
//!
//! # How is a cookie read and set?
//!
//! [`Cookies`] are those that the browser sent. A [`CookieJar`] takes those that it is to keep; they leave with the response, or with
//! the accept of a WebSocket. A cookie that an application sets is a [`SetCookie`].
//!
//! # What does a session cost?
//!
//! A connection that shows no cookie costs no access to a store. A session is read when the application first looks into it, and
//! saved before the response leaves if it was changed.
//!
//! # What else is here?
//!
//! [`Identity`], who a connection's user is for those that do not know the type of users. [`Threads`] for work that blocks, and
//! [`wait`] for handlers that may block. [`Spent`] for what may be used once by all processes together.
//!
//! # Features
//!
//! - `tower-sessions` (default): stores of tower-sessions, and sessions shared with axum.
//! - `redis`: sessions in Redis, `RedisStore`.

mod cookie;
mod identity;
mod response;
mod session;
mod spent;
mod threads;

#[cfg(feature = "tower-sessions")]
pub use self::session::TowerStore;
#[cfg(feature = "redis")]
pub use self::session::{InvalidStoreUrl, RedisStore};
pub use self::{
    cookie::{CookieError, Cookies, SameSite, Secure, SetCookie},
    identity::Identity,
    response::{CookieJar, HookResult},
    session::{
        CookieSecret, CookieStore, DynSessionStore, Expiry, Herald, InvalidKey, MemoryStore,
        Revision, Saved, Session, SessionConfig, SessionData, SessionError, SessionKey,
        SessionStore, Sessions, StoreError, Stored, WeakSecret,
    },
    spent::{DynSpent, Spent},
    threads::{Threads, ThreadsError, wait},
};
