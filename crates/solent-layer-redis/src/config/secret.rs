//! What must never be seen.

use std::fmt;

/// A password or an encryption key. Neither `Debug` nor anything else shows it, only [`expose`](Self::expose).
///
/// Passwords are text. Keys may be any bytes, since `channels_redis` takes both.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// A secret of any bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into().into_boxed_slice())
    }

    /// The secret itself. Do not log it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret itself, if it is text. Do not log it.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl<T: Into<Vec<u8>>> From<T> for Secret {
    fn from(secret: T) -> Self {
        Self::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
