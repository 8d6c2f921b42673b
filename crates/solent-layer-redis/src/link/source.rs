//! Where connections come from.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, PushInfo, RedisError, RedisResult,
    aio::{MultiplexedConnection, SendError},
    cluster_async::ClusterConnection,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};

use super::{
    any, master, probe,
    shared::{Loss, Shared},
    subscribed::Subscribed,
    verdict::is_final,
    waiting::{Waiting, Waits},
};
use crate::{
    Backoff, ConfigError, RedisCluster, RedisConfig, RedisHost, RedisSentinel, RedisServer,
    config::{cluster_builder, connection_config, connection_info},
    error::LinkError,
};

/// Longer than anything waits.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// One host, and how connections to it are made.
pub(crate) struct Source {
    reach: Reach,
    /// What the log calls the host: its URL without passwords.
    name: Box<str>,
    config: RedisConfig,
    /// The server that is the host now, if it had to be looked for. Held for a moment, never across a wait.
    found: Mutex<Option<ConnectionInfo>>,
    /// How often the server was found not to be the host any more. Connections from before are not used any longer.
    moves: AtomicU64,
    /// A connection was made, so that the host is there.
    there: Notify,
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
        // What is wrong with the settings is told now, not at the first connection.
        match &reach {
            Reach::Server(server) => check(server, config)?,
            Reach::Master(sentinel) => sentinel
                .sentinel_servers()
                .try_for_each(|server| check(&server, config))?,
            Reach::Any(servers) => servers
                .iter()
                .try_for_each(|server| check(server, config))?,
            Reach::Cluster(cluster) => {
                cluster_builder(cluster, config)?;
            }
        }
        Ok(Self {
            reach,
            name: name.into(),
            config: config.clone(),
            found: Mutex::default(),
            moves: AtomicU64::new(0),
            there: Notify::new(),
            waiting: Arc::new(Semaphore::new(config.pool_size.get())),
        })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.reach, Reach::Cluster(_))
    }

    /// A connection to share.
    pub(super) async fn shared(&self) -> RedisResult<Shared> {
        if let Reach::Cluster(cluster) = &self.reach {
            return self
                .connect_cluster(cluster, |builder| builder)
                .await
                .map(Shared::Cluster);
        }
        let (loss, on_loss) = Loss::new(self.moves());
        let config = connection_config(&self.config).set_push_sender(on_loss);
        let connection = self.connect(config).await?;
        Ok(Shared::Server(connection, loss))
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
        let on = self.connect_waiting(&lost).await.map_err(no_connection)?;
        Ok(Waiting::new(on, lost, permit))
    }

    async fn connect_waiting(&self, lost: &Arc<Notify>) -> RedisResult<Waits> {
        if let Reach::Cluster(cluster) = &self.reach {
            return self
                .connect_cluster(cluster, |builder| builder.response_timeout(NEVER))
                .await
                .map(Waits::Cluster);
        }
        let config = connection_config(&self.config)
            .set_response_timeout(None)
            .set_push_sender(Waits::on_loss(lost));
        self.connect(config).await.map(Waits::Server)
    }

    /// A connection to a cluster, to ask its nodes one by one.
    pub(super) async fn cluster(&self) -> Result<ClusterConnection, LinkError> {
        match self.shared().await {
            Ok(Shared::Cluster(connection)) => Ok(connection),
            Ok(Shared::Server(..)) => Err(LinkError::Answer),
            Err(error) => Err(no_connection(error)),
        }
    }

    /// A connection for subscriptions.
    pub(super) async fn subscribed(&self, on_push: OnPush) -> RedisResult<Subscribed> {
        let on_push = move |info: PushInfo| {
            on_push(info);
            Ok::<(), SendError>(())
        };
        if let Reach::Cluster(cluster) = &self.reach {
            return self
                .connect_cluster(cluster, |builder| builder.push_sender(on_push))
                .await
                .map(Subscribed::Cluster);
        }
        let config = connection_config(&self.config).set_push_sender(on_push);
        let connection = self.connect(config).await?;
        Ok(match self.reach {
            Reach::Master(_) => Subscribed::Master(connection),
            _ => Subscribed::Server(connection),
        })
    }

    /// A connection to the server that is the host now.
    async fn connect(&self, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        let connecting = async {
            let info = self.info().await?;
            let client = Client::open(info.clone())?;
            match client
                .get_multiplexed_async_connection_with_config(&config)
                .await
            {
                Ok(connection) => Ok(connection),
                Err(error) => Err(probe::explain(error, info, &self.config).await),
            }
        };
        let connection = self.in_time(connecting).await?;
        self.there.notify_waiters();
        Ok(connection)
    }

    async fn connect_cluster(
        &self,
        cluster: &RedisCluster,
        change: impl FnOnce(
            redis::cluster::ClusterClientBuilder,
        ) -> redis::cluster::ClusterClientBuilder,
    ) -> RedisResult<ClusterConnection> {
        let builder = cluster_builder(cluster, &self.config).map_err(config_error)?;
        let client = change(builder).build()?;
        let connecting = async {
            match client.get_async_connection().await {
                Ok(connection) => Ok(connection),
                // The client keeps what the nodes have answered for itself.
                Err(error) => match any::refusal(cluster, &self.config).await {
                    Some(refusal) => Err(refusal),
                    None => Err(error),
                },
            }
        };
        let connection = self.in_time(connecting).await?;
        self.there.notify_waiters();
        Ok(connection)
    }

    /// Ends an attempt that asks several servers and gets no answer from any.
    async fn in_time<T>(&self, attempt: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let RedisConfig {
            connect_timeout,
            response_timeout,
            ..
        } = self.config;
        let limit = connect_timeout
            .saturating_mul(3)
            .saturating_add(response_timeout);
        let attempt = timeout(limit, attempt).await;
        attempt.unwrap_or_else(|_| {
            Err(RedisError::from((
                ErrorKind::Io,
                "no server has answered in time",
            )))
        })
    }

    /// Waits after so many failures in a row; less, if another connection finds the host there meanwhile.
    pub(super) async fn pause(&self, backoff: &Backoff, failures: u32) {
        let wait = backoff.wait(failures);
        let least = wait.min(backoff.first);
        sleep(least).await;
        tokio::select! {
            () = sleep(wait - least) => {}
            () = self.there.notified() => {}
        }
    }

    /// Looks for the server anew, if it may be another: this one did not do.
    pub(super) fn forget(&self) {
        *self.found.lock() = None;
    }

    /// As [`forget`](Self::forget), for all who use this host: its server does not answer, or is none to write to any more.
    pub(super) fn leave(&self) {
        self.forget();
        if matches!(self.reach, Reach::Master(_) | Reach::Any(_)) {
            self.moves.fetch_add(1, Relaxed);
        }
    }

    /// How often the host has moved to another server.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Relaxed)
    }

    async fn info(&self) -> RedisResult<ConnectionInfo> {
        let found = self.found.lock().clone();
        if let Some(info) = found {
            return Ok(info);
        }
        let info = match &self.reach {
            // Certificates are read anew.
            Reach::Server(server) => {
                return connection_info(server, &self.config).map_err(config_error);
            }
            Reach::Master(sentinel) => master::find(sentinel, &self.config).await?,
            Reach::Any(servers) => any::find_node(servers, &self.config).await?,
            Reach::Cluster(_) => {
                return Err(RedisError::from((
                    ErrorKind::Client,
                    "cluster is no server",
                )));
            }
        };
        *self.found.lock() = Some(info.clone());
        Ok(info)
    }
}

fn check(server: &RedisServer, config: &RedisConfig) -> Result<(), ConfigError> {
    let info = connection_info(server, config)?;
    match Client::open(info) {
        Ok(_) => Ok(()),
        Err(error) => Err(ConfigError::Client(error.into())),
    }
}

pub(super) fn config_error(error: ConfigError) -> RedisError {
    RedisError::from((
        ErrorKind::InvalidClientConfig,
        "settings are refused",
        error.to_string(),
    ))
}

/// What it means that there is no connection.
pub(super) fn no_connection(error: RedisError) -> LinkError {
    if is_final(&error) {
        LinkError::Denied(error.into())
    } else {
        LinkError::Away {
            waited: Duration::ZERO,
            cause: Some(error.into()),
        }
    }
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
