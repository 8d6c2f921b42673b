//! A layer, chosen by one string.

use std::str::FromStr;

use solent_layer::{Capacities, FullPolicy};

use super::{
    ConfigError, RedisConfig, RedisHost, Secret,
    url::{Options, number, text},
};
use crate::wire::{Json, MessagePack};

/// Which of the two layers on Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisLayerKind {
    /// What is sent is published, and lost without a subscriber: the layout of `channels_redis.pubsub`.
    #[default]
    PubSub,
    /// What is sent waits in Redis: the layout of `channels_redis.core`.
    Queue,
}

/// A layer and all its settings, from one string, such as an argument or an environment variable.
///
/// It is the [URL of a host](RedisHost), with the options of the layer among those of the host:
///
/// | option | meaning |
/// |---|---|
/// | `layer` | `pubsub`, the default, or `queue` |
/// | `prefix` | [`RedisConfig::prefix`] |
/// | `serializer` | `msgpack`, the default, or `json` |
/// | `encryption_key` | [`RedisConfig::encryption_keys`], one for each time it is there, in this order |
/// | `random_prefix` | [`RedisConfig::random_prefix`] |
/// | `expiry`, `group_expiry` | [`RedisConfig::expiry`], [`RedisConfig::group_expiry`], in seconds |
/// | `capacity` | the capacity of every channel; 100 without it; mailboxes of this process hold a burst besides |
/// | `channel_capacity` | `pattern:capacity`, for the channels that a shell pattern matches; the first that does counts |
/// | `policy` | `refuse`, the default, `drop-oldest` or `disconnect`: [`RedisConfig::policy`] |
/// | `send_wait` | [`RedisConfig::send_wait`], in seconds |
/// | `connect_timeout` or `socket_connect_timeout` | [`RedisConfig::connect_timeout`], in seconds |
/// | `response_timeout` or `socket_timeout` | [`RedisConfig::response_timeout`], in seconds |
/// | `heartbeat` or `health_check_interval` | [`RedisConfig::heartbeat`], in seconds |
/// | `renewal` | [`RedisConfig::renewal`], in seconds |
/// | `keepalive` | [`RedisConfig::keepalive`], in seconds |
/// | `max_pending` | [`RedisConfig::max_pending`] |
/// | `pool_size` or `max_connections` | [`RedisConfig::pool_size`] |
///
/// Several hosts are several URLs with whitespace between them, in the order of the shards. The options of the layer are
/// with the first.
///
/// # Examples
///
/// ```
/// use solent_layer_redis::{RedisLayerKind, RedisLayerUrl};
///
/// let url: RedisLayerUrl = "redis://10.0.0.1/0?layer=queue&prefix=shop&expiry=30 redis://10.0.0.2/0".parse()?;
///
/// assert_eq!(url.kind, RedisLayerKind::Queue);
/// assert_eq!(url.config.hosts.len(), 2);
/// assert_eq!(url.config.prefix, "shop");
/// # Ok::<(), solent_layer_redis::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedisLayerUrl {
    /// Which layer.
    pub kind: RedisLayerKind,
    /// Its settings, which are [valid](RedisConfig::validate).
    pub config: RedisConfig,
}

impl FromStr for RedisLayerUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut urls = text.split_whitespace();
        let first = urls.next().ok_or_else(|| {
            ConfigError::url("is empty, write one such as `redis://localhost:6379/0`")
        })?;
        let (before, mut options) = Options::split(first)?;
        let kind = read_kind(&mut options)?;
        let mut config = read_settings(RedisConfig::default(), &mut options)?;
        config.hosts = vec![RedisHost::read(before, &mut options)?];
        options.finish("is given already")?;
        for url in urls {
            let (before, mut options) = Options::split(url)?;
            config.hosts.push(RedisHost::read(before, &mut options)?);
            options.finish("is a setting of the whole layer, move it to the first URL")?;
        }
        config.validate()?;
        Ok(Self { kind, config })
    }
}

/// The names of all options of a layer.
pub(super) const OPTIONS: [&str; 22] = [
    "layer",
    "prefix",
    "serializer",
    "encryption_key",
    "random_prefix",
    "expiry",
    "group_expiry",
    "capacity",
    "channel_capacity",
    "policy",
    "send_wait",
    "connect_timeout",
    "socket_connect_timeout",
    "response_timeout",
    "socket_timeout",
    "heartbeat",
    "health_check_interval",
    "renewal",
    "keepalive",
    "max_pending",
    "pool_size",
    "max_connections",
];

