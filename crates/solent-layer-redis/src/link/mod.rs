//! Connections to Redis that come back.
//!
//! A [`Link`] is one host: a server, what Sentinels say is the master, or a cluster. Commands go to it through a
//! [`Courier`], which sends what many tasks want in few pieces; what is published comes from it through a [`Subscriber`];
//! and commands that wait in Redis have [connections of their own](Link::waiting).

mod courier;
mod queue;
mod route;
mod script;
mod sentinel;
mod source;
mod subscriber;
mod topics;

use std::sync::Arc;

use redis::Cmd;

pub(crate) use self::{
    courier::Reply,
    script::Script,
    source::Waiting,
    subscriber::{Subscriber, Sink},
    topics::Topic,
};
use self::{courier::Courier, source::Source};
use crate::{ConfigError, RedisConfig, RedisHost, error::LinkError};

/// One host.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    source: Arc<Source>,
    courier: Courier,
}

impl Link {
    /// A link that connects when it is first used.
    pub(crate) fn new(host: &RedisHost, config: &RedisConfig) -> Result<Self, ConfigError> {
        let source = Arc::new(Source::new(host.clone(), config)?);
        Ok(Self {
            courier: Courier::new(Arc::clone(&source), config),
            source,
        })
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

    /// A subscriber that hands to `sink` what is published.
    pub(crate) fn subscriber(&self, sink: Arc<dyn Sink>, config: &RedisConfig) -> Subscriber {
        Subscriber::new(Arc::clone(&self.source), sink, config)
    }

    /// Whether the host is a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.source.is_cluster()
    }

    /// Ends what runs. Commands that wait fail.
    pub(crate) fn close(&self) {
        self.courier.close();
    }
}
