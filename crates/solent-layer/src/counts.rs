//! What became of messages.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::Pushed;

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// The channel was full, and its policy refused the message.
    Full,
    /// The channel was full, and its policy made room by dropping its oldest message.
    Oldest,
    /// The channel was full, and its policy closed it.
    Overflowed,
    /// No reader took the message before it expired.
    Expired,
    /// The channel was closed.
    Closed,
    /// What came from the broker is no message: another serializer or key made it, or a program that does not know this layer.
    Unreadable,
}

impl DropCause {
    /// How many there are.
    const COUNT: usize = Self::Unreadable as usize + 1;

    /// Whether the reader was too slow.
    pub(crate) fn is_overflow(self) -> bool {
        matches!(self, Self::Full | Self::Oldest | Self::Overflowed)
    }
}

/// How a [`group_send`](crate::ChannelLayer::group_send) went, as far as the layer knows when it returns.
///
/// It tells of the members whose fate the layer knows, by [cause](Self::dropped_for). How far a layer sees differs, and it says so: in one process it sees every member; with a broker only those of its own
/// process, or those for whom the broker has taken the message. One that reaches even its own members through the broker sees
/// none: `delivered` and `dropped` are then 0 whatever happens, and what is dropped on arrival is in its [`DropCounts`] alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupReport {
    /// Members that the message was delivered to, or for whom it waits where their process takes it from.
    pub delivered: usize,
    /// Members that did not get it, or that lost an older message to it.
    pub dropped: usize,
    /// Processes that the message was handed to, if the layer knows; 0 if it does not. This process is counted only where its
    /// members are not in `delivered` and `dropped`.
    pub processes: usize,
    /// How many members lost something, by cause. Together they are `dropped`.
    by_cause: [usize; DropCause::COUNT],
}

impl GroupReport {
    /// Counts what became of the message at one member.
    pub fn count(&mut self, pushed: Pushed) {
        match pushed {
            Pushed::Delivered => self.delivered += 1,
            Pushed::MadeRoom => {
                self.delivered += 1;
                self.drop_for(DropCause::Oldest, 1);
            }
            Pushed::Dropped(cause) => self.drop_for(cause, 1),
        }
    }

    /// Counts members that lost something.
    pub fn drop_for(&mut self, cause: DropCause, members: usize) {
        self.dropped += members;
        self.by_cause[cause as usize] += members;
    }

    /// How many members lost something for this cause.
    pub fn dropped_for(&self, cause: DropCause) -> usize {
        self.by_cause[cause as usize]
    }

    /// How many members lost something because they read too slowly.
    pub fn overflowed(&self) -> usize {
        use DropCause::{Full, Oldest, Overflowed};
        [Full, Oldest, Overflowed]
            .map(|cause| self.dropped_for(cause))
            .iter()
            .sum()
    }
}

impl AddAssign for GroupReport {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.processes += other.processes;
        for (sum, more) in self.by_cause.iter_mut().zip(other.by_cause) {
            *sum += more;
        }
    }
}

/// How many messages a layer has dropped, by cause, since it was made.
#[derive(Debug, Default)]
pub struct DropCounts {
    full: AtomicU64,
    oldest: AtomicU64,
    overflowed: AtomicU64,
    expired: AtomicU64,
    closed: AtomicU64,
    unreadable: AtomicU64,
}

impl DropCounts {
    /// The number of messages dropped for `cause`.
    pub fn get(&self, cause: DropCause) -> u64 {
        self.of(cause).load(Relaxed)
    }

    /// Counts one more.
    pub fn add(&self, cause: DropCause) {
        self.add_many(cause, 1);
    }

    /// Counts some more.
    pub fn add_many(&self, cause: DropCause, messages: u64) {
        self.of(cause).fetch_add(messages, Relaxed);
    }

    /// All messages dropped.
    pub fn total(&self) -> u64 {
        use DropCause::{Closed, Expired, Full, Oldest, Overflowed, Unreadable};
        [Full, Oldest, Overflowed, Expired, Closed, Unreadable]
            .into_iter()
            .map(|cause| self.get(cause))
            .sum()
    }

    fn of(&self, cause: DropCause) -> &AtomicU64 {
        match cause {
            DropCause::Full => &self.full,
            DropCause::Oldest => &self.oldest,
            DropCause::Overflowed => &self.overflowed,
            DropCause::Expired => &self.expired,
            DropCause::Closed => &self.closed,
            DropCause::Unreadable => &self.unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_by_cause() {
        let drops = DropCounts::default();

        drops.add(DropCause::Full);
        drops.add_many(DropCause::Expired, 3);

        assert_eq!(drops.get(DropCause::Full), 1);
        assert_eq!(drops.get(DropCause::Expired), 3);
        assert_eq!(drops.get(DropCause::Oldest), 0);
        assert_eq!(drops.total(), 4);
    }

    #[test]
    fn member_that_lost_an_older_message_counts_as_both() {
        let mut report = GroupReport::default();

        report.count(Pushed::Delivered);
        report.count(Pushed::MadeRoom);
        report.count(Pushed::Dropped(DropCause::Full));

        assert_eq!((report.delivered, report.dropped), (2, 2));
    }
}
