//! What stands in the column of a user who has no password.

use super::salt;

/// The column of a user who cannot log in with a password: an exclamation mark and 40 random characters, as Django writes it.
#[must_use]
pub fn unusable() -> String {
    format!("!{}", salt::random(40))
}

/// Whether a password may be right for this column at all.
#[must_use]
pub fn is_usable(encoded: &str) -> bool {
    !encoded.starts_with('!')
}
