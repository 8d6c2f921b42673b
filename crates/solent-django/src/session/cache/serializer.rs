//! What a cache keeps values as.

use serde_json::Value;
use solent_auth::SessionData;

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

    /// The session that a value is; `None`, and an event, if it is none.
    pub(super) fn read(self, value: &[u8]) -> Option<SessionData> {
        match self {
            Self::Pickle => match pickle::read(value) {
                Ok(data) => Some(data),
                Err(error) => refused(&error),
            },
            Self::Json => match json::read(value) {
                Ok(Value::Object(data)) => Some(data),
                Ok(_) => {
                    tracing::warn!("cached session is not an object; taken as no session");
                    None
                }
                Err(error) => refused(&error),
            },
        }
    }
}

fn refused(error: &(dyn std::error::Error + 'static)) -> Option<SessionData> {
    tracing::warn!(error, "cached session cannot be read; taken as no session");
    None
}
