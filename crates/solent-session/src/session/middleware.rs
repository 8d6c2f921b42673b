//! Sessions for every connection.

use std::sync::Arc;

use solent_spec::{
    BoxApplication, BoxFuture, Chain, Connection, HttpProtocol, Middleware, RequestScope, Result,
};

use super::{
    DynSessionStore, Session, SessionConfig, SessionKey, SessionStore, StoreError, answer::answer,
    state::State,
};
use crate::{CookieJar, Cookies};

/// Gives every connection its [`Session`].
///
/// The session is found by the browser's cookie and not read before the application looks into it. It is saved with the response, if
/// it was changed, or if the settings say so:
///
/// - with a status of 500 or above nothing is saved;
/// - what other requests of the browser have saved meanwhile stays, name by name;
/// - an empty session is not kept: it is deleted, and the browser forgets its cookie;
/// - a session that was deleted meanwhile is not made anew: the response becomes a 400, as in Django;
/// - a session that cannot be read is not written over: the response becomes a 400, if it would have been;
/// - if the store fails, the response becomes a 503, so that no one is told of a change that was not kept;
/// - a response that depends upon the session says so (`Vary: Cookie`).
///
/// On a WebSocket the response is the accept. What is changed after it is to be [saved](Session::save) explicitly.
///
/// Inside another `Sessions`, the outer one's session is used.
///
/// ```
/// use solent_session::{MemoryStore, Session, Sessions};
/// use solent_spec::{Application, BoxApplication, Connection, Http, Middleware, Result, http::Outbound};
/// use solent_testing::HttpCommunicator;
///
/// async fn count(mut connection: Connection<Http>) -> Result {
///     let session = Session::of(connection.scope()).ok_or("no session")?;
///     let visits = session.get("visits").await?.unwrap_or(0) + 1;
///     session.insert("visits", visits).await?;
///     Ok(connection.send(Outbound::text(format!("Visit {visits}."))).await?)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let application = Sessions::new(MemoryStore::default()).wrap(BoxApplication::new(count));
///
/// let response = HttpCommunicator::start(application, "/")?.response().await?;
///
/// assert_eq!(response.text()?, "Visit 1.");
/// let cookie = response.header("set-cookie").ok_or("no cookie")?;
/// assert!(cookie.starts_with("sessionid="));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sessions {
    store: DynSessionStore,
    config: Arc<SessionConfig>,
}

impl Sessions {
    /// Sessions that `store` keeps, with the default settings.
    pub fn new(store: impl SessionStore) -> Self {
        Self {
            store: DynSessionStore::new(store),
            config: Arc::default(),
        }
    }

    /// Sets the settings.
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = Arc::new(config);
        self
    }

    /// The store.
    pub fn store(&self) -> &DynSessionStore {
        &self.store
    }

    /// The session of a key, or a new one, without a request: for tests, for workers, and for code that logs a user in
    /// and leaves the cookie to others.
    pub fn session(&self, key: Option<SessionKey>) -> Session {
        self.with_state(State::shown(key, false))
    }

    /// Leaves the session in the scope, and sees to it that it is saved.
    pub fn open<P: HttpProtocol>(&self, connection: Connection<P>) -> Connection<P> {
        if Session::of(connection.scope()).is_some() {
            return connection;
        }
        let mut connection = CookieJar::install(connection);
        let scope = connection.scope_mut();
        let session = self.with_state(self.shown(scope));
        let encrypted = scope.link().is_secure();
        scope.link_mut().insert(session.clone());
        if let Some(jar) = CookieJar::of(scope) {
            jar.before_response(move |status| answer(session, status, encrypted));
        }
        connection
    }

    fn with_state(&self, state: State) -> Session {
        Session::new(self.store.clone(), Arc::clone(&self.config), state)
    }

    /// What the browser shows.
    fn shown(&self, scope: &impl RequestScope) -> State {
        let Some(value) = Cookies::of(scope).get(&self.config.cookie_name) else {
            return State::default();
        };
        let key = SessionKey::parse(&value).ok();
        if key.is_none() {
            tracing::debug!(target: "solent::session", len = value.len(), "session cookie holds no key");
        }
        State::shown(key, true)
    }
}

impl Middleware for Sessions {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let sessions = self.clone();
        BoxApplication::from_fn(move |connection| inner.call(sessions.open(connection)))
    }

    /// Fails if the store refuses this process: wrong credentials, missing rights.
    fn startup(&self) -> BoxFuture<Result> {
        let store = self.store.clone();
        Box::pin(async move {
            match store.check().await {
                Err(error @ StoreError::Unavailable(_)) => tracing::warn!(
                    target: "solent::session",
                    error = %Chain(&error),
                    "session store is away, what needs a session is refused until it is there"
                ),
                checked => checked?,
            }
            Ok(())
        })
    }
}
