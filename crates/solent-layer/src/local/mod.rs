//! The channels and groups of one process.

mod channel;
mod channel_table;
mod config;
mod group;
mod group_table;
mod shard;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

pub use self::config::LocalConfig;
use self::{
    channel_table::ChannelTable,
    group::{AT_ONCE, Place, Sent},
    group_table::GroupTable,
};
use crate::{
    ChannelName, DropCounts, GroupName, GroupReport, Inbox, LayerError, Mailbox, MailboxOwner,
    Message, Pushed, overflow::OverflowLog,
};

/// The channels and groups of one process: the tables that layers are built from.
///
/// A layer for one process is little more than this. A layer with a broker behind it keeps its own process's channels and
/// groups here, pushes what arrives, and hears through a [`LocalWatch`] which groups it has to ask the broker for.
///
/// Mailboxes that are dropped leave by themselves. The channel of an open mailbox stays in its groups until it leaves;
/// only the memberships of names that no mailbox owns expire. Cheap to clone; clones are the same tables.
///
/// # Examples
///
/// The heart of a layer on a broker that publishes, in front of a `Client` that queues what it tells the broker:
///
#[doc = include_str!("../broker_layer.md")]
#[derive(Clone)]
pub struct Local(Arc<Shared>);

/// Told when groups and listeners come and go in this process, and memberships with their mailboxes.
///
/// It is called under a lock of the tables, so that it hears of each thing in order: it must neither wait nor call them. Note
/// what the broker has to be told, and leave it to a task.
///
/// A group or a name that ended may begin again before the broker has heard of the end, so tell the broker in the order of
/// these calls, or keep a set of what is wanted and tell it the difference.
pub trait LocalWatch: Send + Sync + 'static {
    /// A group has its first member here.
    fn group_begun(&self, group: &GroupName) {
        let _ = group;
    }

    /// A group has lost its last member here.
    fn group_ended(&self, group: &GroupName) {
        let _ = group;
    }

    /// A name that mailboxes share has its first listener here.
    fn listening_begun(&self, channel: &ChannelName) {
        let _ = channel;
    }

    /// A name that mailboxes share has lost its last listener here.
    fn listening_ended(&self, channel: &ChannelName) {
        let _ = channel;
    }

    /// A mailbox was dropped while its channel was in these groups. Called before the groups hear of it, without a lock.
    fn mailbox_dropped(&self, channel: &ChannelName, groups: &mut dyn Iterator<Item = &GroupName>) {
        let _ = (channel, groups);
    }
}

struct Shared {
    channels: ChannelTable,
    groups: GroupTable,
    /// When the tables were made; their clock counts milliseconds from here.
    start: Instant,
    expiry: Duration,
    group_expiry: Duration,
    /// The time at which idle shared channels are looked for again.
    next_sweep: AtomicU64,
    overflows: OverflowLog,
}

impl Local {
    /// Empty tables.
    pub fn new(config: LocalConfig) -> Self {
        Self::with_watch(config, None)
    }

    /// Empty tables that tell `watch` what comes and goes.
    pub fn watched(config: LocalConfig, watch: Arc<dyn LocalWatch>) -> Self {
        Self::with_watch(config, Some(watch))
    }

    fn with_watch(config: LocalConfig, watch: Option<Arc<dyn LocalWatch>>) -> Self {
        Self(Arc::new(Shared {
            groups: GroupTable::new(config.shards, watch.clone()),
            start: Instant::now(),
            expiry: config.expiry,
            group_expiry: config.group_expiry,
            next_sweep: AtomicU64::new(millis(config.expiry)),
            overflows: OverflowLog::default(),
            channels: ChannelTable::new(config, watch),
        }))
    }

