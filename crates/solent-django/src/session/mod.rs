//! Django's sessions, wherever a project keeps them.
//!
//! Each engine of `SESSION_ENGINE` is a [`SessionStore`](solent_session::SessionStore): `DatabaseSessions`, `CachedDatabaseSessions`
//! and `CacheSessions` with the features of databases and `redis`, [`FileSessions`] and [`SignedCookieSessions`] always. They
//! read what Django wrote and write what Django reads. What cannot be read is no session, and stays where it is: it may be
//! good again once the settings are.

#[cfg(feature = "redis")]
mod cache;
#[cfg(all(feature = "redis", any(feature = "sqlite", feature = "postgres")))]
mod cached_database;
pub mod codec;
mod cookie;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
mod file;

#[cfg(feature = "redis")]
pub use self::cache::{CacheSerializer, CacheSessions, InvalidLocation, RedisCache};
#[cfg(all(feature = "redis", any(feature = "sqlite", feature = "postgres")))]
pub use self::cached_database::CachedDatabaseSessions;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::database::DatabaseSessions;
pub use self::{cookie::SignedCookieSessions, file::FileSessions};

/// How often a new key is tried that turns out to be taken.
const ATTEMPTS: usize = 4;

/// No new key was free: the store keeps nothing, or everything.
const ALL_TAKEN: &str = "every new key is taken";
