//! What a Redis server for a test is like.

use super::{RedisServer, instance::Settings};
use crate::ServerError;

/// A [`RedisServer`] to be: what is not said is as Redis has it, except that nothing is written to disk.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RedisBuilder {
    settings: Settings,
    unix_socket: bool,
}

impl RedisBuilder {
    /// Asks clients for this password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(password.into());
        self
    }

    /// Adds an argument of `redis-server`; a setting and its value are two, such as `--maxclients` and `10`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.settings.args.push(arg.into());
        self
    }

    /// Makes [`RedisServer::url`] name the Unix socket. Every server has one, and a port as well.
    pub fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Makes the port speak TLS, with [`RedisServer::certificates`].
    pub fn tls(mut self) -> Self {
        self.settings.tls = true;
        self
    }

    /// Keeps every write in a file that is there as long as the server's handle, so that [`RedisServer::restart`] finds it.
    pub fn persistent(mut self) -> Self {
        self.settings.persistent = true;
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`ServerError::Missing`] and [`ServerError::Outdated`] say how to get a `redis-server`; [`ServerError::Ended`] and
    /// [`ServerError::Elapsed`] show the end of its log.
    ///
    /// # Cancel safety
    ///
    /// A server whose start nobody waits for is killed as soon as it has started.
    pub async fn start(self) -> Result<RedisServer, ServerError> {
        RedisServer::with(self.settings, self.unix_socket).await
    }
}
