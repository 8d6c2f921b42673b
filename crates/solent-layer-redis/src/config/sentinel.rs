//! A master that Sentinels watch.

use super::{
    ConfigError, RedisAccess, RedisAddress, RedisServer, RedisTls, Secret,
    url::{Options, Parts},
    validate,
};

/// A Redis server that Sentinels know the place of, and replace when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisSentinel {
    /// Where the Sentinels listen. One that answers is enough; the order does not matter.
    pub sentinels: Vec<RedisAddress>,
    /// How the process is let in by the Sentinels, which have passwords and certificates of their own. Default: without a
    /// password.
    pub sentinel_access: RedisAccess,
    /// The name of the master, as the Sentinels have it.
    pub master: String,
    /// How the process is let in by the Redis servers. Default: without a password.
    pub access: RedisAccess,
    /// The number of the database. Default: 0.
    pub database: u32,
}

impl RedisSentinel {
    /// The port that Sentinels listen on by default.
    pub const PORT: u16 = 26379;

    /// The master of a name, and the Sentinels that know it.
    pub fn new<A: Into<RedisAddress>>(
        master: impl Into<String>,
        sentinels: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            sentinels: sentinels.into_iter().map(Into::into).collect(),
            sentinel_access: RedisAccess::default(),
            master: master.into(),
            access: RedisAccess::default(),
            database: 0,
        }
    }

    /// Sets [`sentinel_access`](Self::sentinel_access).
    pub fn sentinel_access(mut self, access: RedisAccess) -> Self {
        self.sentinel_access = access;
        self
    }

    /// Sets [`access`](Self::access).
    pub fn access(mut self, access: RedisAccess) -> Self {
        self.access = access;
        self
    }

    /// Sets the [user](RedisAccess::user) of the Redis servers.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.access = self.access.user(name);
        self
    }

    /// Sets the [password](RedisAccess::password) of the Redis servers.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.access = self.access.password(password);
        self
    }

    /// Sets the [protection](RedisAccess::tls) of the connections to the Redis servers.
    pub fn tls(mut self, tls: RedisTls) -> Self {
        self.access = self.access.tls(tls);
        self
    }

    /// Sets [`database`](Self::database).
    pub fn database(mut self, number: u32) -> Self {
        self.database = number;
        self
    }

    /// The Sentinels, as servers to connect to.
    pub(crate) fn sentinel_servers(&self) -> impl Iterator<Item = RedisServer> + '_ {
        self.sentinels
            .iter()
            .map(|address| RedisServer::at(address.clone()).access(self.sentinel_access.clone()))
    }

    /// The master, when a Sentinel has said where it is.
    pub(crate) fn master_at(&self, address: impl Into<RedisAddress>) -> RedisServer {
        RedisServer::at(address)
            .access(self.access.clone())
            .database(self.database)
    }

    pub(super) fn from_parts(
        parts: &Parts<'_>,
        options: &mut Options,
    ) -> Result<Self, ConfigError> {
        let path = parts.path.strip_prefix('/').unwrap_or_default();
        let (master, rest) = path.split_once('/').unwrap_or((path, ""));
        let master = parts.decode(master)?;
        if master.is_empty() {
            return Err(ConfigError::url(
                "needs the name of the master as its path, such as `redis+sentinel://host:26379/mymaster`",
            ));
        }
        let database = options.number("db")?;
        let database = database.map_or_else(|| parts.database(rest), Ok)?;
        let access = parts.access(options)?;
        let sentinel_access = sentinel_access(&access, options)?;
        let (node_tls, sentinel_tls) = tls_sides(parts.scheme.tls, options)?;
        let tls = (node_tls || sentinel_tls)
            .then(|| RedisTls::from_options(options))
            .transpose()?;
        Ok(Self {
            sentinels: RedisAddress::parse_list(parts.hosts, Self::PORT)?,
            sentinel_access: RedisAccess {
                tls: tls.clone().filter(|_| sentinel_tls),
                ..sentinel_access
            },
            master,
            access: RedisAccess {
                tls: tls.filter(|_| node_tls),
                ..access
            },
            database,
        })
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.sentinels.is_empty() {
            return Err(ConfigError::setting(
                "hosts",
                "need a Sentinel for each master",
            ));
        }
        if self.master.is_empty() {
            return Err(ConfigError::setting(
                "hosts",
                "need the name of the master that the Sentinels watch",
            ));
        }
        for server in self.sentinel_servers() {
            server.validate()?;
        }
        validate::access(&self.access)
    }
}

fn sentinel_access(node: &RedisAccess, options: &mut Options) -> Result<RedisAccess, ConfigError> {
    let user = options.text("sentinel_user")?;
    let password = options.bytes("sentinel_password")?.map(Secret::new);
    if user.is_some() && password.is_none() {
        return Err(ConfigError::option(
            "sentinel_user",
            if node.password.is_some() {
                "needs `sentinel_password`, the password before the `@` is that of the Redis servers"
            } else {
                "needs `sentinel_password`"
            },
        ));
    }
    Ok(RedisAccess {
        user,
        password,
        tls: None,
    })
}

/// Whether the connections to the Redis servers and those to the Sentinels are protected.
fn tls_sides(scheme: bool, options: &mut Options) -> Result<(bool, bool), ConfigError> {
    match options.text("tls")?.as_deref() {
        None => Ok((scheme, scheme)),
        Some("both") => Ok((true, true)),
        Some("servers") => Ok((true, false)),
        Some("sentinels") => Ok((false, true)),
        Some(_) => Err(ConfigError::option(
            "tls",
            "is `both`, `servers` or `sentinels`",
        )),
    }
}
