//! Who it is, and how that changes.

use std::{fmt, sync::Arc, time::SystemTime};

use parking_lot::{Mutex, MutexGuard};
use solent_session::{Identity, Session};
use solent_spec::BoxFuture;
use tokio::sync;

use super::{AuthError, AuthUser, Login, SessionLogin};
use crate::Ticket;

/// Who a connection's user is, and the ways to change that: what [`AuthStack`](crate::AuthStack) leaves in the scope. Cheap
/// to clone.
///
/// ```
/// use solent_auth::{AuthScope, Authenticate};
/// # use solent_auth::{AuthUser, BackendError, UserBackend};
/// use solent_spec::{Connection, Http, Result, http::Outbound};
/// # struct Member;
/// # impl AuthUser for Member { fn id(&self) -> std::borrow::Cow<'_, str> { "7".into() } }
/// # struct Members;
/// # impl UserBackend for Members {
/// #     type User = Member;
/// #     fn name(&self) -> &str { "members" }
/// #     async fn find(&self, _: &str) -> Result<Option<Member>, BackendError> { Ok(Some(Member)) }
/// # }
/// # struct LoginForm;
/// # impl Authenticate<LoginForm> for Members {
/// #     async fn authenticate(&self, _: LoginForm) -> Result<Option<Member>, BackendError> { Ok(None) }
/// # }
///
/// async fn log_in(mut connection: Connection<Http>, members: &Members, form: LoginForm) -> Result {
///     let answer = match members.authenticate(form).await? {
///         Some(member) => {
///             connection.scope().auth::<Member>()?.clone().login(member).await?;
///             "Welcome."
///         }
///         None => "No.",
///     };
///     Ok(connection.send(Outbound::text(answer)).await?)
/// }
/// # let _ = log_in;
/// ```
pub struct Auth<U>(Arc<Inner<U>>);

struct Inner<U> {
    /// The user, once it was asked for. Locked for a few instructions, never across a wait.
    state: Mutex<Resolved<U>>,
    /// Follows `state`, for those that do not know the type of users.
    identity: Identity,
    /// Where the user comes from: a session, or else a token.
    session: Option<SessionLogin<U>>,
    /// Whose turn it is to find out. Tasks queue for it; it guards no data.
    resolving: sync::Mutex<()>,
}

/// What is known of the user; `None` until it is first asked for.
type Resolved<U> = Option<Option<Arc<U>>>;

impl<U: AuthUser> Auth<U> {
    /// A user known by a token, or an anonymous client. There is no session.
    pub fn from_token(user: impl Into<Option<U>>) -> Self {
        let auth = Self::new(None);
        auth.set(user.into().map(Arc::new));
        auth
    }

    /// The user that a session belongs to.
    pub(crate) fn from_session(session: SessionLogin<U>) -> Self {
        Self::new(Some(session))
    }

