//! What the inboxes of a layer have in common.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::DropCounts;

/// How many messages may wait beyond the capacities of their inboxes by default: what ten thousand full mailboxes held before
/// there were bursts.
pub(crate) const BACKLOG: usize = 1 << 20;

/// What happens to a message for a full channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullPolicy {
    /// The message is refused, as in Channels: `send` fails, `group_send` counts it. The reader of the channel is told how many
    /// it lost, by a [gap](crate::Gap) behind what waited.
    #[default]
    RefuseNewest,
    /// The channel's oldest message makes room for it. The reader is told how many it lost, before what is left.
    DropOldest,
    /// The channel is closed, for a consumer that rather reconnects than misses something; a WebSocket consumer closes
    /// with code 1013.
    ///
    /// A channel that workers share is not theirs to close: there the newest message is refused.
    Disconnect,
}

/// The settings that the inboxes of a layer have in common.
#[derive(Debug)]
#[non_exhaustive]
pub struct InboxSettings {
    /// How long an unread message is kept.
    pub expiry: Duration,
    /// What happens to a message for a full channel.
    pub policy: FullPolicy,
    /// Where drops are counted.
    pub drops: Arc<DropCounts>,
    /// Room for the bursts of all inboxes together: messages beyond the capacity of their inbox.
    backlog: Backlog,
}

/// So many more messages may wait beyond the capacities of their inboxes.
#[derive(Debug)]
struct Backlog(AtomicUsize);

impl InboxSettings {
    /// Settings that count drops in `drops`.
    pub fn new(expiry: Duration, policy: FullPolicy, drops: Arc<DropCounts>) -> Self {
        Self {
            expiry,
            policy,
            drops,
            backlog: Backlog(AtomicUsize::new(BACKLOG)),
        }
    }

    /// Sets how many messages may wait beyond the [capacities](crate::Capacities) of their inboxes, in all inboxes together.
    /// Default: 1048576.
    #[must_use]
    pub fn backlog(mut self, messages: usize) -> Self {
        self.backlog = Backlog(AtomicUsize::new(messages));
        self
    }

    /// Takes a place for a message beyond the capacity of its inbox.
    pub(super) fn take_place(&self) -> bool {
        let places = &self.backlog.0;
        places
            .fetch_update(Relaxed, Relaxed, |places| places.checked_sub(1))
            .is_ok()
    }

    /// How many places are left.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.backlog.0.load(Relaxed)
    }

    /// Gives places back.
    pub(super) fn give_places(&self, places: usize) {
        self.backlog.0.fetch_add(places, Relaxed);
    }
}
