//! The settings of the tables.

use std::{num::NonZeroUsize, thread, time::Duration};

use crate::{Capacities, FullPolicy, inbox::BACKLOG};

/// Settings for [`Local`](crate::Local), and so for the layer of one process.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct LocalConfig {
    /// How many messages a channel may hold. Default: 100 for every channel, and for mailboxes a burst of 8192 messages and
    /// 4 MiB.
    pub capacities: Capacities,
    /// How many messages may wait beyond the capacities of their channels, in all mailboxes together: what bounds the bursts of
    /// a process. Each costs 24 bytes and its share of the message. Default: 1048576.
    pub backlog: usize,
    /// How long an unread message is kept. Default: one minute.
    pub expiry: Duration,
    /// How long a name that no mailbox owns is a member of a group after it was last added. The channel of an open mailbox
    /// is a member until it leaves. Default: one day.
    pub group_expiry: Duration,
    /// What happens to a message for a full channel. Default: it is refused.
    pub policy: FullPolicy,
    /// Into how many parts the tables of channels and groups are split, each with a lock of its own; rounded up to a
    /// power of two. Default: eight for each thread that the machine runs at once.
    pub shards: NonZeroUsize,
}

impl Default for LocalConfig {
    fn default() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            capacities: Capacities::default(),
            backlog: BACKLOG,
            expiry: Duration::from_secs(60),
            group_expiry: Duration::from_secs(24 * 60 * 60),
            policy: FullPolicy::default(),
            shards: threads.saturating_mul(const { NonZeroUsize::new(8).unwrap() }),
        }
    }
}

impl LocalConfig {
    /// Sets [`capacities`](Self::capacities).
    pub fn capacities(mut self, capacities: Capacities) -> Self {
        self.capacities = capacities;
        self
    }

    /// Sets [`backlog`](Self::backlog).
    pub fn backlog(mut self, messages: usize) -> Self {
        self.backlog = messages;
        self
    }

    /// Sets [`expiry`](Self::expiry).
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets [`group_expiry`](Self::group_expiry).
    pub fn group_expiry(mut self, expiry: Duration) -> Self {
        self.group_expiry = expiry;
        self
    }

    /// Sets [`policy`](Self::policy).
    pub fn policy(mut self, policy: FullPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`shards`](Self::shards).
    pub fn shards(mut self, shards: NonZeroUsize) -> Self {
        self.shards = shards;
        self
    }
}