    fn new(session: Option<SessionLogin<U>>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            identity: Identity::default(),
            session,
            resolving: sync::Mutex::default(),
        }))
    }

    /// The user; `None` for an anonymous client.
    ///
    /// The first call reads the session and the user; later ones return what it found.
    ///
    /// # Errors
    ///
    /// [`AuthError`] if it cannot be found out.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn user(&self) -> Result<Option<Arc<U>>, AuthError> {
        self.look();
        if let Some(resolved) = self.resolved() {
            return Ok(resolved);
        }
        let _turn = self.0.resolving.lock().await;
        if let Some(resolved) = self.resolved() {
            return Ok(resolved);
        }
        let user = match &self.0.session {
            Some(session) => session.user().await?.map(Arc::new),
            None => None,
        };
        let mut state = self.state();
        // A login or logout meanwhile is newer.
        if state.is_none() {
            self.know(&mut state, user);
        }
        Ok(state.clone().flatten())
    }

    /// The user, as far as it is known already: as [`user`](Self::user), without a wait. `None` also before the
    /// user was asked for, which happens inside a [lazy](crate::AuthConfig::lazy) stack only.
    pub fn known(&self) -> Option<Arc<U>> {
        self.look();
        self.resolved().flatten()
    }

    /// The same without the type.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The session that the user is logged in with; `None` if it is a token.
    pub fn session(&self) -> Option<&Session> {
        self.0.session.as_ref().map(|login| login.session())
    }

    /// Logs `user` in, in place of the user who was logged in before. Whether it is them has been found out already, by
    /// [`Authenticate`](super::Authenticate) for example.
    ///
    /// The session moves to a new key, which the browser learns with the response. The old key is of no use any more.
    /// What was in the session stays, unless it was another user's. The login is stored by the time this returns.
    ///
    /// # Errors
    ///
    /// [`SessionError::Answered`](solent_session::SessionError::Answered) once the response has left, as on an open WebSocket: use
    /// [`login_ticket`](Self::login_ticket) there. [`AuthError::SeveralBackends`] if the user's has to be named:
    /// [`login_with`](Self::login_with).
    ///
    /// # Cancel safety
    ///
    /// The user may or may not be logged in; doing it again is right in each case.
    pub async fn login(&self, user: U) -> Result<(), AuthError> {
        self.login_by(user, None).await
    }

    /// The same for a user that comes from the backend called `backend`.
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login), and [`AuthError::UnknownBackend`].
    ///
    /// # Cancel safety
    ///
    /// As [`login`](Self::login).
    pub async fn login_with(&self, user: U, backend: &str) -> Result<(), AuthError> {
        self.login_by(user, Some(backend)).await
    }

    async fn login_by(&self, user: U, backend: Option<&str>) -> Result<(), AuthError> {
        let login = self.session_login()?;
        let user = Arc::new(user);
        let begun = login.begin(&user, backend).await;
        if begun.is_err() && login.session().key().is_none() {
            // The user who was logged in before is not any more.
            self.set(None);
        }
        begun?;
        self.set(Some(Arc::clone(&user)));
        login.note(&user, backend).await;
        Ok(())
    }

    /// Logs `user` in where no cookie can be set any more, as on an open WebSocket: this connection at once, and the
    /// browser as soon as it has exchanged the ticket for a cookie, with a `POST` to [`Tickets`](crate::Tickets). The ticket
    /// is good once and for a [short while](crate::AuthConfig::ticket_age).
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login), but for `Answered`.
    ///
    /// # Cancel safety
    ///
    /// The user may or may not be logged in; doing it again is right in each case.
    pub async fn login_ticket(&self, user: U) -> Result<Ticket, AuthError> {
        self.login_ticket_by(user, None).await
    }

    /// The same for a user that comes from the backend called `backend`.
    ///
    /// # Errors
    ///
    /// As [`login_ticket`](Self::login_ticket), and [`AuthError::UnknownBackend`].
    ///
    /// # Cancel safety
    ///
    /// As [`login_ticket`](Self::login_ticket).
    pub async fn login_ticket_with(&self, user: U, backend: &str) -> Result<Ticket, AuthError> {
        self.login_ticket_by(user, Some(backend)).await
    }

    async fn login_ticket_by(&self, user: U, backend: Option<&str>) -> Result<Ticket, AuthError> {
        let login = self.session_login()?;
        let user = Arc::new(user);
        let ticket = login.begin_apart(&user, backend).await?;
        self.set(Some(Arc::clone(&user)));
        login.note(&user, backend).await;
        Ok(ticket)
    }

    /// Logs in the user that a [ticket](Self::login_ticket) was made for; what [`Tickets`](crate::Tickets) does. `false` for one
    /// that is none, was used before, or has expired.
    ///
    /// # Errors
    ///
    /// [`AuthError`] if it cannot be told, and once the response has left.
    ///
    /// # Cancel safety
    ///
    /// The ticket may be used up. It then takes another login.
    pub async fn redeem(&self, ticket: &str) -> Result<bool, AuthError> {
        let redeemed = self.session_login()?.redeem(ticket).await?;
        if redeemed {
            *self.state() = None;
            self.user().await?;
        }
        Ok(redeemed)
    }

    /// Logs the user out: the session is deleted with all that is in it, and every other connection that came with it is
    /// closed, on all processes that share the channel layer. This one stays open and becomes anonymous.
    ///
    /// # Errors
    ///
    /// [`AuthError::Session`] if the session may still be there.
    ///
    /// # Cancel safety
    ///
    /// The user may or may not be logged out; doing it again is right in each case.
    pub async fn logout(&self) -> Result<(), AuthError> {
        let Some(login) = &self.0.session else {
            self.set(None);
            return Ok(());
        };
        // The session tells the other connections, whose it is is in it.
        login.session().flush().await?;
        if let Some(id) = self.0.identity.id() {
            tracing::info!(target: "solent::auth", user = &*id, "user logged out");
        }
        self.set(None);
        Ok(())
    }

    /// Keeps `user`, who is logged in and has got another password, logged in: what `update_session_auth_hash` is in Django.
    /// To be called after the new password has been stored.
    ///
    /// The session moves to a new key, and the connections that came with it go along. All other connections of the user
    /// look at once whether they may stay, which they may not.
    ///
    /// # Errors
    ///
    /// [`AuthError::AnotherUser`] if it is not `user` who is logged in; otherwise as [`login`](Self::login).
    ///
    /// # Cancel safety
    ///
    /// The session may or may not have moved; doing it again is right in each case.
    pub async fn password_changed(&self, user: U) -> Result<(), AuthError> {
        let login = self.session_login()?;
        login.keep(&user).await?;
        self.set(Some(Arc::new(user)));
        Ok(())
    }

    /// Reads session and user again, as the guard of a connection does now and then. `None` if the user is logged out.
    /// With a token there is nothing to be read.
    ///
    /// # Errors
    ///
    /// [`AuthError`] if it cannot be found out. Nothing changes then.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn recheck(&self) -> Result<Option<Arc<U>>, AuthError> {
        let Some(login) = &self.0.session else {
            return Ok(self.known());
        };
        let key = login.session().key();
        let user = login.stored_user().await?.map(Arc::new);
        let mut state = self.state();
        // A login or logout meanwhile is newer: it has another key, or none.
        if state.is_none() || login.session().key() == key {
            self.know(&mut state, user);
        }
        Ok(state.clone().flatten())
    }

    /// Replaces the user, as a newer token does. `None` if the user is logged out.
    pub fn set(&self, user: Option<Arc<U>>) {
        self.know(&mut self.state(), user);
    }

    /// Sets both what is known of the user and the identity, within the lock, so that the two agree.
    fn know(&self, state: &mut Resolved<U>, user: Option<Arc<U>>) {
        let id = user.as_ref().map(|user| Arc::from(&*user.id()));
        *state = Some(user);
        self.0.identity.set(id);
    }

    /// Replaces what is known of the user, who stays the same.
    pub(crate) fn renew(&self, user: Arc<U>) {
        *self.state() = Some(Some(user));
    }

    /// What watches over the login of this connection.
    pub(crate) fn as_login(&self) -> Arc<dyn Login> {
        Arc::clone(&self.0) as _
    }

    fn session_login(&self) -> Result<&SessionLogin<U>, AuthError> {
        self.0.session.as_ref().ok_or(AuthError::NoSession)
    }

    /// What is answered depends upon who it is from now on.
    fn look(&self) {
        if let Some(login) = &self.0.session {
            login.session().look();
        }
    }

    fn resolved(&self) -> Resolved<U> {
        self.state().clone()
    }

    fn state(&self) -> MutexGuard<'_, Resolved<U>> {
        self.0.state()
    }
}