fn read_kind(options: &mut Options) -> Result<RedisLayerKind, ConfigError> {
    match options.text("layer")?.as_deref() {
        None | Some("pubsub") => Ok(RedisLayerKind::PubSub),
        Some("queue") => Ok(RedisLayerKind::Queue),
        Some(_) => Err(ConfigError::option("layer", "is `pubsub` or `queue`")),
    }
}

fn read_settings(config: RedisConfig, options: &mut Options) -> Result<RedisConfig, ConfigError> {
    let config = read_shared(config, options)?;
    read_own(config, options)
}

/// What all processes must agree on.
fn read_shared(mut config: RedisConfig, options: &mut Options) -> Result<RedisConfig, ConfigError> {
    set(&mut config.prefix, options.text("prefix")?);
    config = match options.text("serializer")?.as_deref() {
        None | Some("msgpack") => config.serializer(MessagePack::new()),
        Some("json") => config.serializer(Json::new()),
        Some(_) => return Err(ConfigError::option("serializer", "is `msgpack` or `json`")),
    };
    config.encryption_keys = options
        .all("encryption_key")
        .into_iter()
        .map(Secret::new)
        .collect();
    set(&mut config.random_prefix, options.number("random_prefix")?);
    set(&mut config.expiry, options.seconds("expiry")?);
    set(&mut config.group_expiry, options.seconds("group_expiry")?);
    config.capacities = read_capacities(options)?;
    Ok(config)
}

/// What is this process' own business.
fn read_own(mut config: RedisConfig, options: &mut Options) -> Result<RedisConfig, ConfigError> {
    set(&mut config.policy, read_policy(options)?);
    set(&mut config.send_wait, options.seconds("send_wait")?);
    let connect = options.either_seconds("connect_timeout", "socket_connect_timeout")?;
    set(&mut config.connect_timeout, connect);
    let response = options.either_seconds("response_timeout", "socket_timeout")?;
    set(&mut config.response_timeout, response);
    let heartbeat = options.either_seconds("heartbeat", "health_check_interval")?;
    set(&mut config.heartbeat, heartbeat);
    set(&mut config.renewal, options.seconds("renewal")?);
    set(&mut config.keepalive, options.seconds("keepalive")?);
    set(&mut config.max_pending, options.number("max_pending")?);
    let connections = options.either("pool_size", "max_connections")?;
    let connections = connections.map(|value| number("pool_size", value));
    set(&mut config.pool_size, connections.transpose()?);
    Ok(config)
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn read_capacities(options: &mut Options) -> Result<Capacities, ConfigError> {
    let mut capacities = match options.number("capacity")? {
        None => Capacities::default(),
        Some(0) => {
            return Err(ConfigError::option(
                "capacity",
                "must be 1 at least, or no message could be sent",
            ));
        }
        Some(capacity) => Capacities::default().capacity(capacity),
    };
    const NAME: &str = "channel_capacity";
    for value in options.all(NAME) {
        let value = text(NAME, value)?;
        let (pattern, capacity) = value
            .rsplit_once(':')
            .and_then(|(pattern, capacity)| Some((pattern, capacity.parse().ok()?)))
            .ok_or_else(|| {
                ConfigError::option(
                    NAME,
                    "is a pattern and a number, such as `thumbnails.*:1000`",
                )
            })?;
        capacities = capacities.with(pattern, capacity);
    }
    Ok(capacities)
}

fn read_policy(options: &mut Options) -> Result<Option<FullPolicy>, ConfigError> {
    match options.text("policy")?.as_deref() {
        None => Ok(None),
        Some("refuse") => Ok(Some(FullPolicy::RefuseNewest)),
        Some("drop-oldest") => Ok(Some(FullPolicy::DropOldest)),
        Some("disconnect") => Ok(Some(FullPolicy::Disconnect)),
        Some(_) => Err(ConfigError::option(
            "policy",
            "is `refuse`, `drop-oldest` or `disconnect`",
        )),
    }
}
