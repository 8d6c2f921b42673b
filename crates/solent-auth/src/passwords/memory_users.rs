//! Users in memory.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{HashError, Password, hash, session_hash, verify_if_any};
use crate::{AuthUser, Authenticate, BackendError, UserBackend};

/// Users in memory, for demonstrations, tests, and programs whose few users are in a file. Cheap to clone.
///
/// It forgets them when the process ends. Their names are their ids.
///
/// ```
/// use solent_auth::{
///     Authenticate, AuthUser,
///     passwords::{MemoryUsers, Password},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> solent_spec::Result {
/// let users = MemoryUsers::default();
/// users.set_password("ann", "correct horse").await?;
/// users.grant("ann", "chat.moderate");
///
/// let ann = users.authenticate(Password::new("ann", "correct horse")).await?;
/// assert!(ann.is_some_and(|ann| ann.has_permission("chat.moderate")));
/// assert!(users.authenticate(Password::new("ann", "wrong")).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryUsers(
    // Held for a moment, never across a wait.
    Arc<Mutex<HashMap<String, MemoryUser>>>,
);

/// One of [`MemoryUsers`].
#[derive(Clone)]
pub struct MemoryUser {
    name: Arc<str>,
    permissions: BTreeSet<String>,
    /// The hash of the password, as [`hash`] made it.
    password: Arc<str>,
}

impl MemoryUsers {
    /// Adds a user, or gives one another password, which ends all their sessions.
    ///
    /// # Errors
    ///
    /// As [`hash`].
    pub async fn set_password(
        &self,
        name: &str,
        password: impl Into<String>,
    ) -> Result<(), HashError> {
        self.set_hash(name, &hash(password).await?);
        Ok(())
    }

    /// The same with what [`hash`] has made of the password before, such as a line of a file. Processes that share sessions need
    /// the same hashes: a user's sessions end when the hash is another.
    pub fn set_hash(&self, name: &str, encoded: &str) {
        let password: Arc<str> = encoded.into();
        let mut users = self.0.lock();
        match users.get_mut(name) {
            Some(user) => user.password = password,
            None => {
                let user = MemoryUser {
                    name: name.into(),
                    permissions: BTreeSet::new(),
                    password,
                };
                users.insert(name.to_owned(), user);
            }
        }
    }

    /// Gives a user a permission. Returns whether there is such a user.
    pub fn grant(&self, name: &str, permission: impl Into<String>) -> bool {
        let mut users = self.0.lock();
        let user = users.get_mut(name);
        user.map(|user| user.permissions.insert(permission.into()))
            .is_some()
    }

    /// Removes a user. Returns whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        self.0.lock().remove(name).is_some()
    }

    fn get(&self, name: &str) -> Option<MemoryUser> {
        self.0.lock().get(name).cloned()
    }
}

impl UserBackend for MemoryUsers {
    type User = MemoryUser;

    fn name(&self) -> &str {
        "memory"
    }

    async fn find(&self, id: &str) -> Result<Option<MemoryUser>, BackendError> {
        Ok(self.get(id))
    }

    fn session_hash(&self, user: &MemoryUser) -> Option<String> {
        Some(session_hash(&user.password))
    }
}

impl Authenticate<Password> for MemoryUsers {
    async fn authenticate(
        &self,
        Password { name, password, .. }: Password,
    ) -> Result<Option<MemoryUser>, BackendError> {
        let user = self.get(&name);
        let encoded = user.as_ref().map(|user| &*user.password);
        let is_right = verify_if_any(password, encoded).await;
        let is_right = is_right.map_err(BackendError::new)?;
        Ok(user.filter(|_| is_right))
    }
}

impl AuthUser for MemoryUser {
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    fn has_permission(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}

impl fmt::Debug for MemoryUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.lock().keys()).finish()
    }
}

impl fmt::Debug for MemoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUser")
            .field("name", &self.name)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn new_password_ends_sessions_and_the_old_one_is_refused() {
        let users = MemoryUsers::default();
        users.set_password("ann", "old").await.unwrap();
        let before = users.find("ann").await.unwrap().unwrap();

        users.set_password("ann", "new").await.unwrap();

        let after = users.find("ann").await.unwrap().unwrap();
        assert_ne!(users.session_hash(&before), users.session_hash(&after));
        let old = users.authenticate(Password::new("ann", "old")).await;
        assert!(old.unwrap().is_none());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let user = MemoryUser {
            name: "ann".into(),
            permissions: BTreeSet::new(),
            password: "$argon2id$secret".into(),
        };

        assert!(!format!("{user:?}").contains("argon2"));
        assert!(!format!("{:?}", Password::new("ann", "typed")).contains("typed"));
    }
}
