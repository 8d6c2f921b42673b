//! Hashing and checking.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The longest password that is accepted, in bytes.
pub const MAX_LEN: usize = 1024;

/// A hash with the parameters of the others, of a password that nobody has: an unknown name takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$\
                                 fD1iPT5FbZ0SXmXcSYdKM0Mc9XLQ0yTMXjQXZlqYg3o";

/// As many at once as there are cores.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(cores))
});

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It is longer than [`MAX_LEN`].
    #[error("password is longer than {MAX_LEN} bytes, choose a shorter one")]
    TooLong,

    /// The system gave no random numbers, or the runtime is shutting down.
    #[error("password could not be hashed")]
    Failed,
}

/// Hashes a password, with a salt of its own, to a text that is fit to be stored.
///
/// # Errors
///
/// [`HashError`] for a password that is too long, and if the system fails.
///
/// # Cancel safety
///
/// Cancel safe; a computation that has begun runs to its end.
pub async fn hash(password: impl Into<String>) -> Result<String, HashError> {
    let password = password.into();
    if password.len() > MAX_LEN {
        return Err(HashError::TooLong);
    }
    let hashed = in_turn(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .ok()
            .map(|hash| hash.to_string())
    });
    hashed.await.flatten().ok_or(HashError::Failed)
}

/// Whether `encoded` is a hash of `password`. A text that is no hash of Argon2's, and a password that is too long, are not.
///
/// # Cancel safety
///
/// Cancel safe; a computation that has begun runs to its end.
pub async fn verify(password: impl Into<String>, encoded: impl Into<String>) -> bool {
    let (password, encoded) = (password.into(), encoded.into());
    if password.len() > MAX_LEN {
        return false;
    }
    let verified = in_turn(move || {
        PasswordHash::new(&encoded).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    });
    verified.await.unwrap_or(false)
}

/// The same for somebody who may not exist: without a hash it takes as long as with one, and is no.
///
/// # Cancel safety
///
/// As [`verify`].
pub async fn verify_if_any(
    password: impl Into<String>,
    encoded: Option<impl Into<String>>,
) -> bool {
    let exists = encoded.is_some();
    let encoded = encoded.map_or_else(|| NOBODY.to_owned(), Into::into);
    verify(password, encoded).await && exists
}

/// What a [`UserBackend::session_hash`](crate::UserBackend::session_hash) may be: a hash of the stored hash. It tells nothing of the
/// password, since the salt that it would take to guess is not told either, and changes with the password.
pub fn session_hash(encoded: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"solent-auth session of a password\0")
        .chain_update(encoded.as_bytes())
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Computes on the blocking pool when it is its turn; `None` if that is shutting down.
async fn in_turn<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // The turn lasts as long as the computation, also if nobody waits for it any more.
    let turn = Arc::clone(&TURNS).acquire_owned().await.ok()?;
    let computing = spawn_blocking(move || {
        let computed = compute();
        drop(turn);
        computed
    });
    computing.await.ok()
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody_and_is_never_right() {
        let known = hash("x").await.unwrap();

        let (somebody, nobody) = (
            PasswordHash::new(&known).unwrap(),
            PasswordHash::new(NOBODY).unwrap(),
        );
        assert_eq!(nobody.algorithm, somebody.algorithm);
        assert_eq!(nobody.params, somebody.params);
        assert!(!verify_if_any("x", None::<String>).await);
        assert!(!verify_if_any("y", Some(&*known)).await);
        assert!(verify_if_any("x", Some(&*known)).await);
    }

    #[test]
    fn session_hash_changes_with_what_it_is_of_and_does_not_show_it() {
        assert_ne!(session_hash("$argon2id$a"), session_hash("$argon2id$b"));
        assert_eq!(session_hash("$argon2id$a").len(), 64);
    }
}
