//! Signed cookies: `HttpResponse.set_signed_cookie` and `HttpRequest.get_signed_cookie`.

use std::time::{Duration, SystemTime};

use super::{SecretKeys, SigningError, TimestampSigner};

/// Signs values of cookies, and believes those that Django signed.
///
/// The value stands in the cookie as it is, followed by the time and the signature, which is good for a cookie of this name
/// only.
///
/// ```
/// use solent_django::signing::{SecretKeys, SignedCookies};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cookies = SignedCookies::new(&SecretKeys::new("secret")?);
/// let signed = cookies.sign("theme", "dark");
///
/// assert_eq!(cookies.unsign("theme", &signed, None)?, "dark");
/// assert!(cookies.unsign("role", &signed, None).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SignedCookies {
    keys: SecretKeys,
    /// The `salt` argument of Django's methods, empty unless set.
    salt: String,
    /// Whether signatures of earlier releases are believed, too.
    legacy_salt: bool,
}

impl SignedCookies {
    /// Cookies that are signed with `keys`.
    pub fn new(keys: &SecretKeys) -> Self {
        Self {
            keys: keys.prefixed(b"django.http.cookies"),
            salt: String::new(),
            legacy_salt: false,
        }
    }

    /// Sets the `salt` argument of Django's methods. Default: none.
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets whether signatures of earlier releases are believed, too: `SIGNED_COOKIE_LEGACY_SALT_FALLBACK`. Default: no, as in
    /// Django 6.1; 5.2 does.
    ///
    /// They do not tell where the name ends and the salt begins, so that one can stand for another.
    pub fn legacy_salt(mut self, believed: bool) -> Self {
        self.legacy_salt = believed;
        self
    }

    /// The value for the cookie `name`, signed as of now.
    #[must_use]
    pub fn sign(&self, name: &str, value: &str) -> String {
        self.sign_at(name, value, SystemTime::now())
    }

    /// The value for the cookie `name`, signed as of `time`.
    #[must_use]
    pub fn sign_at(&self, name: &str, value: &str, time: SystemTime) -> String {
        self.signer(&self.current_salt(name)).sign_at(value, time)
    }

    /// The value in the cookie `name`, if one of the secret keys signed it, `max_age` ago at most.
    ///
    /// # Errors
    ///
    /// [`SigningError::Bad`] if no key signed it for this name and salt, [`SigningError::Expired`] if one did too long ago.
    pub fn unsign<'a>(
        &self,
        name: &str,
        signed: &'a str,
        max_age: Option<Duration>,
    ) -> Result<&'a str, SigningError> {
        self.unsign_at(name, signed, max_age, SystemTime::now())
    }

    /// As [`unsign`](Self::unsign), with `now` for the time that it is.
    ///
    /// # Errors
    ///
    /// Those of [`unsign`](Self::unsign).
    pub fn unsign_at<'a>(
        &self,
        name: &str,
        signed: &'a str,
        max_age: Option<Duration>,
        now: SystemTime,
    ) -> Result<&'a str, SigningError> {
        let current = self
            .signer(&self.current_salt(name))
            .unsign_at(signed, max_age, now);
        match current {
            Err(SigningError::Bad) if self.legacy_salt => self
                .signer(&[name, &self.salt].concat())
                .unsign_at(signed, max_age, now),
            told => told,
        }
    }

    fn current_salt(&self, name: &str) -> String {
        let length = self.salt.chars().count();
        format!("django.http.cookies.v2:{length}:{}{name}", self.salt)
    }

    fn signer(&self, salt: &str) -> TimestampSigner {
        TimestampSigner::new(self.keys.clone()).salt(salt)
    }
}
