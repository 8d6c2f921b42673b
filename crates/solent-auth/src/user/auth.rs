//! Who it is, and how that changes.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{AuthError, AuthUser, Identity};

/// Who a connection's user is: what [`AuthStack`](crate::AuthStack) leaves in the scope. Cheap to clone.
pub struct Auth<U>(Arc<Inner<U>>);

struct Inner<U> {
    /// The user, once somebody has asked. Locked for a few instructions, never across a wait.
    state: Mutex<Resolved<U>>,
    /// Follows `state`, for those that do not know the type of users.
    identity: Identity,
}

/// What is known of the user; `None` while nobody has asked.
type Resolved<U> = Option<Option<Arc<U>>>;

impl<U: AuthUser> Auth<U> {
    /// A user that has proved who it is with a token. There is no session.
    pub fn from_token(user: U) -> Self {
        let auth = Self(Arc::new(Inner {
            state: Mutex::default(),
            identity: Identity::default(),
        }));
        auth.set(Some(Arc::new(user)));
        auth
    }

    /// The user; `None` if nobody is logged in.
    ///
    /// The first to ask reads the session and the user; everybody else has the answer at hand.
    ///
    /// # Errors
    ///
    /// [`AuthError`] if it cannot be found out.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn user(&self) -> Result<Option<Arc<U>>, AuthError> {
        Ok(self.known())
    }

    /// The user, as far as it is known already: as [`user`](Self::user), without a wait. `None` also if nobody has asked
    /// yet, which happens inside a [lazy](crate::AuthStack::lazy) stack only.
    pub fn known(&self) -> Option<Arc<U>> {
        self.state().clone().flatten()
    }

    /// The same without the type.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Replaces the user, as a newer token does. `None` if there is nobody any more.
    pub fn set(&self, user: Option<Arc<U>>) {
        let id = user.as_ref().map(|user| Arc::from(&*user.id()));
        *self.state() = Some(user);
        self.0.identity.set(id);
    }

    fn state(&self) -> MutexGuard<'_, Resolved<U>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
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
