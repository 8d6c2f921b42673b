//! What layer operations fail with.

use std::error::Error;

use solent_spec::BoxError;

use crate::{Message, NameError};

/// A layer operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer has been closed.
    #[error("channel layer is closed")]
    Closed,

    /// The channel is another process's, or of a mailbox that is gone, or a process listens on it already and the layer cannot
    /// share it. The text says which.
    #[error("channel is not available: {0}")]
    Unavailable(&'static str),

    /// A name breaks the rules.
    #[error(transparent)]
    Name(#[from] NameError),

    /// The backend is away, or too busy, for longer than the layer waits. A later call may succeed; what was sent may have
    /// arrived or not. The cause is the backend's own and may change between releases.
    #[error("channel layer backend is away")]
    Away(#[source] BoxError),

    /// The backend refuses what was asked, and would refuse it again: wrong credentials, a missing permission, a key of another
    /// type. The cause has its words, and may change between releases.
    #[error("channel layer backend failed")]
    Backend(#[source] BoxError),
}

/// Whether an error, or one of its causes, is that the backend of a channel layer is [away](LayerError::Away), so that the
/// same may succeed later.
///
/// A handler of a WebSocket tells its client so and goes on; a request is answered with status 503.
///
/// ```
/// use solent_layer::{LayerError, SendError, is_away};
///
/// let error = SendError::Layer(LayerError::Away("no route to host".into()));
///
/// assert!(is_away(&error));
/// assert!(!is_away(&LayerError::Closed));
/// ```
pub fn is_away(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let layer = match error.downcast_ref() {
            Some(SendError::Layer(error)) => Some(error),
            _ => error.downcast_ref(),
        };
        if matches!(layer, Some(LayerError::Away(_))) {
            return true;
        }
        next = error.source();
    }
    false
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
