//! A cluster.

use super::{
    ConfigError, RedisAccess, RedisAddress, RedisServer, RedisTls, Secret,
    url::{Options, Parts},
    validate,
};

/// A Redis Cluster, which spreads keys and channels over its nodes by itself. It is the only host of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisCluster {
    /// Some of its nodes. They tell of the others; one that answers is enough.
    pub nodes: Vec<RedisAddress>,
    /// How the process is let in by every node. Default: without a password.
    pub access: RedisAccess,
    /// Whether groups and channels are published to the one shard that they belong to (`SSUBSCRIBE`, Redis 7) rather than
    /// to every node. All processes must agree; Python does not know of it. Default: no.
    pub sharded_pubsub: bool,
}

impl RedisCluster {
    /// The cluster that these nodes are of.
    pub fn new<A: Into<RedisAddress>>(nodes: impl IntoIterator<Item = A>) -> Self {
        Self {
            nodes: nodes.into_iter().map(Into::into).collect(),
            access: RedisAccess::default(),
            sharded_pubsub: false,
        }
    }

    /// Sets [`access`](Self::access).
    pub fn access(mut self, access: RedisAccess) -> Self {
        self.access = access;
        self
    }

    /// Sets the [user](RedisAccess::user).
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.access = self.access.user(name);
        self
    }

    /// Sets the [password](RedisAccess::password).
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.access = self.access.password(password);
        self
    }

    /// Sets the [protection](RedisAccess::tls) of the connections.
    pub fn tls(mut self, tls: RedisTls) -> Self {
        self.access = self.access.tls(tls);
        self
    }

    /// Sets [`sharded_pubsub`](Self::sharded_pubsub).
    pub fn sharded_pubsub(mut self, sharded: bool) -> Self {
        self.sharded_pubsub = sharded;
        self
    }

    /// The nodes, as servers to connect to.
    pub(crate) fn servers(&self) -> impl Iterator<Item = RedisServer> + '_ {
        self.nodes
            .iter()
            .map(|address| RedisServer::at(address.clone()).access(self.access.clone()))
    }

    pub(super) fn from_parts(
        parts: &Parts<'_>,
        options: &mut Options,
    ) -> Result<Self, ConfigError> {
        if parts.database(parts.path)? != 0 {
            return Err(ConfigError::url(
                "has a database, but a cluster has only number 0: leave it out",
            ));
        }
        Ok(Self {
            nodes: RedisAddress::parse_list(parts.hosts, RedisServer::PORT)?,
            access: parts.access(options)?,
            sharded_pubsub: options.flag("sharded_pubsub")?.unwrap_or(false),
        })
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.nodes.is_empty() {
            return Err(ConfigError::setting("hosts", "need a node of the cluster"));
        }
        if self.nodes.iter().any(|node| node.unix_path().is_some()) {
            return Err(ConfigError::setting(
                "hosts",
                "have a cluster node at a Unix socket, but clusters tell of their nodes by TCP ports only",
            ));
        }
        validate::access(&self.access)
    }
}
