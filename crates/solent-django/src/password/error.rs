//! Why a password could not be hashed or checked.

/// A password was not hashed, or not looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// As many passwords wait as are allowed to. Nothing was done.
    #[error("too many passwords are waiting to be checked, the pool's limits may be raised")]
    Busy(#[source] solent_spec::TryLater),

    /// The settings of the hasher are none that its algorithm has, or beyond the limits.
    #[error(
        "the hasher's parameters are impossible or beyond the limits: take those of a release of Django"
    )]
    Parameters,

    /// The system starts no threads. The cause is not to be relied on.
    #[error("there are no threads to hash passwords with")]
    Stopped(#[source] solent_spec::BoxError),
}
