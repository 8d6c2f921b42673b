//! What a cache keeps values as.

use serde_json::Value;
use solent_session::{SessionData, StoreError};

use crate::{pickle, python::json};

/// How a cache writes what it keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheSerializer {
    /// As Python does, which is what Django's Redis cache does. Only plain data is read, and nothing is executed.
    #[default]
    Pickle,
    /// As JSON, for projects with a serializer of their own that does.
    Json,
}

impl CacheSerializer {
    pub(super) fn write(self, data: &SessionData) -> Vec<u8> {
        match self {
            Self::Pickle => pickle::write(data),
            Self::Json => json::write_map(data).into_bytes(),
        }
    }

    /// The session that a value is.
    pub(super) fn read(self, value: &[u8]) -> Result<SessionData, StoreError> {
        match self {
            Self::Pickle => pickle::read(value).map_err(|error| refused(&error)),
            Self::Json => match json::read(value) {
                Ok(Value::Object(data)) => Ok(data),
                Ok(_) => {
                    tracing::info!("cached session is not an object, and cannot be read");
                    Err(StoreError::Unreadable)
                }
                Err(error) => Err(refused(&error)),
            },
        }
    }
}

fn refused(error: &(dyn std::error::Error + 'static)) -> StoreError {
    tracing::info!(error, "cached session cannot be read");
    StoreError::Unreadable
}
