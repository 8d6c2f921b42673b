//! The layer.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::future::join_all;
use redis::{Cmd, Value};
use solent_layer::{
    ChannelLayer, ChannelName, Claim, DropCause, DropCounts, GroupName, GroupReport, LayerError,
    Local, Mailbox, Message, SendError,
};

use super::{incoming::Incoming, subscriptions::Subscriptions, topic::Topics};
use crate::{
    ConfigError, RedisConfig, RedisHost,
    error::LinkError,
    lease,
    link::{Evictions, Link, Reply},
    unreadable::Unreadable,
    wire::{Cipher, Keys, Payloads, ProcessId, Ring},
};

/// The layer that publishes: the layout of `channels_redis.pubsub`. Cheap to clone; clones are the same layer.
///
/// See the [crate](crate) for when to use it. It connects when it is first used, and again whenever it has to.
#[derive(Clone)]
pub struct RedisPubSubLayer(Arc<Shared>);

pub(super) struct Shared {
    pub(super) local: Local,
    pub(super) topics: Topics,
    pub(super) payloads: Payloads,
    pub(super) unreadable: Unreadable,
    subscriptions: Arc<Subscriptions>,
    links: Vec<Link>,
    /// Where leases are: `links`, but for clusters, where keys have a node and what is published has not. They connect when the
    /// first lease is asked for.
    keyed: Vec<Link>,
    evictions: Evictions,
    pub(super) ring: Ring,
    process: ProcessId,
    /// Whether it is unknown how many receive what is published.
    is_cluster: bool,
}

impl RedisPubSubLayer {
    /// A layer with these settings.
    ///
    /// # Errors
    ///
    /// Settings that make no sense, or files of certificates that cannot be read. Whether Redis is there is not tried.
    pub fn new(config: RedisConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let hosts = NonZeroUsize::new(config.hosts.len()).unwrap_or(NonZeroUsize::MIN);
        let ring = Ring::new(hosts);
        let sharded = config
            .hosts
            .iter()
            .any(|host| matches!(host, RedisHost::Cluster(cluster) if cluster.sharded_pubsub));
        let topics = Topics::new(Keys::new(config.prefix.as_str()), sharded);
        let links = config
            .hosts
            .iter()
            .map(|host| Link::publishing(host, &config))
            .collect::<Result<Vec<_>, _>>()?;
        let keyed = links
            .iter()
            .zip(&config.hosts)
            .map(|(link, host)| match host {
                RedisHost::Cluster(cluster) if !cluster.sharded_pubsub => Link::new(host, &config),
                _ => Ok(link.clone()),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let this = Arc::new(OnceLock::new());
        let subscribers = links
            .iter()
            .enumerate()
            .map(|(host, link)| {
                let layer = Arc::clone(&this);
                link.subscriber(Arc::new(Incoming { layer, host }) as _, &config)
            })
            .collect();
        let subscriptions = Arc::new(Subscriptions::new(subscribers, ring, topics.clone()));
        let secrets = config.encryption_keys.iter().map(|key| key.expose());
        let shared = Arc::new(Shared {
            local: Local::watched(config.local(), Arc::clone(&subscriptions) as _),
            payloads: Payloads::new(
                Arc::clone(&config.serializer),
                Cipher::new(secrets, None),
                0,
            ),
            unreadable: Unreadable::default(),
            topics,
            subscriptions,
            links,
            evictions: Evictions::new(keyed.len()),
            keyed,
            ring,
            process: ProcessId::new(),
            is_cluster: config
                .hosts
                .iter()
                .any(|host| matches!(host, RedisHost::Cluster(_))),
        });
        // No other task has it yet.
        let _ = this.set(Arc::downgrade(&shared));
        Ok(Self(shared))
    }
}

impl ChannelLayer for RedisPubSubLayer {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        loop {
            let name = self.0.process.next(prefix)?;
            if let Some(mailbox) = self.0.local.open(name)? {
                self.0.subscriptions.opened(mailbox.name()).await?;
                return Ok(mailbox);
            }
        }
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        let mailbox = self.0.local.listen(channel)?;
        self.0.subscriptions.listened(channel).await?;
        Ok(mailbox)
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        let receivers = self.0.publish_to(channel, &message)?.await?;
        if self.0.receivers(&receivers)? == Some(0) {
            self.0.local.drops().add(DropCause::Closed);
        }
        Ok(())
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        if channel.is_process_specific() && ProcessId::of(channel) != Some(self.0.process.as_str())
        {
            return Err(LayerError::Unavailable(
                "memberships are kept by the process of the channel, add it there",
            ));
        }
        let is_new = self.0.local.join(group, channel)?;
        let joined = self.0.subscriptions.joined(group).await;
        if joined.is_err() && is_new {
            self.0.local.leave(group, channel)?;
        }
        joined.map_err(Into::into)
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.0.local.leave(group, channel)
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        let topic = self.0.topics.group(group);
        let payload = self.0.payloads.encode(&message).map_err(backend)?;
        let receivers = self.0.publish(&topic, &payload)?.await?;
        let mut report = GroupReport::default();
        // Members here are reached like all others, a moment later.
        report.processes = self.0.receivers(&receivers)?.unwrap_or_default();
        Ok(report)
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.0.local.flush()
    }

    async fn check(&self) -> Result<(), LayerError> {
        self.0.check().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.0.close();
        Ok(())
    }

    /// What is published waits nowhere.
    fn has_queues(&self) -> bool {
        false
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        let (link, keys) = self.0.leases(claim)?;
        let held = lease::hold(link, keys, claim, lifetime).await?;
        // Leases are the only keys of this layer.
        let host = self.0.host_of(claim);
        self.0.evictions.warn(host, link, "leases").await;
        Ok(held)
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        let (link, keys) = self.0.leases(claim)?;
        lease::release(link, keys, claim).await
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(Arc::clone(self.0.local.drops()))
    }
}

impl Shared {
    fn publish_to(&self, channel: &ChannelName, message: &Message) -> Result<Reply, LayerError> {
        let payload = if self.topics.addresses() && channel.is_process_specific() {
            self.payloads.encode_to(message, channel)
        } else {
            self.payloads.encode(message)
        };
        self.publish(self.topics.channel(channel), &payload.map_err(backend)?)
    }

