//! Connections to Redis that come back.
//!
//! A [`Link`] is one host: a server, what Sentinels say is the master, or a cluster. Commands go to it through a
//! [`Courier`], which sends what many tasks want in few pieces; what is published comes from it through a [`Subscriber`];
//! and commands that wait in Redis have [connections of their own](Link::waiting).

mod any;
mod courier;
mod master;
mod patience;
mod policy;
mod probe;
mod queue;
mod route;
mod scan;
mod script;
mod shared;
mod source;
mod subscribed;
mod subscriber;
mod topics;
mod verdict;
mod waiting;

use std::{fmt, sync::Arc};

use redis::Cmd;

use self::{courier::Courier, source::Source};
pub(crate) use self::{
    courier::Reply,
    patience::Patience,
    policy::Evictions,
    script::Script,
    subscriber::{Sink, Subscriber},
    topics::Topic,
    verdict::{is_passing, reason},
    waiting::Waiting,
};
use crate::{Backoff, ConfigError, RedisConfig, RedisHost, error::LinkError};

/// One host. Its `Display` is its URL without passwords.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    source: Arc<Source>,
    courier: Courier,
}

impl Link {
    /// A link that connects when it is first used.
    pub(crate) fn new(host: &RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        Source::new(host.clone(), config).map(|source| Self::from(source, config))
    }

    /// A link to publish and subscribe at.
    pub(crate) fn publishing(host: &RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        Source::publishing(host.clone(), config).map(|source| Self::from(source, config))
    }

    fn from(source: Source, config: &RedisConfig) -> Self {
        let source = Arc::new(source);
        Self {
            courier: Courier::new(Arc::clone(&source), config),
            source,
        }
    }

    /// Sends a command that must not be carried out twice. It is on its way, after those before it, when this returns; the
    /// reply may be dropped.
    pub(crate) fn send(&self, cmd: Cmd) -> Reply {
        self.courier.submit(cmd, false)
    }

    /// Sends a command that may be carried out twice, and is sent again when a connection breaks.
    pub(crate) fn send_again(&self, cmd: Cmd) -> Reply {
        self.courier.submit(cmd, true)
    }

    /// A connection for commands that wait in Redis.
    ///
    /// # Errors
    ///
    /// Redis is away, or all such connections are taken.
    pub(crate) async fn waiting(&self) -> Result<Waiting, LinkError> {
        self.source.waiting().await
    }

    /// Looks for the server anew: a connection to it broke.
    pub(crate) fn forget(&self) {
        self.source.forget();
    }

    /// As [`forget`](Self::forget), for all connections: the server does not answer, or does not behave like a master.
    pub(crate) fn leave(&self) {
        self.source.leave();
    }

    /// Waits after so many failures in a row; less, if the host is found to be there meanwhile.
    pub(crate) async fn pause(&self, backoff: &Backoff, failures: u32) {
        self.source.pause(backoff, failures).await;
    }

    /// A subscriber that hands to `sink` what is published.
    pub(crate) fn subscriber(&self, sink: Arc<dyn Sink>, config: &RedisConfig) -> Subscriber {
        Subscriber::new(Arc::clone(&self.source), sink, config)
    }

    /// Whether the host is a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.source.is_cluster()
    }

    /// Whether the task that sends has ended, as it does with its runtime. Nothing is sent any more then.
    pub(crate) fn has_ended(&self) -> bool {
        self.courier.has_ended()
    }

    /// Ends what runs. Commands that wait fail.
    pub(crate) fn close(&self) {
        self.courier.close();
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
