//! Hashing and checking.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The longest password that is accepted, in bytes.
pub const MAX_LEN: usize = 1024;

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
