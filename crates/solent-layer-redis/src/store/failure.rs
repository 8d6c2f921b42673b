//! Why a command was not carried out.

use std::time::Duration;

use solent_spec::BoxError;

use crate::error::LinkError;

/// A command was not carried out, or it is not known whether it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFailure {
    /// Redis is away, or did not answer in time.
    #[error(transparent)]
    Away(BoxError),
    /// Redis answered, and will answer the same again.
    #[error(transparent)]
    Refused(BoxError),
}

/// Redis did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("redis did not answer within {0:?}")]
pub(super) struct Silent(pub(super) Duration);

impl From<LinkError> for StoreFailure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Closed => Self::Away("connection was closed".into()),
            error if error.is_away() => Self::Away(error.into()),
            error => Self::Refused(error.into()),
        }
    }
}
