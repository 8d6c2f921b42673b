//! The channels that have a reader, or hold messages.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::MutexGuard;
use tokio::time::Instant;

use super::{
    LocalConfig, LocalWatch,
    channel::Channel,
    group::Place,
    group_table::GroupTable,
    shard::{Shards, shrink},
};
use crate::{
    ChannelName, DropCause, GroupName, Inbox, InboxSettings, LayerError, Mailbox, MailboxOwner,
    Pushed, Wakers,
};

/// The channels, by name.
///
/// Under a lock of this table, locks of groups and of the table of groups may be taken, never the other way round.
pub(super) struct ChannelTable {
    shards: Shards<Shard>,
    config: LocalConfig,
    pub(super) settings: Arc<InboxSettings>,
    watch: Option<Arc<dyn LocalWatch>>,
}

#[derive(Default)]
struct Shard {
    /// Channels of one mailbox each, which go with it.
    own: HashMap<ChannelName, Channel>,
    /// Channels that mailboxes share, which go when they are idle.
    shared: HashMap<ChannelName, Channel>,
    /// The layer is closed.
    closed: bool,
}

impl ChannelTable {
    pub(super) fn new(config: LocalConfig, watch: Option<Arc<dyn LocalWatch>>) -> Self {
        let settings = InboxSettings::new(config.expiry, config.policy, Arc::default())
            .backlog(config.backlog);
        Self {
            shards: Shards::new(config.shards),
            settings: Arc::new(settings),
            config,
            watch,
        }
    }

    /// Opens a channel of its own; nothing, if the name is taken.
    pub(super) fn open(
        &self,
        name: ChannelName,
        owner: Arc<dyn MailboxOwner>,
    ) -> Result<Option<Mailbox>, LayerError> {
        let room = self.config.capacities.of_mailbox(&name);
        let inbox = Inbox::new(room, Arc::clone(&self.settings));
        let mut shard = self.lock(&name)?;
        let Entry::Vacant(place) = shard.own.entry(name.clone()) else {
            return Ok(None);
        };
        place.insert(Channel::own(Arc::clone(&inbox)));
        drop(shard);
        Ok(Some(Mailbox::new(name, inbox, owner)))
    }

    /// Adds a reader to a shared channel.
    pub(super) fn listen(
        &self,
        name: &ChannelName,
        owner: Arc<dyn MailboxOwner>,
    ) -> Result<Mailbox, LayerError> {
        let mut shard = self.lock(name)?;
        let inbox = Arc::clone(&self.shared(&mut shard, name).inbox);
        if let Some(watch) = self.watch.as_deref().filter(|_| inbox.readers() == 0) {
            watch.listening_begun(name);
        }
        // Counted as a reader before the lock is let go, so the channel is not idle.
        Ok(Mailbox::new(name.clone(), inbox, owner))
    }

    /// Brings a message to one channel, by `put`.
    pub(super) fn put(
        &self,
        name: &ChannelName,
        put: impl FnOnce(&Inbox, &mut Wakers) -> Pushed,
    ) -> Result<Pushed, LayerError> {
        let mut wakers = Wakers::new();
        let mut shard = self.lock(name)?;
        if !name.is_process_specific() {
            // Under the lock, so that the channel is not forgotten in between.
            let inbox = &self.shared(&mut shard, name).inbox;
            return Ok(put(inbox, &mut wakers));
        }
        let inbox = shard
            .own
            .get(name)
            .map(|channel| Arc::clone(&channel.inbox));
        drop(shard);
        Ok(match inbox {
            Some(inbox) => put(&inbox, &mut wakers),
            None => {
                self.settings.drops.add(DropCause::Closed);
                Pushed::Dropped(DropCause::Closed)
            }
        })
    }

    /// Does something to a channel, if there is one or it is of the kind that comes into being on demand.
    pub(super) fn update<T>(
        &self,
        name: &ChannelName,
        update: impl FnOnce(&mut Channel) -> T,
    ) -> Result<Option<T>, LayerError> {
        let mut shard = self.lock(name)?;
        if name.is_process_specific() {
            return Ok(shard.own.get_mut(name).map(update));
        }
        let updated = update(self.shared(&mut shard, name));
        shard.forget_if_idle(name);
        Ok(Some(updated))
    }

