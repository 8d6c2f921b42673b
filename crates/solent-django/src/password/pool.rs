//! Passwords on threads of their own, few at a time.

use std::{num::NonZeroUsize, thread};

use solent_session::{Threads, ThreadsError};
use solent_spec::TryLater;

use super::{PasswordError, Passwords, Verdict};

/// [`Passwords`] for servers: worked on where it keeps no socket waiting.
///
/// Cheap to clone; all clones share their limits. Each operation is one of at most [`workers`](PoolConfig::workers) under way,
/// waits among at most [`queue`](PoolConfig::queue), or is refused as [busy](PasswordError::Busy).
///
/// ```
/// use solent_django::password::{Hasher, PasswordPool, Passwords, PoolConfig, Verdict};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), solent_django::password::PasswordError> {
/// let passwords = Passwords::new(Hasher::Pbkdf2Sha256 { iterations: 1000 });
/// let pool = PasswordPool::new(passwords, PoolConfig::default());
///
/// let column = pool.hash("secret").await?;
/// assert_eq!(pool.check("secret", column).await?, Verdict::Current);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PasswordPool {
    passwords: Passwords,
    threads: Threads,
}

/// Settings for a [`PasswordPool`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[must_use]
pub struct PoolConfig {
    /// Passwords worked on at the same time, each with a core and perhaps 100 MiB. Default: half of the cores, at least one.
    pub workers: NonZeroUsize,
    /// Passwords that wait for a worker. Default: 256.
    pub queue: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            workers: NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN),
            queue: 256,
        }
    }
}

impl PoolConfig {
    /// Sets [`workers`](Self::workers).
    pub fn workers(mut self, passwords: NonZeroUsize) -> Self {
        self.workers = passwords;
        self
    }

    /// Sets [`queue`](Self::queue).
    pub fn queue(mut self, passwords: usize) -> Self {
        self.queue = passwords;
        self
    }
}

impl PasswordPool {
    /// A pool with nothing to do.
    #[must_use]
    pub fn new(passwords: Passwords, config: PoolConfig) -> Self {
        Self {
            passwords,
            threads: Threads::new("passwords", config.workers, config.queue),
        }
    }

    /// What passwords are made with and believed.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// [`Passwords::check`].
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] if too many wait; [`PasswordError::Stopped`] if the system has no threads.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while it waits takes it out of the queue. What is being worked on is worked on to its end, and
    /// holds its place until then.
    pub async fn check(
        &self,
        password: impl Into<String>,
        encoded: impl Into<String>,
    ) -> Result<Verdict, PasswordError> {
        let (password, encoded) = (password.into(), encoded.into());
        self.run(move |passwords| passwords.check(&password, &encoded))
            .await
    }

    /// [`Passwords::hash`].
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), and [`PasswordError::Parameters`].
    ///
    /// # Cancel safety
    ///
    /// As of [`check`](Self::check).
    pub async fn hash(&self, password: impl Into<String>) -> Result<String, PasswordError> {
        let password = password.into();
        self.run(move |passwords| passwords.hash(&password)).await?
    }

    /// [`Passwords::pretend`].
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    ///
    /// # Cancel safety
    ///
    /// As of [`check`](Self::check).
    pub async fn pretend(&self, password: impl Into<String>) -> Result<(), PasswordError> {
        let password = password.into();
        self.run(move |passwords| passwords.pretend(&password))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Passwords) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let passwords = self.passwords.clone();
        let worked = self.threads.run(move || work(&passwords)).await;
        worked.map_err(|error| match error {
            ThreadsError::Busy => PasswordError::Busy(TryLater::new()),
            error => PasswordError::Stopped(error.into()),
        })
    }
}
