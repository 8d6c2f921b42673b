//! Where connections come from.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};
use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{any, sentinel};
use crate::{
    ConfigError, RedisCluster, RedisConfig, RedisHost, RedisSentinel, RedisServer,
    config::{cluster_builder, connection_config, connection_info},
    error::LinkError,
};

/// One host, and how connections to it are made.
pub(crate) struct Source {
    reach: Reach,
    /// What the log calls the host: its URL without passwords.
    name: Box<str>,
    config: RedisConfig,
    /// The pools of the server that is the host now. Held for a moment, never across a wait.
    pools: Mutex<Option<Arc<Pools>>>,
    /// How many connections for commands that wait may be made.
    waiting: Arc<Semaphore>,
}

/// Which servers the host is.
#[derive(Debug)]
enum Reach {
    /// This one.
    Server(RedisServer),
    /// The one that Sentinels say is the master.
    Master(RedisSentinel),
    /// Any of these.
    Any(Vec<RedisServer>),
    /// All of them, each for its part.
    Cluster(RedisCluster),
}

/// Connections to one server.
struct Pools {
    info: ConnectionInfo,
    /// What all commands share that are answered at once.
    shared: Pool,
    /// How many connections of the pool have been lost.
    lost: Arc<AtomicU64>,
}

/// A connection that any number of commands share. Cheap to clone.
#[derive(Clone)]
pub(super) enum Shared {
    Server(MultiplexedConnection, Arc<Pooled>),
    Cluster(ClusterConnection),
}

/// A connection that goes back to its pool when the last clone is dropped.
pub(super) struct Pooled {
    /// Never used: its clone is.
    _connection: deadpool_redis::Connection,
    /// How many connections of the pool have been lost.
    lost: Arc<AtomicU64>,
    /// How many that were before there was this one.
    before: u64,
}

/// A connection for one command at a time, which may wait.
///
/// It is closed when it is dropped: a command that still waits in Redis must not take anything for nobody. So it is of no
/// pool.
pub(crate) struct Waiting {
    on: Waits,
    /// The connection broke. A command that is sent just then may never hear of it.
    lost: Arc<Notify>,
    /// There are not more than there may be. In a cluster each has its key, and there are as many as keys.
    _permit: Option<OwnedSemaphorePermit>,
}

enum Waits {
    Server(MultiplexedConnection),
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
    /// A host for commands.
    pub(super) fn new(host: RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        let name = host.to_string();
        let reach = match host {
            RedisHost::Server(server) => Reach::Server(server),
            RedisHost::Sentinel(sentinel) => Reach::Master(sentinel),
            RedisHost::Cluster(cluster) => Reach::Cluster(cluster),
        };
        Self::reaching(reach, name, config)
    }

    /// A host to publish and subscribe at. Where every node of a cluster passes on what is published, one does for all of
    /// it, so that everything arrives in the order in which it was sent.
    pub(super) fn publishing(host: RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        match &host {
            RedisHost::Cluster(cluster) if !cluster.sharded_pubsub => {
                let nodes = cluster.servers().collect();
                Self::reaching(Reach::Any(nodes), host.to_string(), config)
            }
            _ => Self::new(host, config),
        }
    }

