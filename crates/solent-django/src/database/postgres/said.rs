//! What a server says of its errors.

use std::fmt;

use solent_spec::BoxError;
use tokio_postgres::error::{DbError, SqlState};

/// An error of the server's, without its detail: that may repeat a whole row, with the key of a session and its values.
#[derive(Debug)]
struct Said {
    code: SqlState,
    severity: String,
    message: String,
}

/// The cause that is shown of an error.
pub(super) fn cause(error: tokio_postgres::Error) -> BoxError {
    match error.as_db_error() {
        Some(error) => Said::from(error).into(),
        None => error.into(),
    }
}

impl From<&DbError> for Said {
    fn from(error: &DbError) -> Self {
        // Errors of this class, "data exception", repeat the value in their message.
        let has_value = error.code().code().starts_with("22");
        Self {
            code: error.code().clone(),
            severity: error.severity().to_owned(),
            message: match has_value {
                true => "a value does not fit".to_owned(),
                false => error.message().to_owned(),
            },
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            severity,
            message,
        } = self;
        write!(f, "{severity}: {message} (SQLSTATE {})", code.code())
    }
}

impl std::error::Error for Said {}
