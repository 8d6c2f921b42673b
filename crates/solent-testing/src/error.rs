//! What can go wrong in a test's conversation with an application.

use std::{error::Error, sync::Arc, time::Duration};

use solent_spec::{BoxError, websocket::Close};

/// A conversation did not go as a test wanted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommunicatorError {
    /// The application ended with this error.
    #[error("application failed")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),

    /// The application panicked; this is its message.
    #[error("application panicked: {0}")]
    Panicked(String),

    /// The application ended well, and what was waited for will not come any more.
    #[error("application has ended, waiting for {0} is in vain")]
    Ended(&'static str),

    /// Nothing happened in time. The application goes on, and so may the test.
    #[error("application did not give {wanted} within {timeout:?}")]
    Elapsed {
        /// What was waited for.
        wanted: &'static str,
        /// For how long.
        timeout: Duration,
    },

    /// Something else came than was wanted.
    #[error("application was to give {wanted}, not {got}")]
    Unexpected {
        /// What was wanted.
        wanted: &'static str,
        /// What came; text is shown, so keep secrets out of tests.
        got: String,
    },

    /// The application closed the WebSocket.
    #[error("application closed the socket: {0}")]
    Closed(Close),

    /// The application refused to start, or could not clean up; this is its message.
    #[error("application refused: {0}")]
    Refused(String),

    /// A body or message could not be read.
    #[error("what the application sent cannot be read")]
    Unreadable(#[source] Arc<dyn Error + Send + Sync>),

    /// The request that the test wants to make is none.
    #[error("request is not a valid one")]
    Request(#[source] Arc<dyn Error + Send + Sync>),
}

impl CommunicatorError {
    /// The application's own error, if that is what ended the conversation.
    pub fn application_error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            _ => None,
        }
    }

    /// Whether a time-out ended the wait.
    pub fn is_elapsed(&self) -> bool {
        matches!(self, Self::Elapsed { .. })
    }

    pub(crate) fn unreadable(error: impl Into<BoxError>) -> Self {
        Self::Unreadable(error.into().into())
    }

    pub(crate) fn request(error: impl Into<BoxError>) -> Self {
        Self::Request(error.into().into())
    }

    pub(crate) fn unexpected(wanted: &'static str, got: impl Into<String>) -> Self {
        let got = got.into();
        Self::Unexpected { wanted, got }
    }
}
