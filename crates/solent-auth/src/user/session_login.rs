//! Logins that a session remembers.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use solent_edge::Csrf;
use solent_layer::DynLayer;
use solent_session::{Expiry, Session, SessionData, SessionError};
use solent_spec::Chain;

use super::{
    AuthError, AuthUser, Backends,
    backends::{DynBackend, USER_BACKEND, USER_HASH, USER_ID, text},
    group::{Notice, tell},
    herald::GroupHerald,
    sealed_key,
};
use crate::{
    Ticket,
    ticket::{Promise, SpentTickets},
};

/// What the logins of a stack have in common.
pub(crate) struct Logins<U> {
    pub(crate) backends: Backends<U>,
    /// For how long a ticket is good.
    pub(crate) ticket_age: Duration,
    pub(crate) spent: Arc<SpentTickets>,
}

/// The login that one connection's session remembers.
pub(crate) struct SessionLogin<U> {
    session: Session,
    logins: Arc<Logins<U>>,
    /// What carries messages to the user's other connections.
    layer: Option<DynLayer>,
}

impl<U: AuthUser> SessionLogin<U> {
    pub(crate) fn new(session: Session, logins: Arc<Logins<U>>, layer: Option<DynLayer>) -> Self {
        let login = Self {
            session,
            logins,
            layer,
        };
        // A browser without a session need not be told.
        if login.session.key().is_some() {
            login.herald();
        }
        login
    }

    /// Has the other connections of the session told what becomes of it.
    fn herald(&self) {
        if let Some(layer) = &self.layer {
            self.session
                .set_herald(Arc::new(GroupHerald::new(layer.clone())));
        }
    }

    /// Takes over the key that the session was moved to, from a notice for those who have the old one. `false` if it is for
    /// others.
    pub(crate) fn follow(&self, fingerprint: &str, sealed: &str) -> bool {
        let old = self
            .session
            .key()
            .filter(|key| key.fingerprint() == fingerprint);
        let new = old.and_then(|old| sealed_key::open(&old, sealed));
        let follows = new.is_some();
        if let Some(new) = new {
            self.session.follow(new);
        }
        follows
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Whose session it is. Reads the session, unless that is done, and the user.
    pub(crate) async fn user(&self) -> Result<Option<U>, AuthError> {
        let data = self.session.data().await?;
        Ok(self.logins.backends.user_of(&data).await?)
    }

    /// Whose session it is by now. Reads both again.
    pub(crate) async fn stored_user(&self) -> Result<Option<U>, AuthError> {
        match self.session.stored().await? {
            Some(data) => Ok(self.logins.backends.user_of(&data).await?),
            None => Ok(None),
        }
    }

    /// Makes the session the user's, under a new key, and stores it.
    pub(crate) async fn begin(&self, user: &U, backend: Option<&str>) -> Result<(), AuthError> {
        let backend = self.logins.backends.get(backend)?;
        if self.session.is_answered() {
            return Err(SessionError::Answered.into());
        }
        self.herald();
        let data = self.session.data().await?;
        let mut marks = SessionData::from_iter(marks(backend, user));
        match Owner::of(&data, backend, user) {
            Owner::Same => return Ok(self.renew(marks).await?),
            Owner::Other => self.session.flush().await?,
            Owner::Anonymous => marks.extend(Csrf::renewed(&data)),
        }
        Ok(self.session.cycle_key_with(marks).await?)
    }

    /// Stores a session that is the user's already, changed or not, so that it lasts as long as after any other login, and
    /// the browser's cookie with it.
    async fn renew(&self, marks: SessionData) -> Result<(), SessionError> {
        for (name, value) in marks {
            self.session.insert(name, value).await?;
        }
        self.session.save().await
    }

    /// Keeps the user logged in with this session after what ends sessions has changed, such as the password, and makes all
    /// other connections of the user look again.
    pub(crate) async fn keep(&self, user: &U) -> Result<(), AuthError> {
        self.herald();
        let data = self.session.data().await?;
        let name = text(&data, USER_BACKEND);
        let backend = self.logins.backends.get(name)?;
        if text(&data, USER_ID) != Some(&*user.id()) {
            return Err(AuthError::AnotherUser);
        }
        let marks = SessionData::from_iter(marks(backend, user));
        self.session.cycle_key_with(marks).await?;
        if let Some(layer) = &self.layer
            && let Err(error) = tell(layer, &user.id(), Notice::Check).await
        {
            tracing::warn!(target: "solent::auth", error = &error as &dyn std::error::Error, "could not tell a user's other connections of a new password, they will find out with their next check");
        }
        Ok(())
    }

    /// Makes a session the user's that the browser does not know yet, and a ticket for it.
    pub(crate) async fn begin_apart(
        &self,
        user: &U,
        backend: Option<&str>,
    ) -> Result<Ticket, AuthError> {
        let backend = self.logins.backends.get(backend)?;
        let mut data = self.session.data().await?;
        if Owner::of(&data, backend, user) == Owner::Other {
            data.clear();
        }
        data.extend(Csrf::renewed(&data));
        data.extend(marks(backend, user));
        let key = self.session.branch(data).await?;
        let now = SystemTime::now();
        let until = now
            .checked_add(self.logins.ticket_age)
            .unwrap_or_else(Expiry::never);
        Ok(Promise::new(&key, until)
            .issue(self.session.store())
            .await?)
    }

    /// Takes over the session that a ticket is for.
    pub(crate) async fn redeem(&self, ticket: &str) -> Result<bool, AuthError> {
        if self.session.is_answered() {
            return Err(SessionError::Answered.into());
        }
        let store = self.session.store();
        match Promise::claim(ticket, store, &self.logins.spent).await? {
            Some(key) => Ok(self.session.adopt(key).await?),
            None => Ok(false),
        }
    }

    /// Lets the backend know of a login.
    pub(crate) async fn note(&self, user: &U, backend: Option<&str>) {
        let Ok(backend) = self.logins.backends.get(backend) else {
            return;
        };
        tracing::info!(target: "solent::auth", user = &*user.id(), backend = backend.name(), "user logged in");
        if let Err(error) = backend.logged_in(user).await {
            tracing::warn!(target: "solent::auth", error = %Chain(&error), "could not note a login");
        }
    }
}

/// Whose a session is before a login.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Anonymous,
    /// The same user, with the same password.
    Same,
    Other,
}

impl Owner {
    fn of<U: AuthUser>(data: &SessionData, backend: &Arc<dyn DynBackend<U>>, user: &U) -> Self {
        use super::HashCheck::Current;

        let Some(id) = data.get(USER_ID) else {
            return Self::Anonymous;
        };
        let same_user =
            id.as_str() == Some(&*user.id()) && text(data, USER_BACKEND) == Some(backend.name());
        if same_user && backend.check_hash(user, text(data, USER_HASH)) == Current {
            Self::Same
        } else {
            Self::Other
        }
    }
}

/// What makes a session a user's.
fn marks<U: AuthUser>(backend: &Arc<dyn DynBackend<U>>, user: &U) -> [(String, Value); 3] {
    let hash = backend.session_hash(user).unwrap_or_default();
    [
        (USER_ID.to_owned(), user.id().into_owned().into()),
        (USER_BACKEND.to_owned(), backend.name().into()),
        (USER_HASH.to_owned(), hash.into()),
    ]
}
