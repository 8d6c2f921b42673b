//! What a browser is given.

use std::fmt;

use serde::{Serialize, Serializer};
use solent_session::SessionKey;

/// A text that a browser exchanges for a login, once and soon: to be sent to the user only, and not in a URL.
///
/// `Debug` does not print it.
#[derive(Clone)]
#[must_use = "the browser is not logged in before it has exchanged the ticket"]
pub struct Ticket(SessionKey);

impl Ticket {
    pub(super) fn new(key: SessionKey) -> Self {
        Self(key)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}
