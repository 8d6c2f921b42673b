//! What resolving, logging in and logging out fail with.

use solent_session::SessionError;
use solent_spec::BoxError;

/// A user backend could not answer: its database is out of reach, or broken.
///
/// A user that does not exist is no error. The cause is the backend's own and may change between releases.
#[derive(Debug, thiserror::Error)]
#[error("user backend could not answer")]
pub struct BackendError(#[source] BoxError);

impl BackendError {
    /// The error of a backend, because of `cause`.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

/// The user could not be found out, or could not be logged in or out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The user backend could not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),

    /// The session could not be read or written, or it is too late to tell the browser its new key.
    #[error(transparent)]
    Session(#[from] SessionError),

    /// The user came with a token, and there is no session to log in to or out of.
    #[error("connection has no session, put the application inside an AuthStack to log users in")]
    NoSession,

    /// The connection's user is not the one that was to be [kept](crate::Auth::password_changed) logged in.
    #[error("session does not belong to the user whose login was to be kept")]
    AnotherUser,

    /// There are several backends, and a login has to say whose user it is.
    #[error("there are several user backends, name the user's with login_with")]
    SeveralBackends,

    /// No backend of the stack has this name.
    #[error("user backend {0:?} is not one of the stack's, add it there")]
    UnknownBackend(String),
}
