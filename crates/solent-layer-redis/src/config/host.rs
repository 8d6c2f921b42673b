//! One place where Redis is.

use std::{fmt, str::FromStr};

use super::{
    ConfigError, RedisAccess, RedisCluster, RedisSentinel, RedisServer, RedisTls, TlsCheck,
    url::{Options, Parts, Place, Query, encode, encode_path},
};

/// A place where Redis is, one shard of a layer.
///
/// It is read from a URL:
///
/// | URL | what it is |
/// |---|---|
/// | `redis://[[user]:password@]host[:port][/database]` | a server |
/// | `redis+unix://[[user]:password@]/path[?db=database]`, or `unix://` | a server, by its Unix socket |
/// | `redis+sentinel://[[user]:password@]host[:port],…/master[/database]` | what Sentinels say the master is |
/// | `redis+cluster://[[user]:password@]host[:port],…` | a cluster |
///
/// With `rediss` in place of `redis` connections are protected by TLS, those to Sentinels too. Ports are 6379 if they are
/// left out, and 26379 for Sentinels. An IPv6 address is in brackets. A host left out altogether is this machine, `localhost`.
/// Users, passwords, paths, the master's name and the values of options are percent-decoded once. In the value of an
/// option a `+` is a space, as `urlencode` writes it, and `%2B` a plus; anywhere else a `+` is a plus.
///
/// Options follow a `?`, separated by `&`:
///
/// | option | for | meaning |
/// |---|---|---|
/// | `db` | all but clusters | the database; it counts more than the path |
/// | `username` or `user`, `password` or `pass` | all | instead of those before the `@` |
/// | `ssl_ca_certs` | TLS | [`RedisTls::ca_file`] |
/// | `ssl_certfile`, `ssl_keyfile` | TLS | [`RedisTls::client`]; without the second the first has the key too |
/// | `ssl_cert_reqs` | TLS | `required`, or `none` for [`TlsCheck::Nothing`] |
/// | `ssl_check_hostname` | TLS | `false` for [`TlsCheck::Certificate`] |
/// | `sentinel_user`, `sentinel_password` | Sentinels | how the process is let in by the Sentinels themselves |
/// | `tls` | Sentinels | `both`, or only `servers` or `sentinels`, whatever the scheme says |
/// | `sharded_pubsub` | clusters | [`RedisCluster::sharded_pubsub`] |
///
/// `Display` writes such a URL, with `***` for each secret. What has no secrets can be read again. (What TLS checks is
/// written once, though Sentinels and servers may differ.)
///
/// # Examples
///
/// ```
/// use solent_layer_redis::{RedisHost, RedisServer};
///
/// let host: RedisHost = "redis://:p%40ss@[::1]:6380/2".parse()?;
///
/// assert_eq!(host, RedisServer::new("::1", 6380).password("p@ss").database(2).into());
/// assert_eq!(host.to_string(), "redis://:***@[::1]:6380/2");
/// # Ok::<(), solent_layer_redis::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisHost {
    /// A server.
    Server(RedisServer),
    /// The master that Sentinels name.
    Sentinel(RedisSentinel),
    /// A cluster.
    Cluster(RedisCluster),
}

impl RedisHost {
    /// Reads what is before the `?`, and takes from the options what is the host's.
    pub(super) fn read(before_options: &str, options: &mut Options) -> Result<Self, ConfigError> {
        let parts = Parts::split(before_options)?;
        match parts.scheme.place {
            Place::Tcp | Place::Unix => RedisServer::from_parts(&parts, options).map(Self::Server),
            Place::Sentinel => RedisSentinel::from_parts(&parts, options).map(Self::Sentinel),
            Place::Cluster => RedisCluster::from_parts(&parts, options).map(Self::Cluster),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Server(server) => server.validate(),
            Self::Sentinel(sentinel) => sentinel.validate(),
            Self::Cluster(cluster) => cluster.validate(),
        }
    }
}

impl Default for RedisHost {
    /// Port 6379 of this machine.
    fn default() -> Self {
        RedisServer::default().into()
    }
}

impl From<RedisServer> for RedisHost {
    fn from(server: RedisServer) -> Self {
        Self::Server(server)
    }
}