    fn publish(&self, topic: &str, payload: &[u8]) -> Result<Reply, LayerError> {
        if self.local.is_closed() {
            return Err(LayerError::Closed);
        }
        let name = self.topics.publish();
        let mut publish = Cmd::with_capacity(3, name.len() + topic.len() + payload.len());
        publish.arg(name).arg(topic).arg(payload);
        Ok(self.links[self.ring.shard(topic)].send(publish))
    }

    /// Where a lease is kept, and the keys there.
    fn leases(&self, claim: &Claim) -> Result<(&Link, &Keys), LayerError> {
        if self.local.is_closed() {
            return Err(LayerError::Closed);
        }
        Ok((&self.keyed[self.host_of(claim)], self.topics.keys()))
    }

    fn host_of(&self, claim: &Claim) -> usize {
        self.ring.shard(claim.name().as_str())
    }

    /// Asks all hosts whether this process may publish and subscribe there.
    async fn check(&self) -> Result<(), LayerError> {
        if self.local.is_closed() {
            return Err(LayerError::Closed);
        }
        self.subscriptions.check().await?;
        let topic = self.topics.group_of_check();
        let payload = self.payloads.encode(&Message::ready("")).map_err(backend)?;
        let asked = self.links.iter().map(|link| {
            // The group has no members that could receive it.
            let mut publish = Cmd::new();
            publish.arg(self.topics.publish()).arg(&topic);
            publish.arg(&payload[..]);
            link.send(publish)
        });
        let asked: Vec<_> = asked.collect();
        for published in join_all(asked).await {
            published?;
        }
        Ok(())
    }

    /// How many connections a message was handed to. In a cluster that is not known.
    fn receivers(&self, answer: &Value) -> Result<Option<usize>, LinkError> {
        match answer {
            Value::Int(_) if self.is_cluster => Ok(None),
            Value::Int(count) => Ok(Some(usize::try_from(*count).unwrap_or_default())),
            _ => Err(LinkError::Answer),
        }
    }

    fn close(&self) {
        self.local.close();
        self.subscriptions.close();
        let links = self.links.iter().chain(&self.keyed);
        links.for_each(Link::close);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Mailboxes that are still open would wait for ever.
        self.local.close();
    }
}

fn backend(error: crate::wire::EncodeError) -> LayerError {
    LayerError::Backend(error.into())
}

impl fmt::Debug for RedisPubSubLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisPubSubLayer")
            .field("process", &self.0.process)
            .field("local", &self.0.local)
            .finish_non_exhaustive()
    }
}
