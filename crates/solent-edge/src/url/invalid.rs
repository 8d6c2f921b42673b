//! Patterns that can match nothing.

/// A host or an origin that is to be let in can match nothing, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` matches nothing: {reason}")]
pub struct InvalidPattern {
    pattern: Box<str>,
    reason: &'static str,
}

impl InvalidPattern {
    pub(crate) fn new(pattern: &str, reason: &'static str) -> Self {
        Self {
            pattern: pattern.into(),
            reason,
        }
    }
}
