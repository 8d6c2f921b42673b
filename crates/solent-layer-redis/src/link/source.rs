//! Where connections come from.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, PushInfo, RedisError, RedisResult,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};

use super::sentinel;
use crate::{
    ConfigError, RedisConfig, RedisHost,
    config::{cluster_builder, connection_config, connection_info},
    error::LinkError,
};

/// One host, and how connections to it are made.
pub(crate) struct Source {
    host: RedisHost,
    config: RedisConfig,
    /// The pools of the server that is the host now. Held for a moment, never across a wait.
    pools: Mutex<Option<Arc<Pools>>>,
}

/// Connections to one server.
struct Pools {
    info: ConnectionInfo,
    /// What all commands share that are answered at once.
    shared: Pool,
    /// What commands take that wait in Redis.
    waiting: Pool,
}

/// A connection that any number of commands share. Cheap to clone.
#[derive(Clone)]
pub(super) enum Shared {
    Server(MultiplexedConnection, Arc<deadpool_redis::Connection>),
    Cluster(ClusterConnection),
}

/// A connection for one command at a time, which may wait.
pub(crate) enum Waiting {
    Server(deadpool_redis::Connection),
    Cluster(ClusterConnection),
}

/// A connection for subscriptions.
#[derive(Clone)]
pub(super) enum Subscribed {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What becomes of what Redis sends unasked.
pub(super) type OnPush = Box<dyn Fn(PushInfo) + Send + Sync>;

impl Source {
    pub(super) fn new(host: RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        let source = Self {
            host,
            config: config.clone(),
            pools: Mutex::default(),
        };
        match &source.host {
            RedisHost::Server(server) => {
                let info = connection_info(server, config)?;
                source.use_server(info).map_err(client_error)?;
            }
            RedisHost::Sentinel(sentinel) => {
                for server in sentinel.sentinel_servers() {
                    connection_info(&server, config)?;
                }
            }
            RedisHost::Cluster(cluster) => {
                cluster_builder(cluster, config)?;
            }
        }
        Ok(source)
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.host, RedisHost::Cluster(_))
    }

    /// A connection to share.
    pub(super) async fn shared(&self) -> RedisResult<Shared> {
        if let RedisHost::Cluster(cluster) = &self.host {
            let client = cluster_builder(cluster, &self.config)
                .map_err(config_error)?
                .build()?;
            return Ok(Shared::Cluster(client.get_async_connection().await?));
        }
        let pools = self.pools().await?;
        let connection = pools.shared.get().await.map_err(pool_error)?;
        let clone = MultiplexedConnection::clone(&connection);
        Ok(Shared::Server(clone, Arc::new(connection)))
    }

    /// A connection for commands that wait.
    pub(super) async fn waiting(&self) -> Result<Waiting, LinkError> {
        let away = |cause| LinkError::Away {
            waited: Duration::ZERO,
            cause: Some(Arc::new(cause)),
        };
        if let RedisHost::Cluster(cluster) = &self.host {
            let client = cluster_builder(cluster, &self.config)
                .map_err(config_error)
                .and_then(|builder| builder.response_timeout(NEVER).build())
                .map_err(away)?;
            let connection = client.get_async_connection().await.map_err(away)?;
            return Ok(Waiting::Cluster(connection));
        }
        let pools = self.pools().await.map_err(away)?;
        match pools.waiting.get().await {
            Ok(connection) => Ok(Waiting::Server(connection)),
            Err(PoolError::Timeout(_)) => Err(LinkError::Overloaded {
                pending: self.config.pool_size.get(),
            }),
            Err(error) => Err(away(pool_error(error))),
        }
    }

    /// A connection for subscriptions.
    pub(super) async fn subscribed(&self, on_push: OnPush) -> RedisResult<Subscribed> {
        let on_push = move |info: PushInfo| {
            on_push(info);
            Ok::<(), redis::aio::SendError>(())
        };
        if let RedisHost::Cluster(cluster) = &self.host {
            let client = cluster_builder(cluster, &self.config)
                .map_err(config_error)?
                .push_sender(on_push)
                .build()?;
            return Ok(Subscribed::Cluster(client.get_async_connection().await?));
        }
        let pools = self.pools().await?;
        let client = Client::open(pools.info.clone())?;
        let config = connection_config(&self.config).set_push_sender(on_push);
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Subscribed::Server(connection))
    }

    /// Looks for the master anew: the server did not behave like one.
    pub(super) fn forget(&self) {
        if matches!(self.host, RedisHost::Sentinel(_)) {
            *self.pools.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    async fn pools(&self) -> RedisResult<Arc<Pools>> {
        let known = self
            .pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match (known, &self.host) {
            (Some(pools), _) => Ok(pools),
            (None, RedisHost::Sentinel(sentinel)) => {
                let info = sentinel::find_master(sentinel, &self.config).await?;
                self.use_server(info)
            }
            (None, _) => Err(RedisError::from((
                ErrorKind::InvalidClientConfig,
                "host has no server",
            ))),
        }
    }

    fn use_server(&self, info: ConnectionInfo) -> RedisResult<Arc<Pools>> {
        let config = connection_config(&self.config);
        let waiting = config.clone().set_response_timeout(None);
        let pools = Arc::new(Pools {
            shared: self.pool(&info, config, 2)?,
            waiting: self.pool(&info, waiting, self.config.pool_size.get())?,
            info,
        });
        *self.pools.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&pools));
        Ok(pools)
    }

    fn pool(
        &self,
        info: &ConnectionInfo,
        config: AsyncConnectionConfig,
        size: usize,
    ) -> RedisResult<Pool> {
        let timeouts = Timeouts {
            wait: Some(self.config.connect_timeout),
            create: Some(self.config.connect_timeout),
            recycle: Some(self.config.response_timeout),
        };
        let manager = Manager::new_with_config(info.clone(), config)?;
        Pool::builder(manager)
            .max_size(size)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| RedisError::from((ErrorKind::Client, "pool needs a runtime")))
    }
}

/// Longer than anything waits.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Waiting {
    /// What commands are run on.
    pub(crate) fn connection(&mut self) -> &mut (dyn ConnectionLike + Send) {
        match self {
            Self::Server(connection) => connection,
            Self::Cluster(connection) => connection,
        }
    }
}

fn pool_error(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) => error,
        error => RedisError::from((ErrorKind::Io, "no connection", error.to_string())),
    }
}

fn config_error(error: ConfigError) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "settings are refused",
        error.to_string(),
    ))
}

fn client_error(error: RedisError) -> ConfigError {
    ConfigError::Client(error.into())
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
