//! What a user logs in with.

use std::fmt;

use serde::Deserialize;
use solent_edge::form_field;

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
    /// The credentials of a client that claims to be `name`.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: password.into(),
        }
    }

    /// Reads what the browser sends of a login form: the fields `name`, or `username` as Django calls it, and `password`, in
    /// the encoding of URLs. `None` if one of them is missing.
    ///
    /// ```
    /// use solent_auth::passwords::Password;
    ///
    /// let password = Password::from_form(b"name=ann&password=correct+horse").unwrap();
    ///
    /// assert_eq!((&*password.name, &*password.password), ("ann", "correct horse"));
    /// ```
    pub fn from_form(body: &[u8]) -> Option<Self> {
        let name = form_field(body, "name").or_else(|| form_field(body, "username"))?;
        let password = form_field(body, "password")?;
        Some(Self::new(name, password))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_has_a_name_by_either_name_and_a_password() {
        let read = |form: &str| {
            let Password { name, password } = Password::from_form(form.as_bytes())?;
            Some(format!("{name}:{password}"))
        };

        assert_eq!(
            read("password=a%26b&username=%C3%A4").as_deref(),
            Some("ä:a&b")
        );
        assert_eq!(read("username=b&name=a&password=").as_deref(), Some("a:"));
        assert_eq!(read("name=a"), None);
        assert_eq!(read("password=a"), None);
        assert_eq!(read(""), None);
    }
}
