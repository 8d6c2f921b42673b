//! One server.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError,
    RedisResult, ServerErrorKind, aio::MultiplexedConnection,
};
use solent_auth::StoreError;
use tokio::time::{Instant, timeout};

use super::InvalidLocation;

/// All commands go over one connection, which is made when it is first needed and again when it breaks.
pub(super) struct Link {
    client: Client,
    /// How long a command may take in all, connecting included.
    patience: Duration,
    /// The connection, once there is one, and when it last answered. Held for a moment, never across a wait.
    connection: Mutex<Option<(MultiplexedConnection, Instant)>>,
    /// Whose turn it is to connect. It guards no data.
    connecting: tokio::sync::Mutex<()>,
}

/// How long a connection may be silent before it is asked whether it lives. It may be to a server that was replaced
/// meanwhile, or that has closed it.
const SILENCE: Duration = Duration::from_secs(1);

impl Link {
    pub(super) fn new(server: ConnectionInfo) -> Result<Self, InvalidLocation> {
        Ok(Self {
            client: Client::open(server).map_err(InvalidLocation::new)?,
            patience: Duration::from_secs(5),
            connection: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// Sends a command that must not be carried out twice.
    pub(super) async fn query_once<T: FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        let asking = async {
            let mut connection = self.live().await?;
            command.query_async(&mut connection).await
        };
        self.bounded(asking).await
    }

    /// Sends a command that may be carried out twice: over another connection if the first one breaks.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let asking = async {
            let mut connection = self.live().await?;
            match command.query_async(&mut connection).await {
                Err(error) if error.is_connection_dropped() => {
                    *self.lock() = None;
                    let (mut connection, _) = self.connection().await?;
                    command.query_async(&mut connection).await
                }
                reply => reply,
            }
        };
        self.bounded(asking).await
    }

    /// Sends commands in one piece, as [`query`](Self::query).
    pub(super) async fn query_all<T: FromRedisValue>(
        &self,
        commands: &redis::Pipeline,
    ) -> Result<T, StoreError> {
        let asking = async {
            let mut connection = self.live().await?;
            match commands.query_async(&mut connection).await {
                Err(error) if error.is_connection_dropped() => {
                    *self.lock() = None;
                    let (mut connection, _) = self.connection().await?;
                    commands.query_async(&mut connection).await
                }
                reply => reply,
            }
        };
        self.bounded(asking).await
    }

    async fn bounded<T>(
        &self,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreError> {
        let Ok(reply) = timeout(self.patience, asking).await else {
            // Whoever asks next does not wait for the same server.
            *self.lock() = None;
            let waited = self.patience;
            return Err(StoreError::unavailable(format!(
                "no answer within {waited:?}"
            )));
        };
        match reply {
            Ok(value) => {
                if let Some((_, heard)) = &mut *self.lock() {
                    *heard = Instant::now();
                }
                Ok(value)
            }
            Err(error) => {
                if !is_answer(&error) || is_failover(&error) {
                    *self.lock() = None;
                }
                Err(told(error))
            }
        }
    }

    /// A connection that has answered lately.
    async fn live(&self) -> RedisResult<MultiplexedConnection> {
        let (mut connection, heard) = self.connection().await?;
        if heard.elapsed() < SILENCE {
            return Ok(connection);
        }
        let ping = redis::cmd("PING");
        let ping = ping.query_async::<redis::Value>(&mut connection);
        if let Ok(Ok(_)) = timeout(self.patience / 4, ping).await {
            return Ok(connection);
        }
        *self.lock() = None;
        Ok(self.connection().await?.0)
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, Instant)> {
        if let Some(known) = &*self.lock() {
            return Ok(known.clone());
        }
        let _turn = self.connecting.lock().await;
        if let Some(known) = &*self.lock() {
            return Ok(known.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let made = (connecting.await?, Instant::now());
        *self.lock() = Some(made.clone());
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(MultiplexedConnection, Instant)>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the server has answered, so that its connection is good.
fn is_answer(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType
    )
}

/// Whether another server may be there by now.
fn is_failover(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    )
}

fn told(error: RedisError) -> StoreError {
    let is_final = match error.kind() {
        ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidClientConfig
        | ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::ResponseError) => true,
        ErrorKind::Extension => matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "WRONGTYPE")),
        _ => false,
    };
    match is_final {
        true => StoreError::Refused(error.into()),
        false => StoreError::unavailable(error),
    }
}
