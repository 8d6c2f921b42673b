//! What goes wrong with Redis.

use std::{sync::Arc, time::Duration};

use redis::RedisError;
use solent_layer::{LayerError, SendError};

/// A command was not carried out, or nobody knows whether it was.
///
/// It is the cause behind [`LayerError::Backend`]. Cheap to clone, because one failure ends many commands.
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

impl From<LinkError> for LayerError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Closed => Self::Closed,
            error => Self::Backend(error.into()),
        }
    }
}

impl From<LinkError> for SendError {
    fn from(error: LinkError) -> Self {
        Self::Layer(error.into())
    }
}
