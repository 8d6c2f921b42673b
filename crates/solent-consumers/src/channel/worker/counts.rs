//! What became of a worker's messages.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use solent_layer::ChannelName;

/// What a worker counts, channel by channel. Cheap to clone; all clones see the same.
///
/// A worker leaves it in the state of its applications.
#[derive(Clone, Debug, Default)]
pub struct WorkerCounts {
    channels: Arc<[(ChannelName, Arc<ChannelCounts>)]>,
}

impl WorkerCounts {
    pub(super) fn new(channels: impl Iterator<Item = (ChannelName, Arc<ChannelCounts>)>) -> Self {
        Self {
            channels: channels.collect(),
        }
    }

    /// What a channel counts; `None` if the worker does not listen on it.
    pub fn channel(&self, name: &str) -> Option<&ChannelCounts> {
        let mut channels = self.channels();
        channels.find_map(|(channel, counts)| (channel.as_str() == name).then_some(counts))
    }

    /// All channels, in the order in which they were added.
    pub fn channels(&self) -> impl Iterator<Item = (&ChannelName, &ChannelCounts)> {
        self.channels.iter().map(|(name, counts)| (name, &**counts))
    }

    /// The sum over all channels: `counts.total(ChannelCounts::handled)`.
    pub fn total(&self, count: impl Fn(&ChannelCounts) -> u64) -> u64 {
        self.channels().map(|(_, counts)| count(counts)).sum()
    }
}

/// What a worker counts for one channel.
///
/// Every message that was taken from the layer is either in hand or one of handled, failed, panicked and abandoned.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ChannelCounts {
    pub(super) handled: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) panicked: AtomicU64,
    pub(super) abandoned: AtomicU64,
    pub(super) in_hand: AtomicU64,
    pub(super) starts_failed: AtomicU64,
    pub(super) listens_failed: AtomicU64,
    pub(super) missed: AtomicU64,
}

impl ChannelCounts {
    /// Messages whose handling ended well. A message that the consumer does not know is dropped, and well handled.
    pub fn handled(&self) -> u64 {
        self.handled.load(Relaxed)
    }

    /// Messages whose handling ended with an error.
    pub fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// Messages whose handling panicked.
    pub fn panicked(&self) -> u64 {
        self.panicked.load(Relaxed)
    }

    /// Messages whose handling was cut off, since it went on for longer than a stopping worker waits.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Relaxed)
    }

    /// Messages that are being handled now.
    pub fn in_hand(&self) -> u64 {
        self.in_hand.load(Relaxed)
    }

    /// Times that an application failed without a message in hand: it could not be made, or not be ended.
    pub fn starts_failed(&self) -> u64 {
        self.starts_failed.load(Relaxed)
    }

    /// Times that the channel could not be listened on, or stopped being so.
    pub fn listens_failed(&self) -> u64 {
        self.listens_failed.load(Relaxed)
    }

    /// Messages that this process lost before an application took them: no reader took them before they expired, or, from a
    /// group, they found no room.
    pub fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }

    /// A message was taken.
    pub(super) fn take(&self) {
        self.in_hand.fetch_add(1, Relaxed);
    }

    /// A message is not in hand any more.
    pub(super) fn put_away(&self, outcome: &AtomicU64) {
        self.in_hand.fetch_sub(1, Relaxed);
        outcome.fetch_add(1, Relaxed);
    }
}
