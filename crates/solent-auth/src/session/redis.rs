//! Sessions in Redis.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use redis::{Cmd, FromRedisValue, RedisError, aio::MultiplexedConnection};
use solent_spec::BoxError;

use super::{Saved, SessionData, SessionKey, SessionStore, StoreError};

/// Keeps sessions in Redis, or what speaks its protocol: each as JSON under `solent:session:` and its key, with its expiry.
///
/// All commands go over one connection, which is made when it is first needed and again when it breaks. Cheap to clone.
#[derive(Clone)]
#[must_use]
pub struct RedisStore {
    prefix: Arc<str>,
    link: Arc<Link>,
}

struct Link {
    pool: Pool,
    /// The connection, once there is one. Held for a moment, never across a wait.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// How long a connection may take to be made, or to be found broken.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a new key is tried that turns out to be taken.
const ATTEMPTS: usize = 4;

impl RedisStore {
    /// Sessions in the server of a URL such as `redis://:password@host:6379/0`, `rediss://…` with TLS, or
    /// `redis+unix:///path`. Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`InvalidStoreUrl`] for a URL that is none of these.
    pub fn new(url: &str) -> Result<Self, InvalidStoreUrl> {
        let manager = Manager::new(url).map_err(|cause| InvalidStoreUrl(cause.into()))?;
        let pool = Pool::builder(manager)
            // The connection is shared, more would do nothing.
            .max_size(1)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|cause| InvalidStoreUrl(cause.into()))?;
        Ok(Self {
            prefix: "solent:session:".into(),
            link: Arc::new(Link {
                pool,
                connection: Mutex::default(),
            }),
        })
    }

    /// Sets what the names of sessions begin with in Redis.
    pub fn prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &SessionKey) -> String {
        [&self.prefix, key.as_str()].concat()
    }

    /// Sets a value on `condition`, that there is one (`XX`) or that there is none (`NX`). Whether it was met.
    async fn set(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
        condition: &str,
    ) -> Result<bool, StoreError> {
        let json = serde_json::to_vec(data).map_err(StoreError::unavailable)?;
        let mut set = redis::cmd("SET");
        set.arg(self.name(key))
            .arg(json)
            .arg("PX")
            .arg(remaining(expires))
            .arg(condition);
        let reply: Option<String> = self.link.query(&set).await?;
        Ok(reply.is_some())
    }
}

/// Milliseconds until `expires`, at least one: what has expired is gone as soon as it is there.
fn remaining(expires: SystemTime) -> u64 {
    /// A hundred years.
    const MOST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
    let left = expires
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    u64::try_from(left.as_millis())
        .unwrap_or(MOST)
        .clamp(1, MOST)
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        let mut get = redis::cmd("GET");
        get.arg(self.name(key));
        let json: Option<Vec<u8>> = self.link.query(&get).await?;
        let data = json.map(|json| serde_json::from_slice(&json).ok());
        if let Some(None) = data {
            tracing::warn!(target: "solent::auth", "stored session cannot be read");
        }
        Ok(data.flatten())
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            if self.set(&key, data, expires, "NX").await? {
                return Ok(key);
            }
        }
        Err(StoreError::unavailable("every new key is taken"))
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let kept = self.set(key, data, expires, "XX").await?;
        Ok(if kept { Saved::Kept } else { Saved::Gone })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let mut delete = redis::cmd("DEL");
        delete.arg(self.name(key));
        let _: u64 = self.link.query(&delete).await?;
        Ok(())
    }
}

impl Link {
    /// Sends a command that may be sent twice: where the connection turns out to be broken, over a new one.
    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        match self.query_once(command).await {
            Err(Failure::Broken(_)) => self.query_once(command).await,
            outcome => outcome,
        }
        .map_err(|failure| match failure {
            Failure::Broken(error) | Failure::Refused(error) => StoreError::unavailable(error),
            Failure::Away(error) => StoreError::unavailable(error),
        })
    }

    async fn query_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let mut connection = self.connection().await.map_err(Failure::Away)?;
        let reply = command.query_async(&mut connection).await;
        reply.map_err(|error: RedisError| {
            if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() {
                *self.lock() = None;
            }
            if error.is_connection_dropped() {
                Failure::Broken(error)
            } else {
                Failure::Refused(error)
            }
        })
    }

    async fn connection(&self) -> Result<MultiplexedConnection, PoolError> {
        if let Some(connection) = &*self.lock() {
            return Ok(connection.clone());
        }
        // Back in the pool its twin is looked at when the next one is asked for, and replaced if it is broken.
        let connection = MultiplexedConnection::clone(&*self.pool.get().await?);
        *self.lock() = Some(connection.clone());
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

enum Failure {
    /// There is no connection.
    Away(PoolError),
    /// There was one.
    Broken(RedisError),
    /// Redis answered so, or not in time.
    Refused(RedisError),
}

/// A URL that names no Redis server.
#[derive(Debug, thiserror::Error)]
#[error(
    "URL of the session store is none of a Redis server, write it as redis://host:port/database"
)]
pub struct InvalidStoreUrl(#[source] BoxError);

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
