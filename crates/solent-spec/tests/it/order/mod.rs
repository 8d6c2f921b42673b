mod http;
mod lifespan;
mod websocket;

use solent_spec::SendError;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Legal,
    Illegal,
    NotOffered,
    Closed,
}

impl From<Result<(), SendError>> for Verdict {
    fn from(result: Result<(), SendError>) -> Self {
        match result {
            Ok(()) => Self::Legal,
            Err(SendError::Illegal(rule)) => {
                assert!(!rule.is_empty(), "an illegal order names its rule");
                Self::Illegal
            }
            Err(SendError::NotOffered(_)) => Self::NotOffered,
            Err(SendError::Closed) => Self::Closed,
            Err(error) => panic!("{error:?}"),
        }
    }
}
