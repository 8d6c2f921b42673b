//! Finds the user of each connection by its session: the middleware.

use std::{fmt, sync::Arc};

use solent_edge::{CrossSite, InvalidPattern, Origins};
use solent_session::{SessionConfig, SessionStore, Sessions};
use solent_spec::{BoxApplication, BoxFuture, HttpProtocol, Middleware, Result};

use super::{AuthConfig, enter::Entrance};
use crate::{
    AuthUser, UserBackend,
    ticket::SpentTickets,
    user::{Backends, Logins, Watching},
};

/// Everything that it takes to know who is there: cookies, sessions, users, a guard that ends connections when the login
/// does, and checks that pages of other sites do not use it.
///
/// Applications inside find the user by [`AuthScope`](crate::AuthScope):
///
/// ```
/// # use std::borrow::Cow;
/// use solent_auth::{AuthScope, AuthStack};
/// use solent_session::MemoryStore;
/// # use solent_auth::{AuthUser, BackendError, UserBackend};
/// use solent_spec::{BoxApplication, Connection, Http, Middleware, Result, http::Outbound};
/// # struct Member;
/// # impl AuthUser for Member { fn id(&self) -> Cow<'_, str> { "7".into() } }
/// # struct Members;
/// # impl UserBackend for Members {
/// #     type User = Member;
/// #     fn name(&self) -> &str { "members" }
/// #     async fn find(&self, _: &str) -> Result<Option<Member>, BackendError> { Ok(Some(Member)) }
/// # }
///
/// async fn page(mut connection: Connection<Http>) -> Result {
///     let is_member = connection.scope().user::<Member>().is_some();
///     let text = if is_member { "Welcome back." } else { "Please log in." };
///     Ok(connection.send(Outbound::text(text)).await?)
/// }
///
/// let auth = AuthStack::new(MemoryStore::default(), Members);
/// let application = auth.wrap(BoxApplication::<Http>::new(page));
/// # let _ = application;
/// ```
///
/// # What it costs
///
/// A connection without a session cookie: no access to a store. One that is logged in: one session and one user, read before
/// the application is called, and again at every [check](AuthConfig::check_interval) while it is open.
///
/// # What ends a connection
///
/// An open connection whose user is not logged in any more is closed with [4401](AuthConfig::close); a response that is
/// being streamed ends. That the session was deleted or belongs to somebody else, that the user is gone or may not log in, or
/// that the password was changed, is found out by checks; a message to the user's [group](crate::user_group) is
/// acted upon at once. Any process may send one, Django too:
///
/// | Message | closes |
/// |---|---|
/// | `{"type": "auth.logout"}` | all connections of the user |
/// | `{"type": "auth.logout", "session": "…"}` | those of one session: the SHA-256 of its key, in hexadecimal |
/// | `{"type": "auth.check"}` | those that a check finds not to be logged in any more; the check is made at once |
///
/// The application receives the disconnect, wherever it is between two events, and [`Connection::closed`] resolves at once. One that is
/// busy with something else has ten seconds to end ([`AuthConfig::grace`]); then its future is dropped. A store out of reach ends nothing.
///
/// [`Connection::closed`]: solent_spec::Connection::closed
///
/// Groups need a channel layer in the connection's state, which a server's application usually has. It is not asked for
/// requests that are answered within a second.
///
/// # Other sites
///
/// WebSocket handshakes of pages from other hosts are refused with status 403 ([`Origins::same_host`]), and so are requests
/// that change something ([`CrossSite`]): browsers send cookies with both. [`trust`](Self::trust) makes exceptions.
///
/// # With others
///
/// Inside another middleware that knows a user of the same type, everything is left to that. One that knows users by their
/// tokens goes inside, so that both ways in are open.
#[must_use]
pub struct AuthStack<U> {
    sessions: Sessions,
    backends: Backends<U>,
    config: AuthConfig,
    /// The tickets that have been used, whatever the protocol and the application.
    spent: Arc<SpentTickets>,
    /// The two checks, unless another middleware makes them.
    other_sites: Option<(Origins, CrossSite)>,
}

impl<U: AuthUser> AuthStack<U> {
    /// Users that come from `backend`, and whose sessions `store` keeps.
    pub fn new(store: impl SessionStore, backend: impl UserBackend<User = U>) -> Self {
        Self {
            sessions: Sessions::new(store),
            backends: Backends::new(backend),
            config: AuthConfig::default(),
            spent: Arc::default(),
            other_sites: Some((Origins::same_host(), CrossSite::new())),
        }
    }

    /// Adds a backend, in place of the one that has its name. Each finds the users whose sessions name it.
    pub fn backend(mut self, backend: impl UserBackend<User = U>) -> Self {
        self.backends = self.backends.with(backend);
        self
    }

    /// Sets the settings of logins.
    pub fn config(mut self, config: AuthConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the settings of sessions.
    pub fn sessions(mut self, config: SessionConfig) -> Self {
        self.sessions = self.sessions.config(config);
        self
    }

    /// Reads session and user only if the application asks for the user: [`AuthConfig::lazy`].
    pub fn lazy(mut self) -> Self {
        self.config.lazy = true;
        self
    }

    /// Lets pages of another origin open WebSockets and send requests that change something. See [`Origins`] for how to write
    /// it: `https://www.example.org`.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] if it can match nothing.
    pub fn trust(mut self, origin: impl AsRef<str>) -> Result<Self, InvalidPattern> {
        let origin = origin.as_ref();
        if let Some((origins, cross_site)) = self.other_sites {
            self.other_sites = Some((origins.allow(origin)?, cross_site.trust(origin)?));
        }
        Ok(self)
    }

    /// Leaves the checks of other sites' pages to others. Without any, every page that a user looks at can do in their name
    /// what the user can.
    pub fn without_origin_checks(mut self) -> Self {
        self.other_sites = None;
        self
    }
}

impl<U: AuthUser> Middleware for AuthStack<U> {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let logins = Logins {
            backends: self.backends.clone(),
            ticket_age: self.config.ticket_age,
            spent: Arc::clone(&self.spent),
        };
        let watching = Watching {
            interval: self.config.check_interval,
            close: self.config.close.clone(),
            grace: self.config.grace,
        };
        let entrance = Entrance::new(
            inner,
            self.sessions.clone(),
            Arc::new(logins),
            Arc::new(watching),
            &self.config,
        );
        let application = BoxApplication::from_fn(move |connection| entrance.enter(connection));
        match &self.other_sites {
            Some((origins, cross_site)) => cross_site.wrap(origins.wrap(application)),
            None => application,
        }
    }

    /// Fails if the store of the sessions refuses this process.
    fn startup(&self) -> BoxFuture<Result> {
        self.sessions.startup()
    }
}

impl<U> fmt::Debug for AuthStack<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthStack")
            .field("sessions", &self.sessions)
            .field("backends", &self.backends)
            .field("config", &self.config)
            .field("other_sites", &self.other_sites)
            .finish_non_exhaustive()
    }
}
