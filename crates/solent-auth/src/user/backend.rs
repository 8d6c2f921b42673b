//! Where users come from.

use std::future::Future;

use subtle::ConstantTimeEq;

use super::{AuthUser, BackendError};

/// Where users come from: a database, a directory, a service.
///
/// ```
/// use solent_auth::{AuthUser, BackendError, UserBackend};
/// # use std::borrow::Cow;
/// # struct Member { number: u64, password_hash: String }
/// # impl AuthUser for Member {
/// #     fn id(&self) -> Cow<'_, str> { self.number.to_string().into() }
/// # }
/// # struct Database;
/// # impl Database {
/// #     async fn member(&self, number: u64) -> Result<Option<Member>, std::io::Error> {
/// #         Ok((number == 7).then(|| Member { number, password_hash: "$argon2id$…".into() }))
/// #     }
/// # }
///
/// struct Members(Database);
///
/// impl UserBackend for Members {
///     type User = Member;
///
///     fn name(&self) -> &str {
///         "members"
///     }
///
///     async fn find(&self, id: &str) -> Result<Option<Member>, BackendError> {
///         let Ok(number) = id.parse() else {
///             return Ok(None);
///         };
///         self.0.member(number).await.map_err(BackendError::new)
///     }
/// }
/// # async fn given(members: Members) {
/// # assert!(members.find("7").await.unwrap().is_some());
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user backend",
    note = "implement `UserBackend` for it: a `name`, and a way to `find` a user by its id"
)]
pub trait UserBackend: Send + Sync + 'static {
    /// The users.
    type User: AuthUser;

    /// The backend's name. It is stored in sessions as `_auth_user_backend`, so that a session made by another backend is
    /// not taken for one of this backend's.
    fn name(&self) -> &str;

    /// Finds a user by its [id](AuthUser::id). One that may not log in (any more), and an id that is none, are `None`.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out.
    fn find(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self::User>, BackendError>> + Send;

    /// What ends the user's sessions when it changes, such as a keyed hash of the stored password. It is stored in
    /// sessions as `_auth_user_hash` and must not disclose what it is made of.
    ///
    /// `None` if sessions outlast changes of the password.
    fn session_hash(&self, user: &Self::User) -> Option<String> {
        let _ = user;
        None
    }

    /// Compares the hash that a session has with the user's. Takes the same time wherever they differ.
    fn check_hash(&self, user: &Self::User, stored: Option<&str>) -> HashCheck {
        match (self.session_hash(user), stored) {
            (None, _) => HashCheck::Current,
            (Some(current), Some(stored)) if is_same(&current, stored) => HashCheck::Current,
            _ => HashCheck::Wrong,
        }
    }

    /// Takes note of a login, after the session has been stored.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it could not be written. The user is logged in nevertheless.
    fn logged_in(
        &self,
        user: &Self::User,
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        let _ = user;
        async { Ok(()) }
    }
}

/// What the hash of a session is to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "backends return it, and a login is good or it is not"
)]
pub enum HashCheck {
    /// The user's own.
    Current,
    /// The user's own, made with a key that has been replaced since. The session is good.
    Former,
    /// Not the user's, or absent. The session does not prove the user any more.
    Wrong,
}

/// A backend that finds a user by credentials `C`.
pub trait Authenticate<C>: UserBackend {
    /// Finds the user that `credentials` belong to; `None` if there is none, they are wrong, or the user may not log in.
    ///
    /// An answer should take as long for a user that does not exist as for a wrong password.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out.
    fn authenticate(
        &self,
        credentials: C,
    ) -> impl Future<Output = Result<Option<Self::User>, BackendError>> + Send;
}

/// Whether two secrets are the same, in constant time for those of the same length.
fn is_same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
