//! One Redis server.

use std::path::PathBuf;

use super::{
    ConfigError, RedisAccess, RedisAddress, RedisTls, Secret,
    address::LOCAL,
    url::{Options, Parts, Place},
    validate,
};

/// One Redis server. Default: port 6379 of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisServer {
    /// Where it listens.
    pub address: RedisAddress,
    /// How the process is let in. Default: without a password.
    pub access: RedisAccess,
    /// The number of the database. Each database of a server may be a shard of its own in the queue layer; what is
    /// published is seen in all of them. Default: 0.
    pub database: u32,
}

impl Default for RedisServer {
    fn default() -> Self {
        Self::new(LOCAL, RedisServer::PORT)
    }
}

impl RedisServer {
    /// The port that Redis listens on by default.
    pub const PORT: u16 = 6379;

    /// The server at a port of a host, which is a name or an IP address without brackets.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self::at((host.into(), port))
    }

    /// The server at a Unix socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::at(RedisAddress::Unix(path.into()))
    }

    /// The server at an address.
    pub fn at(address: impl Into<RedisAddress>) -> Self {
        Self {
            address: address.into(),
            access: RedisAccess::default(),
            database: 0,
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

    /// Sets the [protection](RedisAccess::tls) of the connection.
    pub fn tls(mut self, tls: RedisTls) -> Self {
        self.access = self.access.tls(tls);
        self
    }

    /// Sets [`database`](Self::database).
    pub fn database(mut self, number: u32) -> Self {
        self.database = number;
        self
    }

    pub(super) fn from_parts(
        parts: &Parts<'_>,
        options: &mut Options,
    ) -> Result<Self, ConfigError> {
        let unix = parts.scheme.place == Place::Unix;
        let (address, path_database) = if unix {
            (RedisAddress::Unix(parts.socket()?), 0)
        } else {
            let address = RedisAddress::parse(parts.hosts, Self::PORT)?;
            (address, parts.database(parts.path)?)
        };
        // As in Python, the option counts more than the path.
        let database = options.number("db")?.unwrap_or(path_database);
        let server = Self::at(address).access(parts.access(options)?);
        Ok(server.database(database))
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.address.unix_path().is_some() && self.access.tls.is_some() {
            return Err(ConfigError::setting(
                "hosts",
                "have a Unix socket with TLS, which only TCP has: leave the TLS out",
            ));
        }
        validate::access(&self.access)
    }
}
