//! Logins that a session remembers.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use solent_layer::DynLayer;
use solent_spec::Chain;

use super::{
    AuthError, AuthUser, Backends,
    backends::{DynBackend, USER_BACKEND, USER_HASH, USER_ID, text},
    group::{Notice, tell},
};
use crate::{
    Session, SessionData, SessionError, SessionKey, Ticket, csrf,
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
        Self {
            session,
            logins,
            layer,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Whose session it is. Reads the session, if nobody has, and the user.
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
        let data = self.session.data().await?;
        let mut marks = SessionData::from_iter(marks(backend, user));
        match Owner::of(&data, backend, user) {
            Owner::Same => return Ok(self.renew(marks).await?),
            Owner::SomebodyElse => self.session.flush().await?,
            Owner::Nobody => marks.extend(csrf::renewed(&data)),
        }
        Ok(self.session.cycle_key_with(marks).await?)
    }

    /// Stores what has changed of a session that is the user's already.
    async fn renew(&self, marks: SessionData) -> Result<(), SessionError> {
        for (name, value) in marks {
            self.session.insert(name, value).await?;
        }
        if self.session.is_modified() {
            self.session.save().await?;
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
        if Owner::of(&data, backend, user) == Owner::SomebodyElse {
            data.clear();
        }
        data.extend(csrf::renewed(&data));
        data.extend(marks(backend, user));
        let key = self.session.branch(data).await?;
        let until = SystemTime::now() + self.logins.ticket_age;
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

    /// Closes the other connections that came with a session.
    pub(crate) async fn tell_logout(&self, id: &str, key: &SessionKey) {
        tracing::info!(target: "solent::auth", user = id, "user logged out");
        let Some(layer) = &self.layer else {
            return;
        };
        let session = Some(key.fingerprint());
        if let Err(error) = tell(layer, id, Notice::Logout { session }).await {
            tracing::warn!(target: "solent::auth", error = %Chain(&error), "could not tell a user's other connections of a logout, they will find out with their next check");
        }
    }
}

/// Whose a session is before a login.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Nobody,
    /// The same user, with the same password.
    Same,
    SomebodyElse,
}

impl Owner {
    fn of<U: AuthUser>(data: &SessionData, backend: &Arc<dyn DynBackend<U>>, user: &U) -> Self {
        use super::HashCheck::Current;

        let Some(id) = data.get(USER_ID) else {
            return Self::Nobody;
        };
        let same_user =
            id.as_str() == Some(&*user.id()) && text(data, USER_BACKEND) == Some(backend.name());
        if same_user && backend.check_hash(user, text(data, USER_HASH)) == Current {
            Self::Same
        } else {
            Self::SomebodyElse
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