    fn reaching(reach: Reach, name: String, config: &RedisConfig) -> Result<Self, ConfigError> {
        let source = Self {
            reach,
            name: name.into(),
            config: config.clone(),
            pools: Mutex::default(),
            waiting: Arc::new(Semaphore::new(config.pool_size.get())),
        };
        // What is wrong with the settings is told now, not at the first connection.
        match &source.reach {
            Reach::Server(server) => {
                let info = connection_info(server, config)?;
                source.use_server(info).map_err(client_error)?;
            }
            Reach::Master(sentinel) => {
                for server in sentinel.sentinel_servers() {
                    connection_info(&server, config)?;
                }
            }
            Reach::Any(servers) => {
                for server in servers {
                    connection_info(server, config)?;
                }
            }
            Reach::Cluster(cluster) => {
                cluster_builder(cluster, config)?;
            }
        }
        Ok(source)
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.reach, Reach::Cluster(_))
    }

    /// A connection to share.
    pub(super) async fn shared(&self) -> RedisResult<Shared> {
        if let Reach::Cluster(cluster) = &self.reach {
            let client = cluster_builder(cluster, &self.config)
                .map_err(config_error)?
                .build()?;
            return Ok(Shared::Cluster(client.get_async_connection().await?));
        }
        let pools = self.pools().await?;
        let before = pools.lost.load(Relaxed);
        let connection = pools.shared.get().await.map_err(pool_error)?;
        let clone = MultiplexedConnection::clone(&connection);
        let pooled = Pooled {
            _connection: connection,
            lost: Arc::clone(&pools.lost),
            before,
        };
        Ok(Shared::Server(clone, Arc::new(pooled)))
    }

    /// A connection for commands that wait.
    pub(super) async fn waiting(&self) -> Result<Waiting, LinkError> {
        let permit = if self.is_cluster() {
            None
        } else {
            let permit = Arc::clone(&self.waiting).try_acquire_owned();
            Some(permit.map_err(|_| LinkError::Overloaded {
                pending: self.config.pool_size.get(),
            })?)
        };
        let lost = Arc::new(Notify::new());
        let on = self.connect_waiting(&lost).await;
        let on = on.map_err(|cause| LinkError::Away {
            waited: Duration::ZERO,
            cause: Some(Arc::new(cause)),
        })?;
        Ok(Waiting {
            on,
            lost,
            _permit: permit,
        })
    }

    async fn connect_waiting(&self, lost: &Arc<Notify>) -> RedisResult<Waits> {
        if let Reach::Cluster(cluster) = &self.reach {
            let client = cluster_builder(cluster, &self.config)
                .map_err(config_error)?
                .response_timeout(NEVER)
                .build()?;
            return Ok(Waits::Cluster(client.get_async_connection().await?));
        }
        let lost = Arc::clone(lost);
        let on_push = move |info: PushInfo| {
            if info.kind == PushKind::Disconnection {
                lost.notify_one();
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let config = connection_config(&self.config)
            .set_response_timeout(None)
            .set_push_sender(on_push);
        let pools = self.pools().await?;
        let client = Client::open(pools.info.clone())?;
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Waits::Server(connection))
    }

    /// A connection to a cluster, to ask its nodes one by one.
    pub(super) async fn cluster(&self) -> Result<ClusterConnection, LinkError> {
        match self.shared().await {
            Ok(Shared::Cluster(connection)) => Ok(connection),
            Ok(Shared::Server(..)) => Err(LinkError::Answer),
            Err(error) => Err(LinkError::Broken(error.into())),
        }
    }

    /// A connection for subscriptions.
    pub(super) async fn subscribed(&self, on_push: OnPush) -> RedisResult<Subscribed> {
        let on_push = move |info: PushInfo| {
            on_push(info);
            Ok::<(), redis::aio::SendError>(())
        };
        if let Reach::Cluster(cluster) = &self.reach {
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

    /// Looks for the server anew, if it may be another: this one did not do.
    pub(super) fn forget(&self) {
        if matches!(self.reach, Reach::Master(_) | Reach::Any(_)) {
            self.let_go();
        }
    }

    /// Closes the connections that nobody uses now, and others when they are given back.
    pub(super) fn let_go(&self) {
        *self.pools.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn pools(&self) -> RedisResult<Arc<Pools>> {
        let known = self
            .pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(pools) = known {
            return Ok(pools);
        }
        let info = match &self.reach {
            Reach::Server(server) => connection_info(server, &self.config).map_err(config_error)?,
            Reach::Master(sentinel) => sentinel::find_master(sentinel, &self.config).await?,
            Reach::Any(servers) => any::find_node(servers, &self.config).await?,
            Reach::Cluster(_) => {
                return Err(RedisError::from((
                    ErrorKind::Client,
                    "cluster is no server",
                )));
            }
        };
        self.use_server(info)
    }

    fn use_server(&self, info: ConnectionInfo) -> RedisResult<Arc<Pools>> {
        let lost = Arc::default();
        let pools = Arc::new(Pools {
            shared: self.pool(&info, &lost)?,
            info,
            lost,
        });
        *self.pools.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&pools));
        Ok(pools)
    }

    fn pool(&self, info: &ConnectionInfo, lost: &Arc<AtomicU64>) -> RedisResult<Pool> {
        /// One to use, and one that takes its place while its last commands fail.
        const SIZE: usize = 2;
        let timeouts = Timeouts {
            wait: Some(self.config.connect_timeout),
            create: Some(self.config.connect_timeout),
            recycle: Some(self.config.response_timeout),
        };
        let lost = Arc::clone(lost);
        let on_push = move |info: PushInfo| {
            if info.kind == PushKind::Disconnection {
                lost.fetch_add(1, Relaxed);
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let config = connection_config(&self.config).set_push_sender(on_push);
        let manager = Manager::new_with_config(info.clone(), config)?;
        Pool::builder(manager)
            .max_size(SIZE)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| RedisError::from((ErrorKind::Client, "pool needs a runtime")))
    }
}

impl Shared {
    /// Whether the connection may have been lost: it, or another of its pool that was made before. One to a cluster takes care
    /// of itself.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Server(_, pooled) => pooled.lost.load(Relaxed) != pooled.before,
            Self::Cluster(_) => false,
        }
    }
}

/// Longer than anything waits.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Waiting {
    /// Runs a command.
    ///
    /// # Errors
    ///
    /// The connection broke, or Redis refused the command.
    pub(crate) async fn run(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        let on = &mut self.on;
        let answer = async {
            match on {
                Waits::Server(connection) => connection.req_packed_command(cmd).await,
                Waits::Cluster(connection) => connection.req_packed_command(cmd).await,
            }
        };
        tokio::select! {
            biased;
            answer = answer => answer?.extract_error(),
            () = self.lost.notified() => Err(RedisError::from((
                ErrorKind::Io,
                "connection was closed",
            ))),
        }
    }
}

fn pool_error(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) => error,
        error => RedisError::from((ErrorKind::Io, "no connection", error.to_string())),
    }
}

pub(super) fn config_error(error: ConfigError) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "settings are refused",
        error.to_string(),
    ))
}

fn client_error(error: RedisError) -> ConfigError {
    ConfigError::Client(error.into())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
