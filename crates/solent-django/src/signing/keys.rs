//! `SECRET_KEY` and `SECRET_KEY_FALLBACKS`.

use std::{fmt, sync::Arc};

/// The secret keys of a Django project: `SECRET_KEY`, which signs, and `SECRET_KEY_FALLBACKS`, which are still believed.
///
/// Cheap to clone. Its `Debug` shows how many there are and none of them.
#[derive(Clone)]
pub struct SecretKeys {
    /// The current key, then the former ones in their order. Never empty, and none of them is.
    keys: Arc<[Box<[u8]>]>,
}

/// A secret key without a single byte, with which any client could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret key is empty: set it to the SECRET_KEY of the Django project")]
#[non_exhaustive]
pub struct EmptyKey;

impl SecretKeys {
    /// Takes `SECRET_KEY`, as text or bytes.
    ///
    /// # Errors
    ///
    /// [`EmptyKey`] if there is nothing in it, which is what an unset environment variable looks like.
    pub fn new(current: impl AsRef<[u8]>) -> Result<Self, EmptyKey> {
        Ok(Self {
            keys: Arc::new([checked(current.as_ref())?]),
        })
    }

    /// Sets `SECRET_KEY_FALLBACKS`, the keys of former times, in the order in which they are tried.
    ///
    /// # Errors
    ///
    /// [`EmptyKey`] if one of them is empty.
    pub fn fallbacks<K: AsRef<[u8]>>(
        self,
        former: impl IntoIterator<Item = K>,
    ) -> Result<Self, EmptyKey> {
        let current = Ok(self.keys[0].clone());
        let former = former.into_iter().map(|key| checked(key.as_ref()));
        Ok(Self {
            keys: std::iter::once(current)
                .chain(former)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> &[u8] {
        &self.keys[0]
    }

    /// The keys that signed in former times.
    pub(crate) fn former(&self) -> impl Iterator<Item = &[u8]> {
        self.keys[1..].iter().map(|key| &**key)
    }

    /// All keys that are believed, the current one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|key| &**key)
    }

    /// The same keys, each with `prefix` before it.
    pub(crate) fn prefixed(&self, prefix: &[u8]) -> Self {
        Self {
            keys: self
                .all()
                .map(|key| [prefix, key].concat().into())
                .collect(),
        }
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKeys")
            .field("fallbacks", &(self.keys.len() - 1))
            .finish_non_exhaustive()
    }
}

fn checked(key: &[u8]) -> Result<Box<[u8]>, EmptyKey> {
    if key.is_empty() {
        return Err(EmptyKey);
    }
    Ok(key.into())
}
