//! Coarse time and a regular look at every connection.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use slab::Slab;

/// The length of a tick.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Parts of a registry; each tick looks at one of them, so that every connection is looked at once a second.
const SHARDS: usize = 10;

/// Time since the server was made, in ticks. Never 0, so that 0 can stand for "no deadline".
pub(crate) type Tick = u32;

/// A clock that costs one load to read.
#[derive(Debug)]
pub(crate) struct Clock(AtomicU32);

impl Default for Clock {
    fn default() -> Self {
        Self(AtomicU32::new(1))
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Tick {
        self.0.load(Relaxed)
    }

    /// The tick at which `duration` is over; at least the next one.
    pub(crate) fn after(&self, duration: Duration) -> Tick {
        self.now().saturating_add(ticks(duration))
    }

    fn advance(&self) -> Tick {
        self.0.fetch_add(1, Relaxed).wrapping_add(1)
    }
}

/// A duration in ticks, rounded up, at least one.
pub(crate) fn ticks(duration: Duration) -> Tick {
    let ticks = duration.as_millis().div_ceil(TICK.as_millis()).max(1);
    ticks.try_into().unwrap_or(Tick::MAX)
}

/// Something with deadlines.
pub(crate) trait Watched: Send + Sync + 'static {
    /// Acts on deadlines that have passed.
    fn sweep(&self, now: Tick);
}

/// All connections of one kind, for deadlines and for the drain. Holds none of them alive.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    /// Each held for a few instructions, or to copy handles out.
    shards: [Mutex<Slab<Weak<T>>>; SHARDS],
    next: AtomicU32,
}

/// Where a connection is in its registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    shard: u8,
    index: u32,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            next: AtomicU32::new(0),
        }
    }
}

impl<T> Registry<T> {
    pub(crate) fn insert(&self, entry: Weak<T>) -> Key {
        let shard = self.next.fetch_add(1, Relaxed) as usize % SHARDS;
        let index = self.lock(shard).insert(entry);
        Key {
            shard: shard as u8,
            index: index as u32,
        }
    }

    pub(crate) fn remove(&self, key: Key) {
        let removed = self.lock(key.shard as usize).try_remove(key.index as usize);
        drop(removed);
    }

    /// All entries that are alive.
    pub(crate) fn alive(&self) -> Vec<Arc<T>> {
        (0..SHARDS).flat_map(|shard| self.alive_in(shard)).collect()
    }

    /// Upgraded under the lock, used and dropped outside: dropping the last handle of an entry removes it here.
    fn alive_in(&self, shard: usize) -> Vec<Arc<T>> {
        self.lock(shard)
            .iter()
            .filter_map(|(_, entry)| entry.upgrade())
            .collect()
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Slab<Weak<T>>> {
        self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Watched> Registry<T> {
    pub(crate) fn sweep(&self, now: Tick) {
        for entry in self.alive_in(now as usize % SHARDS) {
            entry.sweep(now);
        }
    }
}

/// Advances `clock` and calls `sweep` for each tick, for ever.
pub(crate) async fn run(clock: &Clock, mut sweep: impl FnMut(Tick)) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    interval.tick().await;
    loop {
        interval.tick().await;
        sweep(clock.advance());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(AtomicU32);

    impl Watched for Counter {
        fn sweep(&self, _: Tick) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn every_entry_is_looked_at_once_a_second() {
        let registry = Registry::default();
        let entries: Vec<_> = (0..25)
            .map(|_| Arc::new(Counter(AtomicU32::new(0))))
            .collect();
        for entry in &entries {
            registry.insert(Arc::downgrade(entry));
        }

        for now in 1..=SHARDS as Tick {
            registry.sweep(now);
        }

        assert!(entries.iter().all(|entry| entry.0.load(Relaxed) == 1));
    }

    #[test]
    fn removed_entry_leaves_its_place_to_the_next() {
        let registry = Registry::default();
        let entry = Arc::new(Counter(AtomicU32::new(0)));

        let keys: Vec<_> = (0..SHARDS)
            .map(|_| registry.insert(Arc::downgrade(&entry)))
            .collect();
        registry.remove(keys[0]);
        let again = registry.insert(Arc::downgrade(&entry));

        assert_eq!((again.shard, again.index), (keys[0].shard, keys[0].index));
        assert_eq!(registry.alive().len(), SHARDS);
    }

    #[test]
    fn durations_round_up() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(101)), 2);
        assert_eq!(ticks(Duration::MAX), Tick::MAX);
    }
}
