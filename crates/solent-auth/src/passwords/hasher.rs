//! Hashing and checking.

use std::{error::Error, fmt, num::NonZeroUsize, sync::LazyLock, thread::available_parallelism};

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sha2::{Digest, Sha256};
use solent_session::{Threads, ThreadsError};
use solent_spec::TryLater;

/// The longest password that is accepted, in bytes.
pub const MAX_LEN: usize = 1024;

/// A hash with the parameters of the others, of a random password: an unknown name takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$\
                                 fD1iPT5FbZ0SXmXcSYdKM0Mc9XLQ0yTMXjQXZlqYg3o";

/// The most memory that a stored hash may ask for, in KiB. A hash of [`hash`] takes 19 MiB.
const MAX_MEMORY: u32 = 256 << 10;

/// The most KiB that all passes together may go through: some seconds of work.
const MAX_WORK: u64 = 2 << 20;

/// Passwords that may wait for a thread.
const QUEUE: usize = 1024;

/// As many threads as there are cores.
static THREADS: LazyLock<Threads> = LazyLock::new(|| {
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Threads::new("passwords", cores, QUEUE)
});

/// A password could not be hashed or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashError {
    /// It is longer than [`MAX_LEN`].
    TooLong,

    /// Too many passwords wait to be hashed or checked. Nothing was done. A consumer that ends with it answers with 503 and
    /// `Retry-After`.
    Busy,

    /// The system gave no random numbers, or no threads.
    Failed,
}

/// What is behind [`HashError::Busy`].
static LATER: TryLater = TryLater::new();

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(
                f,
                "password is longer than {MAX_LEN} bytes, choose a shorter one"
            ),
            Self::Busy => f.write_str("too many passwords wait to be hashed or checked"),
            Self::Failed => f.write_str("password could not be hashed"),
        }
    }
}

impl Error for HashError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        matches!(self, Self::Busy).then_some(&LATER as _)
    }
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
    hashed.await?.ok_or(HashError::Failed)
}

/// Whether `encoded` is a hash of `password`. A text that is no hash of Argon2's, and a password that is too long, are not.
///
/// A hash that asks for more than 256 MiB, or for more than 2 GiB in all passes, verifies no password: a row that an import
/// or an attacker has damaged takes neither the memory of the process nor a thread for hours. The log has a warning.
///
/// # Errors
///
/// [`HashError::Busy`] if too many wait: then it is not known whether it is.
///
/// # Cancel safety
///
/// Cancel safe; a computation that has begun runs to its end.
pub async fn verify(
    password: impl Into<String>,
    encoded: impl Into<String>,
) -> Result<bool, HashError> {
    let (password, encoded) = (password.into(), encoded.into());
    if password.len() > MAX_LEN {
        return Ok(false);
    }
    let verified = in_turn(move || {
        PasswordHash::new(&encoded).is_ok_and(|hash| {
            is_affordable(&hash)
                && Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
        })
    });
    verified.await
}

/// Whether a hash asks for no more than [`MAX_MEMORY`] and [`MAX_WORK`].
fn is_affordable(hash: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return false;
    };
    let (memory, passes) = (params.m_cost(), params.t_cost());
    let affordable = memory <= MAX_MEMORY && u64::from(memory) * u64::from(passes) <= MAX_WORK;
    if !affordable {
        tracing::warn!(
            memory,
            passes,
            "a stored password hash asks for too much work, and verifies no password"
        );
    }
    affordable
}

/// The same for a user who may not exist: without a hash it takes as long as with one, and is `false`.
///
/// # Errors
///
/// As [`verify`].
///
/// # Cancel safety
///
/// As [`verify`].
pub async fn verify_if_any(
    password: impl Into<String>,
    encoded: Option<impl Into<String>>,
) -> Result<bool, HashError> {
    let exists = encoded.is_some();
    let encoded = encoded.map_or_else(|| NOBODY.to_owned(), Into::into);
    Ok(verify(password, encoded).await? && exists)
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

/// Computes on a thread for passwords.
async fn in_turn<T: Send + 'static>(
    compute: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    THREADS.run(compute).await.map_err(|error| match error {
        ThreadsError::Busy => HashError::Busy,
        _ => HashError::Failed,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use argon2::password_hash::phc::PasswordHash;
    use tokio::time::timeout;

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
        assert_eq!(verify_if_any("x", None::<String>).await, Ok(false));
        assert_eq!(verify_if_any("y", Some(&*known)).await, Ok(false));
        assert_eq!(verify_if_any("x", Some(&*known)).await, Ok(true));
    }

    #[tokio::test]
    async fn hash_that_asks_for_too_much_is_refused_without_the_work() {
        let salt_and_hash = NOBODY.rsplitn(3, '$').collect::<Vec<_>>();
        let [hash, salt, _] = salt_and_hash[..] else {
            panic!("{salt_and_hash:?}");
        };
        for params in [
            // Memory of TiB, GiB, and a little more than may be.
            "m=4294967295,t=1,p=1",
            "m=8388608,t=2,p=1",
            "m=262145,t=1,p=1",
            // Work for hours.
            "m=8,t=4294967295,p=1",
            "m=262144,t=9,p=1",
            "m=262144,t=1000000000,p=4",
            // What Argon2 does not have.
            "m=0,t=0,p=0",
            "m=19456,t=0,p=1",
            "m=19456,t=2,p=0",
            "m=8,t=1,p=16777216",
        ] {
            let encoded = format!("$argon2id$v=19${params}${salt}${hash}");
            let verified = timeout(Duration::from_secs(20), verify("x", encoded));
            assert_eq!(verified.await.expect(params), Ok(false), "{params}");
        }
        let salt = "A".repeat(4 << 20);
        let encoded = format!("$argon2id$v=19$m=8,t=1,p=1${salt}${hash}");
        assert_eq!(verify("x", encoded).await, Ok(false));
    }

    #[test]
    fn costs_up_to_the_limits_are_affordable() {
        for params in ["m=262144,t=8,p=4", "m=102400,t=2,p=8", "m=8,t=262144,p=1"] {
            let encoded = NOBODY.replace("m=19456,t=2,p=1", params);
            let hash = PasswordHash::new(&encoded).unwrap();
            assert!(is_affordable(&hash), "{params}");
        }
    }

    #[test]
    fn session_hash_changes_with_what_it_is_of_and_does_not_show_it() {
        assert_ne!(session_hash("$argon2id$a"), session_hash("$argon2id$b"));
        assert_eq!(session_hash("$argon2id$a").len(), 64);
    }
}
