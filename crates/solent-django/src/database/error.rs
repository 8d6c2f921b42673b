//! What can go wrong with a database.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use solent_session::StoreError;
use solent_spec::{BoxError, TryLater};

/// A database cannot be used, or did not answer. No message has a password or a value in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL has no form that is known.
    #[error("database URL {0}")]
    Url(Cow<'static, str>),

    /// A name of a table or column is none in any database.
    #[error(
        "{0:?} cannot be the name of a table or column: names have 1 to 63 bytes and no zero byte"
    )]
    Name(String),

    /// A certificate or a key cannot be read.
    #[error("TLS file `{path}` cannot be used")]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: BoxError,
    },

    /// The database cannot be reached. The cause is the client's own and may change between releases.
    #[error("database {0} cannot be reached")]
    Unavailable(String, #[source] BoxError),

    /// There is no such database, or it does not let this user in. The cause is the client's own and may change between
    /// releases.
    #[error("database {0} cannot be used, correct its URL: the user, the password or the name")]
    Unusable(String, #[source] BoxError),

    /// No connection became free in time, or no answer came.
    #[error(
        "database did not answer within {waited:?}: allow it more connections or more time, or look what it is busy with"
    )]
    Elapsed {
        /// How long it had.
        waited: Duration,
    },

    /// The database refused a statement: a table or a column may not be there, or may not be used by this user. The cause
    /// is the client's own and may change between releases.
    #[error(
        "database refused a statement, check that the tables are migrated and named in the settings as they are"
    )]
    Refused(#[source] BoxError),

    /// A value is none that its column can have.
    #[error("value is none that its column can have")]
    Value(#[source] BoxError),

    /// An answer is not what the statement asks for: a column is of another type than in Django.
    #[error("column {0} of the answer has a type that it has not in Django")]
    Shape(usize),
}

impl DatabaseError {
    /// As a cause: what is away or busy is [marked](TryLater) so.
    pub(crate) fn into_cause(self) -> BoxError {
        match self.passes() {
            true => TryLater::because(self).into(),
            false => self.into(),
        }
    }

    /// Whether another attempt may well succeed, without any change by people.
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(..) | Self::Elapsed { .. })
    }

    pub(super) fn url(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Url(problem.into())
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error.passes() {
            true => Self::unavailable(error),
            false => Self::Refused(error.into()),
        }
    }
}
