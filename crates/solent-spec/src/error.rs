//! What can go wrong between an application and its connection.

use std::error::Error;

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What an application ends with when it fails.
pub type AppError = BoxError;

/// The result of an application or of one of its handlers.
pub type Result<T = (), E = AppError> = std::result::Result<T, E>;

/// An event could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is over: the client left, or the application closed it before.
    ///
    /// Servers do not log an application that ends with this.
    #[error("connection is closed")]
    Closed,

    /// The protocol does not allow the event now. The connection stays as it was.
    #[error("{0}")]
    Illegal(&'static str),

    /// The server does not offer the extension that the event belongs to; look at the scope's features first.
    #[error("server does not offer {0}")]
    NotOffered(&'static str),

    /// The client reads too slowly: more output is waiting than the server's limit allows. The connection is being
    /// closed.
    #[error("client does not read fast enough, unsent output exceeds the limit")]
    Overflow,
}

impl SendError {
    /// Whether the client is gone, as opposed to a mistake of the application.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed | Self::Overflow)
    }
}

/// Whether `error`, or an error it was caused by, only says that the client is gone.
pub fn is_disconnect(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<SendError>() {
            return error.is_closed();
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not greet")]
    struct Greet(#[source] SendError);

    #[test]
    fn disconnect_is_found_behind_other_errors() {
        assert!(is_disconnect(&Greet(SendError::Closed)));
        assert!(!is_disconnect(&Greet(SendError::Illegal("rule"))));
        assert!(!is_disconnect(&std::io::Error::other("disk")));
    }
}
