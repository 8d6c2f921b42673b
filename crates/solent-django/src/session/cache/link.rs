//! One server.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, FromRedisValue, RedisError,
    aio::MultiplexedConnection,
};
use solent_auth::StoreError;

use super::InvalidLocation;

/// All commands go over one connection, which is made when it is first needed and again when it breaks.
pub(super) struct Link {
    pool: Pool,
    /// The connection, once there is one. Held for a moment, never across a wait.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// How long a connection may take to be made, and an answer.
const PATIENCE: Duration = Duration::from_secs(5);

enum Failure {
    /// There is no connection.
    Away(PoolError),
    /// There was one.
    Broken(RedisError),
    /// Redis answered so, or not in time.
    Refused(RedisError),
}

impl Link {
    pub(super) fn new(server: ConnectionInfo) -> Result<Self, InvalidLocation> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let manager = Manager::new_with_config(server, config).map_err(InvalidLocation::new)?;
        let pool = Pool::builder(manager)
            // The connection is shared, more would do nothing.
            .max_size(1)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(InvalidLocation::new)?;
        Ok(Self {
            pool,
            connection: Mutex::default(),
        })
    }

    /// Sends a command that may be sent twice: where the connection turns out to be broken, over a new one.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let reply = match self.query_once(command).await {
            Err(Failure::Broken(_)) => self.query_once(command).await,
            reply => reply,
        };
        reply.map_err(|failure| match failure {
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

    fn lock(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
