//! The layer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use solent_layer::{
    ChannelLayer, ChannelName, DropCause, DropCounts, GroupName, GroupReport, Inbox, LayerError,
    Mailbox, MailboxOwner, Message, NameSource, Pushed, SendError,
};
use tokio::time::Instant;

use crate::{
    channel_table::ChannelTable,
    config::MemoryConfig,
    group::{AT_ONCE, Place, Sent},
    group_table::GroupTable,
};

/// The channel layer of one process. Cheap to clone; clones are the same layer.
#[derive(Clone)]
pub struct MemoryLayer(Arc<Shared>);

struct Shared {
    channels: ChannelTable,
    groups: GroupTable,
    names: NameSource,
    /// When the layer was made; its clock counts milliseconds from here.
    start: Instant,
    expiry: Duration,
    group_expiry: Duration,
    /// The time at which idle shared channels are looked for again.
    next_sweep: AtomicU64,
}

impl MemoryLayer {
    /// A layer with these settings.
    pub fn new(config: MemoryConfig) -> Self {
        Self(Arc::new(Shared {
            groups: GroupTable::new(config.shards),
            names: NameSource::new(),
            start: Instant::now(),
            expiry: config.expiry,
            group_expiry: config.group_expiry,
            next_sweep: AtomicU64::new(millis(config.expiry)),
            channels: ChannelTable::new(config),
        }))
    }

    /// How many channels there are: those with a mailbox, and those on which messages wait for one.
    pub fn channel_count(&self) -> usize {
        self.0.channels.len()
    }

    /// How many groups have members.
    pub fn group_count(&self) -> usize {
        self.0.groups.len()
    }

    fn owner(&self) -> Arc<dyn MailboxOwner> {
        Arc::clone(&self.0) as _
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
            if let Some(mailbox) = self.0.channels.open(name, self.owner())? {
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
        self.0.sweep_if_due(Instant::now());
        self.0.channels.listen(channel, self.owner())
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        let now = Instant::now();
        self.0.sweep_if_due(now);
        match self.0.channels.push(channel, &message, now)? {
            Pushed::Dropped(DropCause::Full | DropCause::Overflowed) => {
                Err(SendError::Full(message))
            }
            _ => Ok(()),
        }
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        let millis = self.0.millis(Instant::now());
        self.0.channels.update(channel, |channel| {
            channel.join(&self.0.groups, group, millis)
        })
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.0
            .channels
            .update(channel, |channel| channel.leave(&self.0.groups, group))
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        let report = self.0.group_send(group, message).await?;
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
        self.0.channels.flush(&self.0.groups)
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.0.channels.close(&self.0.groups);
        Ok(())
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        Some(Arc::clone(&self.0.channels.settings.drops))
    }
}

impl Shared {
    async fn group_send(
        &self,
        name: &GroupName,
        message: Message,
    ) -> Result<GroupReport, LayerError> {
        let now = Instant::now();
        self.sweep_if_due(now);
        let Some(group) = self.groups.get(name) else {
            // A closed layer has no groups.
            return if self.channels.is_closed() {
                Err(LayerError::Closed)
            } else {
                Ok(GroupReport::default())
            };
        };
        let (sent, gone) = group.send(&message, now, self.oldest_place(now));
        if gone {
            self.groups.forget(&group);
        }
        match sent {
            Sent::Done(report) => Ok(report),
            Sent::Many(inboxes) => Ok(send_in_portions(&inboxes, &message, now).await),
        }
    }

    /// The first place in a group that has not expired.
    fn oldest_place(&self, now: Instant) -> Place {
        Place::at(self.millis(now).saturating_sub(millis(self.group_expiry)))
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.start))
    }

    /// Looks for idle shared channels once per expiry time; what takes part in traffic pays for it.
    fn sweep_if_due(&self, now: Instant) {
        let (millis_now, due) = (self.millis(now), self.next_sweep.load(Relaxed));
        if millis_now < due {
            return;
        }
        let next = millis_now.saturating_add(millis(self.expiry).max(1));
        if self
            .next_sweep
            .compare_exchange(due, next, Relaxed, Relaxed)
            .is_ok()
        {
            self.channels
                .sweep(now, self.oldest_place(now), &self.groups);
        }
    }
}

/// Serves many members with pauses, so that other tasks of this thread get their turn.
///
/// Who sends again waits for this to end first, so its messages keep their order.
async fn send_in_portions(inboxes: &[Arc<Inbox>], message: &Message, now: Instant) -> GroupReport {
    let mut report = GroupReport::default();
    for portion in inboxes.chunks(AT_ONCE) {
        for inbox in portion {
            report.count(inbox.push(message, now));
        }
        tokio::task::yield_now().await;
    }
    report
}

impl MailboxOwner for Shared {
    fn closed(&self, name: &ChannelName, inbox: &Arc<Inbox>) {
        self.channels.mailbox_dropped(name, inbox, &self.groups);
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
