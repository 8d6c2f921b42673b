//! Two channel layers on Redis, each of which shares channels and groups with one of Python's `channels_redis`.
//!
//! Processes of Solent reach each other through them, and a Django project that has the same Redis in its `CHANNEL_LAYERS`:
//! a `group_send` in a view arrives at the sockets of a Solent process, and the other way round. Neither side knows that the
//! other is of another language.
//!
//! ```no_run
//! use solent_layer::{ChannelLayer, GroupName, Message};
//! use solent_layer_redis::{RedisConfig, RedisHost, RedisPubSubLayer};
//!
//! # async fn example() -> Result<(), solent_layer::BoxError> {
//! let redis: RedisHost = "redis://localhost:6379/0".parse()?;
//! let layer = RedisPubSubLayer::new(RedisConfig::default().hosts([redis]))?;
//! let room: GroupName = "room".parse()?;
//!
//! let mut mailbox = layer.open("guest.").await?;
//! layer.group_add(&room, mailbox.name()).await?;
//! layer.group_send(&room, Message::ready("hello")).await?;
//! # drop(mailbox.recv().await);
//! # Ok(())
//! # }
//! ```
//!
//! # Which of the two do I take?
//!
//! | | [`RedisPubSubLayer`] | [`RedisQueueLayer`] |
//! |---|---|---|
//! | shares its wire with | `channels_redis.pubsub.RedisPubSubChannelLayer` | `channels_redis.core.RedisChannelLayer` |
//! | a group message costs Redis | one command, whatever there is of members and processes | one for each process with members |
//! | names that workers listen on | every process gets each message | processes compete, messages wait |
//! | a message without a reader | is lost | waits until it expires |
//! | while a process has no connection | what is sent is lost | what is sent waits |
//!
//! For sockets take the first: it is many times cheaper. For workers take the second; an application can have both, under
//! two aliases. Django needs the same one, prefix, serializer, keys and hosts.
//!
//! # What do they promise?
//!
//! What [`ChannelLayer`](solent_layer::ChannelLayer) promises, as the conformance kit of `solent-testing` tries it on one
//! server, several, with encryption and TLS, behind Sentinels and on a cluster, and besides:
//!
//! - **Redis may go away and come back.** The layer connects again with [back-off](Backoff), subscribes and joins again, and
//!   then tells every mailbox of a [gap](solent_layer::Gap). Commands meanwhile wait for up to
//!   [`send_wait`](RedisConfig::send_wait) and then fail with words that help. A channel that is opened, or joins a group,
//!   while Redis is away is there once Redis is, and then told of a gap, too.
//! - **Sends share round trips.** What many tasks send while Redis works on something goes out in one piece.
//! - **A message is decoded once** in each process, whatever the number of its members, and written as it is to all sockets if it
//!   is [ready](solent_layer::Message::ready).
//! - **What Python could not read is refused** when it is sent, with the name of the field.
//! - **No type of a Redis client** is in a public signature.
//!
//! # How do several hosts share the work?
//!
//! Each name belongs to one of the [`hosts`](RedisConfig::hosts). While one is away, its names fail with
//! [`Away`](solent_layer::LayerError::Away) after [`send_wait`](RedisConfig::send_wait), and the names of the others work:
//!
//! | | works while the host is there that has |
//! |---|---|
//! | joining a group | the group |
//! | sending to a group | the group; in [`RedisQueueLayer`], those of its members, too |
//! | opening a channel | the channel; in [`RedisQueueLayer`] that is one host for all channels with one prefix of a process |
//! | leases | the lease |
//!
//! - **A group's message may reach some of its members** although its sender hears that Redis is away, in
//!   [`RedisQueueLayer`]: members on the other hosts have it. Send it again only if its readers can bear it twice.
//! - **[`check`](solent_layer::ChannelLayer::check) fails while any host is away.** An application starts all the same, with a
//!   warning, and refuses with 503 the handshakes that need the host.
//! - A host that is back is used at once, and mailboxes are told of a gap.
//!
//! # Choices
//!
//! Where `channels_redis` has a fault that others see, this crate does as it does; where only Solent sees it, it is mended.
//! [`RedisQueueLayer`] tells its own. Of the other:
//!
//! - A process subscribes to each group once, and to all its own channels by one pattern, where `channels_redis` subscribes to each
//!   channel. Their names have an exclamation mark, which is how they are told from those of Python.
//! - The queues behind mailboxes are bounded, by the [policy](RedisConfig::policy), where the original's grow.
//! - A sender is told how many connections took a message; what was not taken is counted. In a cluster that is not known.
//! - In a cluster all that a process publishes goes through one node, and all that it receives comes from one, so that the order
//!   holds. With [`sharded_pubsub`](RedisCluster::sharded_pubsub) each group has its shard: order then holds within a
//!   group and for one channel, and not between them. Python takes part in the first only.
//!
//! # What is not here?
//!
//! Acknowledgements and history: delivery is at most once. Redis before version 6 (the protocol RESP3), and before
//! version 7 for sharded publishing.

mod config;
mod error;
mod lease;
mod link;
mod pubsub;
mod queue;
#[doc(hidden)]
pub mod store;
mod unreadable;
mod wire;

pub use self::{
    config::{
        Backoff, ClientCertificate, ConfigError, RedisAccess, RedisAddress, RedisCluster,
        RedisConfig, RedisHost, RedisLayerKind, RedisLayerUrl, RedisSentinel, RedisServer,
        RedisTls, Secret, TlsCheck,
    },
    pubsub::RedisPubSubLayer,
    queue::RedisQueueLayer,
    wire::{Json, MessagePack, Serializer},
};
