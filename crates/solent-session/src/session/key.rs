//! What a browser shows to be given its session.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a session is found by: the value of the browser's session cookie. It is all that the session needs, so it is a secret.
///
/// Stores decide what their keys look like. What all have in common is what a cookie can hold: 8 to 4096 visible ASCII
/// characters, none of them `"`, `,`, `;` or `\`.
///
/// Cheap to clone. Its `Debug` does not print it, and comparing two takes a time that tells nothing of where they differ.
#[derive(Clone)]
pub struct SessionKey(Arc<str>);

impl SessionKey {
    /// The shortest key, in bytes.
    pub const MIN_LEN: usize = 8;

    /// The longest key, in bytes: what browsers take as a cookie.
    pub const MAX_LEN: usize = 4096;

    /// The key that `text` is.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if no store could have issued it.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let fits = (Self::MIN_LEN..=Self::MAX_LEN).contains(&text.len());
        let visible =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
        if fits && text.bytes().all(visible) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidKey(()))
        }
    }

    /// A new key that cannot be guessed: 32 characters `a-z0-9`, as Django's are, with 165 bits from the operating
    /// system's generator.
    pub fn random() -> Self {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut rng = rand::rng();
        let key: String = (0..32)
            .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
            .collect();
        Self(key.into())
    }

    /// The key as the cookie holds it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be shown of the key, in messages and logs: the SHA-256 of it as 64 lower-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SessionKey {}

impl Hash for SessionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// A text that is no [`SessionKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "session keys are 8 to 4096 visible ASCII characters without quotes, commas, semicolons and backslashes"
)]
pub struct InvalidKey(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_a_cookie_can_hold() {
        for good in [
            "12345678",
            ".eJw:1r31Oq:sig-_",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "a=b=c=d==",
        ] {
            assert_eq!(SessionKey::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(SessionKey::MAX_LEN + 1);
        for bad in [
            "",
            "1234567",
            "1234567\0",
            "1234 5678",
            "12345678;",
            "\"12345678\"",
            "éééééééé",
            &long,
        ] {
            assert!(SessionKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn new_keys_look_like_django_s_and_differ() {
        let (one, other) = (SessionKey::random(), SessionKey::random());

        assert_eq!(one.as_str().len(), 32);
        assert!(
            one.as_str()
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
        assert_ne!(one, other);
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let key = SessionKey::parse("supersecret").unwrap();

        assert!(!format!("{key:?}").contains("supersecret"));
        assert_eq!(key.fingerprint().len(), 64);
    }
}
