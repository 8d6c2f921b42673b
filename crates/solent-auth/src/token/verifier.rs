//! Whose tokens are good.

use std::{fmt, future::Future, time::SystemTime};

use crate::{AuthUser, BackendError};

/// Tells whose a token is.
///
/// For tokens that are looked up, such as those of a database, implement it; for JSON Web Tokens there is
/// `jwt::JwtVerifier` (feature `jwt`).
///
/// ```
/// use solent_auth::{AuthUser, BackendError, TokenVerifier, Verified};
/// # use std::{borrow::Cow, time::SystemTime};
/// # struct Device { serial: String, until: SystemTime }
/// # impl AuthUser for Device { fn id(&self) -> Cow<'_, str> { (&*self.serial).into() } }
/// # struct Registry;
/// # impl Registry { async fn device(&self, _hash: [u8; 32]) -> std::io::Result<Option<Device>> { Ok(None) } }
/// # fn sha256(_: &str) -> [u8; 32] { [0; 32] }
///
/// struct DeviceTokens(Registry);
///
/// impl TokenVerifier for DeviceTokens {
///     type User = Device;
///
///     async fn verify(&self, token: &str) -> Result<Option<Verified<Device>>, BackendError> {
///         // Only hashes are stored, so that the table is of no use to who steals it, and looking one up tells nothing by its time.
///         let device = self.0.device(sha256(token)).await.map_err(BackendError::new)?;
///         Ok(device.map(|device| {
///             let until = device.until;
///             Verified::new(device).until(until)
///         }))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify tokens",
    note = "implement `TokenVerifier` for it, or take `jwt::JwtVerifier`"
)]
pub trait TokenVerifier: Send + Sync + 'static {
    /// Whom tokens are for.
    type User: AuthUser;

    /// Finds out whose `token` is; `None` if it is no good, whatever the reason.
    ///
    /// The token is any text that a client sent, up to the [limit](super::TokenConfig::max_len). It must not appear in errors or logs.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out now.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped if it takes too [long](super::TokenConfig::verify_timeout), and if the client leaves.
    fn verify(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<Verified<Self::User>>, BackendError>> + Send;

    /// Tells whether a user whose token was good may stay: called from [time to time](super::TokenConfig::interval) while a connection
    /// is open, and when the user's group is sent `{"type": "auth.check"}`. By default every user may.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it cannot be found out now; the user stays.
    fn holds(&self, user: &Self::User) -> impl Future<Output = Result<bool, BackendError>> + Send {
        let _ = user;
        async { Ok(true) }
    }
}

/// Who a good token is for, and until when it is good.
#[non_exhaustive]
#[must_use]
pub struct Verified<U> {
    /// The user.
    pub user: U,
    /// When the token ends to be good; never if absent.
    pub until: Option<SystemTime>,
}

impl<U> Verified<U> {
    /// A token of `user` that is good for ever.
    pub fn new(user: U) -> Self {
        Self { user, until: None }
    }

    /// Sets [`until`](Self::until).
    pub fn until(mut self, until: impl Into<Option<SystemTime>>) -> Self {
        self.until = until.into();
        self
    }
}

impl<U: AuthUser> fmt::Debug for Verified<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("user", &self.user.id())
            .field("until", &self.until)
            .finish()
    }
}