    /// A mailbox was dropped.
    pub(super) fn mailbox_dropped(
        &self,
        name: &ChannelName,
        inbox: &Arc<Inbox>,
        groups: &GroupTable,
    ) {
        let mut shard = self.shards.lock(name.as_str());
        if !name.is_process_specific() {
            if let Some(watch) = self.watch.as_deref().filter(|_| inbox.readers() == 0) {
                watch.listening_ended(name);
            }
            shard.forget_if_idle(name);
            return;
        }
        let channel = shard.own.remove(name);
        shrink(&mut shard.own);
        drop(shard);
        if let Some(channel) = channel {
            if let Some(watch) = &self.watch {
                let joined = channel
                    .memberships
                    .iter()
                    .map(|membership| membership.group.name());
                watch.mailbox_dropped(name, &mut joined.into_iter());
            }
            debug_assert!(
                Arc::ptr_eq(&channel.inbox, inbox),
                "names are not used twice"
            );
            // The channel cannot be found any more, so no membership is added.
            for membership in &channel.memberships {
                groups.leave(membership);
            }
        }
    }

    /// Forgets shared channels that have become idle, with messages and memberships that have expired.
    pub(super) fn sweep(&self, now: Instant, oldest: Place, groups: &GroupTable) {
        for mut shard in self.shards.each() {
            shard.shared.retain(|_, channel| {
                channel.inbox.purge(now);
                channel.leave_before(groups, oldest);
                !channel.is_idle()
            });
            shrink(&mut shard.shared);
        }
    }

    /// Forgets all messages and memberships.
    pub(super) fn flush(&self, groups: &GroupTable) -> Result<(), LayerError> {
        for mut guard in self.shards.each() {
            let shard = &mut *guard;
            if shard.closed {
                return Err(LayerError::Closed);
            }
            for channel in shard.own.values_mut().chain(shard.shared.values_mut()) {
                channel.inbox.clear();
                for membership in channel.memberships.drain(..) {
                    groups.leave(&membership);
                }
            }
            shard.shared.retain(|_, channel| !channel.is_idle());
        }
        Ok(())
    }

    /// Ends all mailboxes and memberships, and lets nothing new begin.
    pub(super) fn close(&self, groups: &GroupTable) {
        for mut shard in self.shards.each() {
            shard.closed = true;
            let own = std::mem::take(&mut shard.own);
            let shared = std::mem::take(&mut shard.shared);
            drop(shard);
            for channel in own.values().chain(shared.values()) {
                channel.inbox.close();
                for membership in &channel.memberships {
                    groups.leave(membership);
                }
            }
        }
    }

    /// The inbox of a channel, if there is one.
    pub(super) fn inbox(&self, name: &ChannelName) -> Option<Arc<Inbox>> {
        let shard = self.shards.lock(name.as_str());
        let channels = if name.is_process_specific() {
            &shard.own
        } else {
            &shard.shared
        };
        channels.get(name).map(|channel| Arc::clone(&channel.inbox))
    }

    /// Tells every channel that it may have missed messages.
    pub(super) fn gap(&self) {
        for shard in self.shards.each() {
            let inboxes: Vec<_> = shard
                .own
                .values()
                .chain(shard.shared.values())
                .map(|channel| Arc::clone(&channel.inbox))
                .collect();
            drop(shard);
            inboxes.iter().for_each(|inbox| inbox.push_gap());
        }
    }

    /// Every membership of the channels that mailboxes own.
    pub(super) fn memberships(&self) -> Vec<(GroupName, ChannelName)> {
        let mut all = Vec::new();
        for shard in self.shards.each() {
            for (name, channel) in &shard.own {
                let groups = channel
                    .memberships
                    .iter()
                    .map(|membership| membership.group.name());
                all.extend(groups.map(|group| (group.clone(), name.clone())));
            }
        }
        all
    }

    /// Whether the layer still works.
    pub(super) fn is_closed(&self) -> bool {
        self.shards.lock("").closed
    }

    /// The number of channels.
    pub(super) fn len(&self) -> usize {
        let lens = self.shards.each();
        lens.map(|shard| shard.own.len() + shard.shared.len()).sum()
    }

    /// The shard of a channel, unless the layer is closed.
    fn lock(&self, name: &ChannelName) -> Result<MutexGuard<'_, Shard>, LayerError> {
        let shard = self.shards.lock(name.as_str());
        if shard.closed {
            return Err(LayerError::Closed);
        }
        Ok(shard)
    }

    fn shared<'a>(&self, shard: &'a mut Shard, name: &ChannelName) -> &'a mut Channel {
        if !shard.shared.contains_key(name) {
            let capacity = self.config.capacities.of(name);
            let inbox = Inbox::shared(capacity, Arc::clone(&self.settings));
            shard.shared.insert(name.clone(), Channel::shared(inbox));
        }
        shard
            .shared
            .get_mut(name)
            .expect("it was there or has been inserted")
    }
}

impl Shard {
    fn forget_if_idle(&mut self, name: &ChannelName) {
        if self.shared.get(name).is_some_and(Channel::is_idle) {
            self.shared.remove(name);
            shrink(&mut self.shared);
        }
    }
}