    /// Opens a process-specific channel under a new name; nothing, if the name is taken.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn open(&self, name: ChannelName) -> Result<Option<Mailbox>, LayerError> {
        self.0.channels.open(name, Arc::clone(&self.0) as _)
    }

    /// Adds a reader to a channel that mailboxes share.
    ///
    /// # Errors
    ///
    /// [`LayerError::Unavailable`] for a process-specific name, [`LayerError::Closed`].
    pub fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        if channel.is_process_specific() {
            return Err(LayerError::Unavailable(
                "its name belongs to one process, use a name without an exclamation mark",
            ));
        }
        self.0.sweep_if_due(Instant::now());
        self.0.channels.listen(channel, Arc::clone(&self.0) as _)
    }

    /// Pushes a message to a channel. One for a shared name without a listener waits there. If there is no room, the reader
    /// is told.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn push(
        &self,
        channel: &ChannelName,
        message: &Message,
        now: Instant,
    ) -> Result<Pushed, LayerError> {
        self.0.sweep_if_due(now);
        let pushed = self.0.channels.put(channel, |inbox, wakers| {
            inbox.push_quietly(message, now, wakers)
        })?;
        self.note(channel, pushed);
        Ok(pushed)
    }

    /// Pushes a message to a channel for a sender that gets it back if there is no room; the reader is not told then.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn offer(
        &self,
        channel: &ChannelName,
        message: &Message,
        now: Instant,
    ) -> Result<Pushed, LayerError> {
        self.0.sweep_if_due(now);
        let pushed = self.0.channels.put(channel, |inbox, wakers| {
            inbox.offer_quietly(message, now, wakers)
        })?;
        if pushed == Pushed::MadeRoom {
            self.note(channel, pushed);
        }
        Ok(pushed)
    }

    /// Sees to it that a lost message is in the log, for a layer that has pushed it to the inbox of `channel` by itself.
    pub fn note(&self, channel: &ChannelName, pushed: Pushed) {
        let lost = match pushed {
            Pushed::Delivered => return,
            Pushed::MadeRoom => true,
            Pushed::Dropped(cause) => cause.is_overflow(),
        };
        if lost {
            self.0.overflows.note(channel.as_str(), 1);
        }
    }

    /// The inbox of a channel, if there is one.
    pub fn inbox(&self, channel: &ChannelName) -> Option<Arc<Inbox>> {
        self.0.channels.inbox(channel)
    }

    /// Makes a channel a member of a group, or renews its membership. Returns whether it has just become one, so that a layer
    /// whose broker fails can take back what it added and nothing else.
    ///
    /// # Errors
    ///
    /// [`LayerError::Unavailable`] for a process-specific name that no mailbox here has: another process's, or that of a
    /// mailbox that was dropped. [`LayerError::Closed`].
    pub fn join(&self, group: &GroupName, channel: &ChannelName) -> Result<bool, LayerError> {
        let millis = self.0.millis(Instant::now());
        let joined = self.0.channels.update(channel, |channel| {
            channel.join(&self.0.groups, group, millis)
        })?;
        joined.ok_or(LayerError::Unavailable(
            "no mailbox of this process has it, let the process join that has",
        ))
    }

    /// Ends a membership. That of a channel that is not here is no error.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn leave(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        let left = self
            .0
            .channels
            .update(channel, |channel| channel.leave(&self.0.groups, group));
        left.map(|_| ())
    }

    /// Pushes a message to every member that a group has here.
    ///
    /// After every thousand members it pauses, so that other tasks of the thread get their turn. Who sends again waits for
    /// this to end first, so its messages keep their order.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some members without the message.
    pub async fn group_send(
        &self,
        group: &GroupName,
        message: &Message,
    ) -> Result<GroupReport, LayerError> {
        let now = Instant::now();
        let report = match self.0.send(group, message, now, AT_ONCE)? {
            Sent::Done(report) => report,
            Sent::Many(inboxes) => send_in_portions(&inboxes, message, now).await,
        };
        self.0.note(group, &report);
        Ok(report)
    }

    /// Pushes a message to every member that a group has here, without a pause.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn group_push(
        &self,
        group: &GroupName,
        message: &Message,
        now: Instant,
    ) -> Result<GroupReport, LayerError> {
        let report = match self.0.send(group, message, now, usize::MAX)? {
            Sent::Done(report) => report,
            Sent::Many(_) => GroupReport::default(),
        };
        self.0.note(group, &report);
        Ok(report)
    }

    /// Tells every channel that it may have missed messages: when the broker is there again and has acknowledged all
    /// subscriptions, so that who hears of it can ask for what it missed, and misses nothing more meanwhile.
    pub fn gap(&self) {
        self.0.channels.gap();
    }

    /// Every membership of the channels that mailboxes own, for a layer that has to renew them elsewhere.
    pub fn memberships(&self) -> Vec<(GroupName, ChannelName)> {
        self.0.channels.memberships()
    }

    /// Forgets all messages and memberships; mailboxes stay open.
    ///
    /// # Errors
    ///
    /// [`LayerError::Closed`].
    pub fn flush(&self) -> Result<(), LayerError> {
        self.0.channels.flush(&self.0.groups)
    }

    /// Ends all mailboxes and memberships; nothing new begins. A layer does so when it is closed, and when its last handle is
    /// dropped: the mailboxes hold on to the tables, not to the layer.
    pub fn close(&self) {
        self.0.channels.close(&self.0.groups);
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.0.channels.is_closed()
    }

    /// What was dropped, by cause.
    pub fn drops(&self) -> &Arc<DropCounts> {
        &self.0.channels.settings.drops
    }

    /// How many channels there are: those with a mailbox, and those on which messages wait for one.
    pub fn channel_count(&self) -> usize {
        self.0.channels.len()
    }

    /// How many groups have members.
    pub fn group_count(&self) -> usize {
        self.0.groups.len()
    }
}

impl Shared {
    fn send(
        &self,
        name: &GroupName,
        message: &Message,
        now: Instant,
        at_once: usize,
    ) -> Result<Sent, LayerError> {
        self.sweep_if_due(now);
        let Some(group) = self.groups.get(name) else {
            // Closed tables have no groups.
            return if self.channels.is_closed() {
                Err(LayerError::Closed)
            } else {
                Ok(Sent::Done(GroupReport::default()))
            };
        };
        let (sent, gone) = group.send(message, now, self.oldest_place(now), at_once);
        if gone {
            self.groups.forget(&group);
        }
        Ok(sent)
    }

    /// Sees to it that what members of a group have lost is in the log.
    fn note(&self, group: &GroupName, report: &GroupReport) {
        if report.dropped > 0 {
            let lost = report.overflowed();
            if lost > 0 {
                self.overflows.note(group.as_str(), lost as u64);
            }
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

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("channels", &self.channel_count())
            .field("groups", &self.group_count())
            .finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
