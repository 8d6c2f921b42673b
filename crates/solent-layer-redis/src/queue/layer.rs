//! The layer.

use std::{fmt, sync::Arc};

use solent_layer::{
    ChannelLayer, ChannelName, DropCounts, GroupName, GroupReport, LayerError, Mailbox, Message,
    SendError,
};

use super::{shared::Shared, task::Tasks};
use crate::{ConfigError, RedisConfig};

/// The layer whose messages wait in Redis: the layout of `channels_redis.core`. Cheap to clone; clones are the same layer.
///
/// See the [crate](crate) for when to use it. It connects when it is first used, and again whenever it has to. When the last
/// clone is dropped its mailboxes end; [`close`](ChannelLayer::close) tells Redis, too.
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
                tasks.read(shared, mailbox.name());
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

    async fn close(&self) -> Result<(), LayerError> {
        self.0.shared.close(&self.0.tasks).await.map_err(Into::into)
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
