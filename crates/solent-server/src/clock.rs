//! Coarse time and a regular look at every connection.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use slab::Slab;
use tokio::time::{Instant, sleep, sleep_until};

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
        self.shards[shard].lock()
    }
}

impl<T: Watched> Registry<T> {
    pub(crate) fn sweep(&self, now: Tick) {
        for entry in self.alive_in(now as usize % SHARDS) {
            entry.sweep(now);
        }
    }
}

/// The most ticks that are made up for at once: a second, in which every connection is looked at once.
const LATE: u32 = SHARDS as u32;

/// Advances `clock` and calls `sweep` for each tick, for ever.
///
/// Deadlines run on time that the process could have seen. Of a longer stall (a paused container, a machine that moves, a
/// blocked thread) nothing counts at first, so that what has arrived meanwhile is read before a client is given up.
pub(crate) async fn run(clock: &Clock, mut sweep: impl FnMut(Tick)) {
    let (mut counted, mut stalled) = (Instant::now(), false);
    loop {
        sleep_until(counted + TICK).await;
        let passed = (counted.elapsed().as_millis() / TICK.as_millis()).max(1);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        let made_up = passed.min(LATE);
        counted = if made_up < passed {
            Instant::now()
        } else {
            counted + TICK * passed
        };
        stalled = made_up < passed && !stalled;
        if stalled {
            continue;
        }
        for _ in 0..made_up {
            sweep(clock.advance());
        }
    }
}

/// Sleeps for so long of the time that the process could have seen: of a longer stall only a slice counts, as for deadlines.
pub(crate) async fn sleep_awake(duration: Duration) {
    const SLICE: Duration = Duration::from_millis(500);
    let mut left = duration;
    while !left.is_zero() {
        let slice = left.min(SLICE);
        sleep(slice).await;
        left -= slice;
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

    /// The ticks that a clock shows once `late` has passed at once, and a second more.
    async fn after_a_stall_of(late: Duration) -> Tick {
        let clock = Arc::new(Clock::default());
        let running = Arc::clone(&clock);
        let task = tokio::spawn(async move { run(&running, |_| {}).await });
        // Until the task waits.
        tokio::task::yield_now().await;
        tokio::time::advance(late).await;
        tokio::time::sleep(Duration::from_millis(1040)).await;
        task.abort();
        clock.now()
    }

    #[tokio::test(start_paused = true)]
    async fn stall_does_not_count_and_being_late_does() {
        assert_eq!(after_a_stall_of(Duration::from_secs(3600)).await, 11);
        assert_eq!(after_a_stall_of(Duration::from_millis(950)).await, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn thread_that_is_always_late_loses_no_deadline() {
        let (clock, sweeps) = (Clock::default(), AtomicU32::new(0));
        let sweep = |_| {
            sweeps.fetch_add(1, Relaxed);
        };
        let running = run(&clock, sweep);
        tokio::pin!(running);
        for _ in 0..10 {
            assert!(futures::poll!(running.as_mut()).is_pending());
            tokio::time::advance(Duration::from_secs(2)).await;
        }

        assert!(sweeps.load(Relaxed) >= 4 * LATE, "{sweeps:?}");
    }
}