impl<U> Inner<U> {
    fn state(&self) -> MutexGuard<'_, Resolved<U>> {
        self.state.lock()
    }
}

impl<U: AuthUser> Login for Inner<U> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn is_session(&self, fingerprint: &str) -> bool {
        let key = self
            .session
            .as_ref()
            .and_then(|login| login.session().key());
        key.is_some_and(|key| key.fingerprint() == fingerprint)
    }

    fn follow(&self, session: &str, to: &str) -> bool {
        let login = self.session.as_ref();
        login.is_some_and(|login| login.follow(session, to))
    }

    fn ends(&self) -> Option<SystemTime> {
        self.session
            .as_ref()
            .and_then(|login| login.session().ends())
    }

    fn holds(self: Arc<Self>) -> BoxFuture<Result<bool, AuthError>> {
        Box::pin(async move {
            let (Some(login), Some(id)) = (&self.session, self.identity.id()) else {
                return Ok(true);
            };
            let key = login.session().key();
            let Some(user) = login.stored_user().await?.filter(|user| *user.id() == *id) else {
                // Who it was stays known, to whoever has to clean up after them. Somebody who logged in meanwhile is
                // watched on their own.
                return Ok(self.identity.id() != Some(id) || login.session().key() != key);
            };
            let mut state = self.state();
            if self.identity.id() == Some(id) {
                *state = Some(Some(Arc::new(user)));
            }
            Ok(true)
        })
    }
}

impl<U> Clone for Auth<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> fmt::Debug for Auth<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("user", &self.0.identity.id())
            .finish_non_exhaustive()
    }
}
