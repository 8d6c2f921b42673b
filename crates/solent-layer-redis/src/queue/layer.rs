//! The layer.

use std::{fmt, sync::Arc, time::Duration};

use solent_layer::{
    ChannelLayer, ChannelName, Claim, DropCounts, GroupName, GroupReport, LayerError, Mailbox,
    Message, SendError,
};

use super::{shared::Shared, task::Tasks};
use crate::{ConfigError, RedisConfig, lease};

/// The layer whose messages wait in Redis: the layout of `channels_redis.core`. Cheap to clone; clones are the same layer.
///
/// See the [crate](crate) for when to use it. It connects when it is first used, and again whenever it has to. When the last
/// clone is dropped its mailboxes end; [`close`](ChannelLayer::close) tells Redis, too.
///
/// # Beside channels_redis
///
/// Processes of Python and of Solent on the same hosts, in the same order, with the same prefix, serializer and keys reach each
/// other. What is only seen by Solent is better than in the original:
///
/// - **Capacity** is that of each channel. A process of Solent takes its messages as they come and counts them in the mailboxes;
///   up to 8192 of other processes of Solent may wait for it in Redis. Senders in Python count all of a process together, as ever,
///   and what is sent to a process of Python is counted so, too.
/// - **Direct sends with several hosts** go to the host where the receiver looks, and are looked for on all, since senders in
///   Python choose another.
/// - **Names that workers listen on** are sent to on all hosts in turn, as readers in Python take them; each host has its share
///   of the capacity. Readers of Solent wait at all hosts at once and take the oldest message first. They take one only while
///   a reader waits for it, and put back what was not read when the last of them goes.
/// - **Members** are processes of the living: each process of Solent has a key that says so and expires after three times
///   [`renewal`](RedisConfig::renewal). Members of a process without one are not sent to, and are removed by senders and by each
///   process that has members in the same group. Memberships of open mailboxes are renewed as often, so that a member, a
///   group or a process that Redis has lost is there again within that time, and its mailboxes then hear of the
///   [gap](solent_layer::Gap). A channel that another process has added is not renewed.
/// - **Keys** of a process that were overwritten with something else are removed. A group or a name whose key holds something
///   else fails each operation with Redis's words, and works again once that is gone.
/// - **Every key expires**, and `flush` walks through the keys with `SCAN` and removes those that have the form of this layer's.
///   What another layer with a longer prefix calls its channels cannot be told from them. Processes that are there keep their
///   memberships for themselves, and add them again when they are renewed.
///
/// # In flight
///
/// Delivery is at most once, as in Channels. What is sent to channels of a process goes with it. A message for a name that
/// workers listen on is lost only if the connection breaks while Redis hands it out: until a reader has taken it from its
/// mailbox there is a backup in `{KEY}:solent:taken`, under the name of the process, and when that process is dead another that
/// listens puts it back. A process that was stopped for longer than three times `renewal` and goes on may so have had it, too.
///
/// The original has one backup for all readers, `KEY$inflight`, and each reader restores what it finds there, also what
/// another is about to deliver. This layer keeps nothing there, so that readers in Python find nothing to deliver twice, and
/// restores only what has lain there for five seconds.
#[derive(Clone)]
pub struct RedisQueueLayer(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl RedisQueueLayer {
    /// A layer with these settings.
    ///
    /// # Errors
    ///
    /// Settings that make no sense, or files of certificates that cannot be read. Whether Redis is there is not tried.
    pub fn new(config: RedisConfig) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Inner {
            shared: Arc::new(Shared::new(&config)?),
            tasks: Tasks::default(),
        })))
    }
}

impl ChannelLayer for RedisQueueLayer {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        let Inner { shared, tasks } = &*self.0;
        shared.open()?;
        loop {
            let name = shared.process.next(prefix)?;
            if let Some(mailbox) = shared.local.open(name)? {
                let readers = tasks.read(shared, mailbox.name());
                shared.read_by(&readers, mailbox.name()).await?;
                return Ok(mailbox);
            }
        }
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        if channel.is_process_specific() {
            return Err(LayerError::Unavailable(
                "its name belongs to one process, use a name without an exclamation mark",
            ));
        }
        let Inner { shared, tasks } = &*self.0;
        shared.open()?;
        shared.can_listen(channel).await?;
        let (mailbox, first) = shared.listening.listen(channel)?;
        if let Some(listened) = first {
            tasks.work(shared, listened);
            shared.upkeep.notify_one();
        }
        Ok(mailbox)
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.0.shared.send(channel, message).await
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.0.shared.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.0.shared.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.0.shared.group_send(group, message).await
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.0.shared.flush().await
    }

    async fn check(&self) -> Result<(), LayerError> {
        self.0.shared.check().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.0.shared.close(&self.0.tasks).await.map_err(Into::into)
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        let (link, keys) = self.0.shared.leases(claim)?;
        lease::hold(link, keys, claim, lifetime).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        let (link, keys) = self.0.shared.leases(claim)?;
        lease::release(link, keys, claim).await
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(Arc::clone(self.0.shared.local.drops()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Mailboxes that are still open would wait for ever.
        self.shared.end();
    }
}

impl fmt::Debug for RedisQueueLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisQueueLayer")
            .field("process", &self.0.shared.process)
            .field("local", &self.0.shared.local)
            .finish_non_exhaustive()
    }
}