impl From<RedisSentinel> for RedisHost {
    fn from(sentinel: RedisSentinel) -> Self {
        Self::Sentinel(sentinel)
    }
}

impl From<RedisCluster> for RedisHost {
    fn from(cluster: RedisCluster) -> Self {
        Self::Cluster(cluster)
    }
}

impl FromStr for RedisHost {
    type Err = ConfigError;

    fn from_str(url: &str) -> Result<Self, ConfigError> {
        let (before, mut options) = Options::split(url)?;
        let host = Self::read(before, &mut options)?;
        options.finish("is a setting of the layer, not of a host: give it to the layer's URL or to `RedisConfig`")?;
        Ok(host)
    }
}

impl fmt::Display for RedisHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write_server(server, f),
            Self::Sentinel(sentinel) => write_sentinel(sentinel, f),
            Self::Cluster(cluster) => write_cluster(cluster, f),
        }
    }
}

fn write_server(server: &RedisServer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let RedisServer {
        address,
        access,
        database,
    } = server;
    let mut query = Query::default();
    if let Some(path) = address.unix_path() {
        write!(
            f,
            "redis+unix://{}{}",
            Credentials(access),
            encode_path(path)
        )?;
        if *database != 0 {
            query.add("db", database);
        }
    } else {
        let scheme = scheme(access.tls.is_some());
        write!(f, "{scheme}://{}{address}/{database}", Credentials(access))?;
        add_tls(access.tls.as_ref(), &mut query);
    }
    write!(f, "{query}")
}

fn write_sentinel(sentinel: &RedisSentinel, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (node, own) = (&sentinel.access, &sentinel.sentinel_access);
    let mut query = Query::default();
    if let Some(user) = &own.user {
        query.add("sentinel_user", encode(user));
    }
    if own.password.is_some() {
        query.add("sentinel_password", "***");
    }
    match (&node.tls, &own.tls) {
        (Some(_), None) => query.add("tls", "servers"),
        (None, Some(_)) => query.add("tls", "sentinels"),
        _ => {}
    }
    add_tls(node.tls.as_ref().or(own.tls.as_ref()), &mut query);
    write!(
        f,
        "{}+sentinel://{}{}/{}/{}{query}",
        scheme(node.tls.is_some() && own.tls.is_some()),
        Credentials(node),
        List(&sentinel.sentinels),
        encode(&sentinel.master),
        sentinel.database,
    )
}

fn write_cluster(cluster: &RedisCluster, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let tls = cluster.access.tls.as_ref();
    let mut query = Query::default();
    if cluster.sharded_pubsub {
        query.add("sharded_pubsub", "true");
    }
    add_tls(tls, &mut query);
    write!(
        f,
        "{}+cluster://{}{}{query}",
        scheme(tls.is_some()),
        Credentials(&cluster.access),
        List(&cluster.nodes),
    )
}

fn scheme(tls: bool) -> &'static str {
    if tls { "rediss" } else { "redis" }
}

fn add_tls(tls: Option<&RedisTls>, query: &mut Query) {
    let Some(RedisTls {
        ca_file,
        client,
        check,
    }) = tls
    else {
        return;
    };
    if let Some(file) = ca_file {
        query.add("ssl_ca_certs", encode_path(file));
    }
    if let Some(client) = client {
        query.add("ssl_certfile", encode_path(&client.certificate));
        query.add("ssl_keyfile", encode_path(&client.key));
    }
    match check {
        TlsCheck::Full => {}
        TlsCheck::Certificate => query.add("ssl_check_hostname", "false"),
        TlsCheck::Nothing => query.add("ssl_cert_reqs", "none"),
    }
}

/// What is before the hosts, with its `@`.
struct Credentials<'a>(&'a RedisAccess);

impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RedisAccess { user, password, .. } = self.0;
        if user.is_none() && password.is_none() {
            return Ok(());
        }
        let user = user.as_deref().unwrap_or_default();
        write!(
            f,
            "{}:{}@",
            encode(user),
            password.as_ref().map_or("", |_| "***")
        )
    }
}

/// Things with commas between them.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if position == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
