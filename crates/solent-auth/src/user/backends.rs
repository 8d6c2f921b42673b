//! The backends of a stack.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;
use solent_session::SessionData;

use super::{AuthError, AuthUser, BackendError, HashCheck, UserBackend};

/// Where sessions keep the id of their user, as Django's do.
pub(crate) const USER_ID: &str = "_auth_user_id";
/// Where sessions keep the name of their user's backend.
pub(crate) const USER_BACKEND: &str = "_auth_user_backend";
/// Where sessions keep what ends them when it changes.
pub(crate) const USER_HASH: &str = "_auth_user_hash";

/// The backends of a stack, by name. Cheap to clone.
pub(crate) struct Backends<U>(Arc<[Arc<dyn DynBackend<U>>]>);

impl<U: AuthUser> Backends<U> {
    /// The one backend that there is.
    pub(crate) fn new(backend: impl UserBackend<User = U>) -> Self {
        Self(Arc::new([Arc::new(backend)]))
    }

    /// Adds a backend, in place of the one that has its name.
    pub(crate) fn with(&self, backend: impl UserBackend<User = U>) -> Self {
        let mut all = self.0.to_vec();
        all.retain(|other| other.name() != UserBackend::name(&backend));
        all.push(Arc::new(backend));
        Self(all.into())
    }

    /// The backend with a name, or the only one.
    pub(crate) fn get(&self, name: Option<&str>) -> Result<&Arc<dyn DynBackend<U>>, AuthError> {
        match (name, &*self.0) {
            (None, [only]) => Ok(only),
            (None, _) => Err(AuthError::SeveralBackends),
            (Some(name), all) => all
                .iter()
                .find(|backend| backend.name() == name)
                .ok_or_else(|| AuthError::UnknownBackend(name.to_owned())),
        }
    }

    /// The user that a session belongs to; `None` for an anonymous one.
    ///
    /// What does not fit is told as an event, without its contents. The session is left as it is: it may be good for
    /// somebody who knows more.
    pub(crate) async fn user_of(&self, data: &SessionData) -> Result<Option<U>, BackendError> {
        let (Some(id), Some(name)) = (text(data, USER_ID), text(data, USER_BACKEND)) else {
            return Ok(None);
        };
        let Ok(backend) = self.get(Some(name)) else {
            tracing::info!(target: "solent::auth", backend = name, "session was made by a user backend that is not one of the stack's");
            return Ok(None);
        };
        let Some(user) = backend.find(id).await? else {
            tracing::debug!(target: "solent::auth", backend = name, "user of a session does not exist or may not log in");
            return Ok(None);
        };
        if backend.check_hash(&user, text(data, USER_HASH)) == HashCheck::Wrong {
            tracing::info!(target: "solent::auth", backend = name, user = id, "session is older than its user's password");
            return Ok(None);
        }
        Ok(Some(user))
    }
}

impl<U> Clone for Backends<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> fmt::Debug for Backends<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|backend| backend.name()))
            .finish()
    }
}

/// What a session has under one of the names above. Django knows strings only.
pub(crate) fn text<'a>(data: &'a SessionData, name: &str) -> Option<&'a str> {
    data.get(name).and_then(Value::as_str)
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A backend whose type is forgotten.
pub(crate) trait DynBackend<U>: Send + Sync {
    fn name(&self) -> &str;
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<U>, BackendError>>;
    fn session_hash(&self, user: &U) -> Option<String>;
    fn check_hash(&self, user: &U, stored: Option<&str>) -> HashCheck;
    fn logged_in<'a>(&'a self, user: &'a U) -> BoxFuture<'a, Result<(), BackendError>>;
}

impl<B: UserBackend> DynBackend<B::User> for B {
    fn name(&self) -> &str {
        UserBackend::name(self)
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<B::User>, BackendError>> {
        Box::pin(UserBackend::find(self, id))
    }

    fn session_hash(&self, user: &B::User) -> Option<String> {
        UserBackend::session_hash(self, user)
    }

    fn check_hash(&self, user: &B::User, stored: Option<&str>) -> HashCheck {
        UserBackend::check_hash(self, user, stored)
    }

    fn logged_in<'a>(&'a self, user: &'a B::User) -> BoxFuture<'a, Result<(), BackendError>> {
        Box::pin(UserBackend::logged_in(self, user))
    }
}
