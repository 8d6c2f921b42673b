//! What goes wrong with Redis.

use std::{sync::Arc, time::Duration};

use redis::RedisError;
use solent_layer::{LayerError, SendError};

use crate::link::{is_passing, reason};

/// A command was not carried out, or it is not known whether it was.
///
/// It is the cause behind [`LayerError::Away`] and [`LayerError::Backend`]. Cheap to clone, because one failure ends many commands.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The layer has been closed.
    #[error("channel layer is closed")]
    Closed,

    /// There was no connection for as long as a command may wait.
    #[error(
        "redis has been out of reach for {waited:?}, see that it runs and that the address is right"
    )]
    Away {
        /// How long the command waited.
        waited: Duration,
        /// What the last attempt to connect ended with.
        #[source]
        cause: Option<Arc<RedisError>>,
    },

    /// Redis does not let this process in, or what answers is no Redis.
    #[error(
        "redis does not accept the connection, check its address, TLS, user, password and database"
    )]
    Denied(#[source] Arc<RedisError>),

    /// The connection broke after the command was sent.
    #[error(
        "connection broke before redis answered, which may have carried out the command or not"
    )]
    Broken(#[source] Arc<RedisError>),

    /// Redis answered with an error.
    #[error("redis refused the command")]
    Refused(#[source] Arc<RedisError>),

    /// Redis answered something that the command does not give.
    #[error("redis answered with something unexpected, its version is 6 or later?")]
    Answer,

    /// Too many commands are on their way.
    #[error("{pending} commands wait for redis already, send less or raise `max_pending`")]
    Overloaded {
        /// How many there are.
        pending: usize,
    },
}

impl LinkError {
    /// Whether the same may succeed later, without a change of settings.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Broken(_) | Self::Overloaded { .. } => true,
            Self::Refused(error) => is_passing(error),
            Self::Denied(_) | Self::Closed | Self::Answer => false,
        }
    }

    /// Whether the server does not answer, or is none to write to any more, so that another may have taken its place.
    pub(crate) fn is_elsewhere(&self) -> bool {
        match self {
            Self::Broken(error) => error.is_timeout(),
            Self::Refused(error) => is_passing(error),
            _ => false,
        }
    }

    /// Whether a key is of another type than this layer's keys are.
    pub(crate) fn is_wrong_type(&self) -> bool {
        matches!(self, Self::Refused(error) if reason(error) == Some("WRONGTYPE"))
    }
}

impl From<LinkError> for LayerError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Closed => Self::Closed,
            error if error.is_away() => Self::Away(error.into()),
            error => Self::Backend(error.into()),
        }
    }
}

impl From<LinkError> for SendError {
    fn from(error: LinkError) -> Self {
        Self::Layer(error.into())
    }
}
