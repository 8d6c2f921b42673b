//! The settings of a layer.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use solent_layer::{Capacities, FullPolicy, LocalConfig};

use super::{Backoff, ConfigError, RedisHost, Secret, validate};
use crate::wire::{MessagePack, Serializer};

/// Settings for a layer on Redis. All processes that share channels must agree on those of the first part, Python's too.
///
/// # Examples
///
/// ```
/// use solent_layer_redis::{RedisConfig, RedisServer};
///
/// let config = RedisConfig::default()
///     .hosts([RedisServer::new("10.0.0.1", 6379), RedisServer::new("10.0.0.2", 6379)])
///     .prefix("shop")
///     .encryption_keys(["new secret", "old secret"]);
///
/// config.validate()?;
/// # Ok::<(), solent_layer_redis::ConfigError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct RedisConfig {
    /// Where Redis is. Several are shards, among which names are spread, so that their order matters; see
    /// [several hosts](crate#how-do-several-hosts-share-the-work) for what works while one is away. Default: port 6379 of this machine.
    pub hosts: Vec<RedisHost>,
    /// What every key and every published name begins with. Nothing is put between the two. Default: `asgi`.
    pub prefix: String,
    /// How a message becomes bytes. Default: [`MessagePack`].
    pub serializer: Arc<dyn Serializer>,
    /// What messages are encrypted with, the first key, and decrypted with, any of them. To change a key add the new one at
    /// the end in all processes, then move it to the front, then take the old one away. Names are not encrypted. Default:
    /// none, no encryption.
    pub encryption_keys: Vec<Secret>,
    /// How many random bytes make equal messages distinct in the queue layer; at least 8 unless messages are encrypted.
    /// Default: 12.
    pub random_prefix: usize,
    /// How long an unread message is kept, in whole seconds. Default: one minute.
    pub expiry: Duration,
    /// How long a channel is a member of a group after it was last added or refreshed, in whole seconds. Default: one day.
    pub group_expiry: Duration,
    /// How many messages a channel may hold. Default: 100 for every channel, and for mailboxes of this process a burst of 8192
    /// messages and 4 MiB.
    pub capacities: Capacities,

    /// How many messages may wait in this process beyond the capacities of their channels, in all mailboxes together. Default:
    /// 1048576.
    pub backlog: usize,
    /// What happens to a message for a full channel of this process. Default: it is refused.
    pub policy: FullPolicy,
    /// How long a command waits for a connection while Redis is away before it fails. Zero: it fails at once. Default: one
    /// second. A cut that is mended within it is not noticed by senders, as when a connection is killed or Redis restarts;
    /// a fail-over takes many seconds, during which senders had better know than wait, since what they wait with is memory. Where it takes longer to connect, TLS and the
    /// password included, because Redis is far away or slow, it has to be raised.
    pub send_wait: Duration,
    /// How long connecting may take, with TLS and the password. Default: two seconds.
    pub connect_timeout: Duration,
    /// How long Redis may take to answer a command. Then its connection is given up, and the command fails, though Redis may
    /// have carried it out. Commands that wait in Redis have their own time added. Default: five seconds.
    pub response_timeout: Duration,
    /// How long a connection that only waits, for what is published or for messages in a queue, may be silent before Redis is
    /// asked whether it is there, and how long the answer may take. So a Redis that stands still, or a network that drops
    /// everything, is noticed within twice as long, and the server is looked for anew. From 50 ms to a day. Default: five
    /// seconds.
    pub heartbeat: Duration,
    /// How often the queue layer tells Redis which processes and members are there. What Redis has forgotten is there again
    /// within this time. A process that does not do it three times in a row counts as dead, and others remove its members. From
    /// one second to a day; processes may differ. Default: ten seconds.
    pub renewal: Duration,
    /// How long a connection is silent before the other end is asked whether it is there, and then again each third of it.
    /// Three questions without an answer end the connection, so that it takes twice as long to find out that a
    /// network is cut. Whole seconds, from 1 to 32767. Default: 15 seconds.
    pub keepalive: Duration,
    /// How long to wait between attempts to connect. Default: 50 ms, and each time a quarter longer, up to 750 ms.
    pub backoff: Backoff,
    /// How many commands may be on their way or wait for a connection, for each host; further ones fail. A million at
    /// most. Default: 8192.
    pub max_pending: NonZeroUsize,
    /// At most how many connections for commands that wait in Redis are open, for each host. All other commands share one
    /// connection more. The queue layer needs two; in a cluster it has one for each prefix of its own channels and each name
    /// that is listened on, whatever is set here. Default: 8.
    pub pool_size: NonZeroUsize,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            hosts: vec![RedisHost::default()],
            prefix: "asgi".into(),
            serializer: Arc::new(MessagePack::new()),
            encryption_keys: Vec::new(),
            random_prefix: 12,
            expiry: Duration::from_secs(60),
            group_expiry: Duration::from_secs(24 * 60 * 60),
            capacities: Capacities::default(),
            backlog: LocalConfig::default().backlog,
            policy: FullPolicy::default(),
            send_wait: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(5),
            renewal: Duration::from_secs(10),
            keepalive: Duration::from_secs(15),
            backoff: Backoff::default(),
            max_pending: const { NonZeroUsize::new(8192).unwrap() },
            pool_size: const { NonZeroUsize::new(8).unwrap() },
        }
    }
}

