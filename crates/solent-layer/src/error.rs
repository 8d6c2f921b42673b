//! What layer operations fail with.

use solent_spec::BoxError;

use crate::{Message, NameError};

/// A layer operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer has been closed.
    #[error("channel layer is closed")]
    Closed,

    /// The channel is another process's, or of a mailbox that is gone, or somebody listens on it already and the layer cannot
    /// share it. The text says which.
    #[error("channel is not available: {0}")]
    Unavailable(&'static str),

    /// A name breaks the rules.
    #[error(transparent)]
    Name(#[from] NameError),

    /// The backend failed, or was out of reach for longer than the layer waits; the cause is its own and may change between releases.
    #[error("channel layer backend failed")]
    Backend(#[source] BoxError),
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The channel holds as many messages as its capacity allows. The message is handed back.
    #[error("channel is full")]
    Full(Message),

    /// The message is larger than the layer carries. The message is handed back.
    #[error(
        "message of {size} bytes is larger than the {limit} that the layer carries, send a reference instead"
    )]
    TooLarge {
        /// The message.
        message: Message,
        /// Its encoded size.
        size: usize,
        /// The layer's limit.
        limit: usize,
    },

    /// The layer failed.
    #[error(transparent)]
    Layer(#[from] LayerError),
}

impl SendError {
    /// The message, where it is handed back.
    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::Full(message) | Self::TooLarge { message, .. } => Some(message),
            Self::Layer(_) => None,
        }
    }
}
