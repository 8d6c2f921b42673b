//! How much of a database is used.

use std::{num::NonZeroUsize, time::Duration};

/// Settings for a [`Database`](crate::Database).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct DatabaseConfig {
    /// Connections to the database at most. Default: 8.
    pub pool_size: NonZeroUsize,
    /// How long one statement may take in all, including the wait for a connection and, with SQLite, for others that write.
    /// Default: 5 s, what Django waits for SQLite.
    pub timeout: Duration,
}

impl DatabaseConfig {
    /// Sets [`pool_size`](Self::pool_size).
    pub fn pool_size(mut self, connections: NonZeroUsize) -> Self {
        self.pool_size = connections;
        self
    }

    /// Sets [`timeout`](Self::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            pool_size: NonZeroUsize::new(8).expect("eight is not zero"),
            timeout: Duration::from_secs(5),
        }
    }
}
