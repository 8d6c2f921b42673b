//! What can go wrong with sessions.

use solent_spec::{BoxError, TryLater};

/// A store could not do what it was asked for. That a session is not there is none of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or failed. The cause is its own and may change between releases.
    #[error("session store is not available")]
    Unavailable(#[source] BoxError),

    /// The store answered that it will not do it, today or later: the credentials are wrong, or a right or a command is missing.
    /// The cause is its own and may change between releases.
    #[error("session store refused a command, correct its credentials or its rights")]
    Refused(#[source] BoxError),

    /// There is a session that cannot be read: it was written with another secret key or serializer, or is damaged. It stays
    /// as it is.
    #[error("session cannot be read: it was written with another key or serializer, or is damaged")]
    Unreadable,

    /// The session is larger than the store takes.
    #[error("session takes {size} bytes where its store allows {limit}, keep less in it")]
    TooLarge {
        /// What it takes, in bytes.
        size: usize,
        /// What the store allows, in bytes.
        limit: usize,
    },
}

impl StoreError {
    /// A store that cannot be reached, because of `cause`. A consumer that ends with it answers with 503 and `Retry-After`.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::Unavailable(TryLater::because(cause).into())
    }
}

/// A session could not be read, changed or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed.
    #[error("session could not be read or written")]
    Store(#[source] StoreError),

    /// The browser has a session that [cannot be read](StoreError::Unreadable), and it is not written over: another
    /// application that shares the cookie may have good use of it. Correct the keys or the serializer;
    /// [flush](crate::Session::flush) the session, or log a user in, to begin another one; or set
    /// [`replace_unreadable`](crate::SessionConfig::replace_unreadable).
    #[error(
        "session cannot be read, and is not written over: look whether this application has the keys and the serializer that it was written with"
    )]
    Unreadable,

    /// Others changed the session each time that it was to be saved. Nothing was kept; try again later.
    #[error("session was changed by others each time that it was to be saved")]
    Contended,

    /// The session was deleted by another request after it was read, as a log-out in another window does. It is not
    /// written again.
    #[error("session was deleted before it was saved, the user may have logged out meanwhile")]
    Vanished,

    /// The session would need a new key, but the response with the cookies has left, so the browser could never learn it.
    #[error(
        "session needs a new key, and no cookie can be set any more: change it before the response, or hand out a login ticket"
    )]
    Answered,

    /// What is kept under the name is not of the type that was asked for.
    #[error("value of {name:?} in the session is of another type")]
    Shape {
        /// The name.
        name: Box<str>,
        /// What does not fit.
        #[source]
        cause: serde_json::Error,
    },
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreadable => Self::Unreadable,
            error => Self::Store(error),
        }
    }
}

impl SessionError {
    pub(super) fn shape(name: &str, cause: serde_json::Error) -> Self {
        Self::Shape {
            name: name.into(),
            cause,
        }
    }
}
