//! The layer.

use std::{fmt, sync::Arc, time::Duration};

use solent_layer::{
    ChannelLayer, ChannelName, Claim, DropCause, DropCounts, GroupName, GroupReport, LayerError,
    Local, Mailbox, Message, NameSource, Pushed, SendError,
};
use tokio::time::Instant;

use crate::{MemoryConfig, lease::Leases};

/// The channel layer of one process. Cheap to clone; clones are the same layer. When the last is dropped its mailboxes end.
#[derive(Clone)]
pub struct MemoryLayer(Arc<Inner>);

struct Inner {
    local: Local,
    names: NameSource,
    leases: Leases,
}

impl MemoryLayer {
    /// A layer with these settings.
    pub fn new(config: MemoryConfig) -> Self {
        Self(Arc::new(Inner {
            local: Local::new(config),
            names: NameSource::new(),
            leases: Leases::default(),
        }))
    }

    /// How many channels there are: those with a mailbox, and those on which messages wait for one.
    pub fn channel_count(&self) -> usize {
        self.0.local.channel_count()
    }

    /// How many groups have members.
    pub fn group_count(&self) -> usize {
        self.0.local.group_count()
    }
}

impl Default for MemoryLayer {
    /// A layer with the settings of [`MemoryConfig::default`].
    fn default() -> Self {
        Self::new(MemoryConfig::default())
    }
}

impl ChannelLayer for MemoryLayer {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        loop {
            let name = self.0.names.next(prefix)?;
            if let Some(mailbox) = self.0.local.open(name)? {
                return Ok(mailbox);
            }
        }
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.0.local.listen(channel)
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        match self.0.local.offer(channel, &message, Instant::now())? {
            Pushed::Dropped(DropCause::Full | DropCause::Overflowed) => {
                Err(SendError::Full(message))
            }
            _ => Ok(()),
        }
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.0.local.join(group, channel).map(|_| ())
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
        let report = self.0.local.group_send(group, &message).await?;
        if report.dropped > 0 {
            tracing::debug!(
                %group,
                delivered = report.delivered,
                dropped = report.dropped,
                "group members lost a message"
            );
        }
        Ok(report)
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.0.local.flush()
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.0.local.close();
        Ok(())
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        if self.0.local.is_closed() {
            return Err(LayerError::Closed);
        }
        Ok(self.0.leases.hold(claim, lifetime))
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        self.0.leases.release(claim);
        Ok(())
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(Arc::clone(self.0.local.drops()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Mailboxes that are still open would wait for ever.
        self.local.close();
    }
}

impl fmt::Debug for MemoryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLayer")
            .field("channels", &self.channel_count())
            .field("groups", &self.group_count())
            .finish_non_exhaustive()
    }
}
