//! What cookies are sealed with.

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret that cookies are sealed with: at least 32 bytes that cannot be guessed, the same in all processes.
#[derive(Clone)]
pub struct CookieSecret(Arc<[u8]>);

impl CookieSecret {
    /// The shortest secret, in bytes.
    pub const MIN_LEN: usize = 32;

    /// The secret that `bytes` are.
    ///
    /// # Errors
    ///
    /// [`WeakSecret`] for fewer than 32 bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, WeakSecret> {
        let bytes = bytes.as_ref();
        if bytes.len() < Self::MIN_LEN {
            return Err(WeakSecret { len: bytes.len() });
        }
        Ok(Self(bytes.into()))
    }

    /// A secret for as long as this process runs.
    pub fn random() -> Self {
        Self(rand::random::<[u8; 32]>().as_slice().into())
    }

    /// A key for one purpose.
    pub(super) fn derive(&self, purpose: &[u8], salt: &[u8]) -> [u8; 32] {
        self.mac(purpose)
            .chain_update(salt)
            .finalize()
            .into_bytes()
            .into()
    }

    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("an HMAC takes a key of any length")
            .chain_update(purpose)
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret(..)")
    }
}

/// A secret that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret has {len} bytes, take 32 or more from a random generator")]
pub struct WeakSecret {
    len: usize,
}
