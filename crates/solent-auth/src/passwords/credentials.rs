//! What somebody logs in with.

use std::fmt;

use serde::Deserialize;

/// A name and a password, as a login form sends them. `Debug` does not print the password.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Password {
    /// What the user is called at login.
    pub name: String,
    /// The password as it was typed.
    pub password: String,
}

impl Password {
    /// The credentials of somebody who says to be `name`.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: password.into(),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