impl RedisConfig {
    /// What is the same within this process.
    pub(crate) fn local(&self) -> LocalConfig {
        LocalConfig::default()
            .capacities(self.capacities.clone())
            .backlog(self.backlog)
            .expiry(self.expiry)
            .group_expiry(self.group_expiry)
            .policy(self.policy)
    }

    /// Sets [`hosts`](Self::hosts).
    pub fn hosts<H: Into<RedisHost>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`prefix`](Self::prefix).
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets [`serializer`](Self::serializer).
    pub fn serializer(mut self, serializer: impl Serializer) -> Self {
        self.serializer = Arc::new(serializer);
        self
    }

    /// Sets [`encryption_keys`](Self::encryption_keys).
    pub fn encryption_keys<K: Into<Secret>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.encryption_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`random_prefix`](Self::random_prefix).
    pub fn random_prefix(mut self, bytes: usize) -> Self {
        self.random_prefix = bytes;
        self
    }

    /// Sets [`expiry`](Self::expiry).
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets [`group_expiry`](Self::group_expiry).
    pub fn group_expiry(mut self, expiry: Duration) -> Self {
        self.group_expiry = expiry;
        self
    }

    /// Sets [`capacities`](Self::capacities).
    pub fn capacities(mut self, capacities: Capacities) -> Self {
        self.capacities = capacities;
        self
    }

    /// Sets [`backlog`](Self::backlog).
    pub fn backlog(mut self, messages: usize) -> Self {
        self.backlog = messages;
        self
    }

    /// Sets [`policy`](Self::policy).
    pub fn policy(mut self, policy: FullPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`send_wait`](Self::send_wait).
    pub fn send_wait(mut self, wait: Duration) -> Self {
        self.send_wait = wait;
        self
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`response_timeout`](Self::response_timeout).
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets [`heartbeat`](Self::heartbeat).
    pub fn heartbeat(mut self, silence: Duration) -> Self {
        self.heartbeat = silence;
        self
    }

    /// Sets [`renewal`](Self::renewal).
    pub fn renewal(mut self, period: Duration) -> Self {
        self.renewal = period;
        self
    }

    /// Sets [`keepalive`](Self::keepalive).
    pub fn keepalive(mut self, silence: Duration) -> Self {
        self.keepalive = silence;
        self
    }

    /// Sets [`backoff`](Self::backoff).
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets [`max_pending`](Self::max_pending).
    pub fn max_pending(mut self, commands: NonZeroUsize) -> Self {
        self.max_pending = commands;
        self
    }

    /// Sets [`pool_size`](Self::pool_size).
    pub fn pool_size(mut self, connections: NonZeroUsize) -> Self {
        self.pool_size = connections;
        self
    }

    /// Checks that the settings can work together. The layers do it when they are made.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Setting`] names the first setting that cannot work, and says what to do.
    pub fn validate(&self) -> Result<(), ConfigError> {
        validate::config(self)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the serializer, which need not say anything of itself.
        f.debug_struct("RedisConfig")
            .field("hosts", &self.hosts)
            .field("prefix", &self.prefix)
            .field("encryption_keys", &self.encryption_keys)
            .field("random_prefix", &self.random_prefix)
            .field("expiry", &self.expiry)
            .field("group_expiry", &self.group_expiry)
            .field("capacities", &self.capacities)
            .field("backlog", &self.backlog)
            .field("policy", &self.policy)
            .field("send_wait", &self.send_wait)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("heartbeat", &self.heartbeat)
            .field("renewal", &self.renewal)
            .field("keepalive", &self.keepalive)
            .field("backoff", &self.backoff)
            .field("max_pending", &self.max_pending)
            .field("pool_size", &self.pool_size)
            .finish_non_exhaustive()
    }
}
