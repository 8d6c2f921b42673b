//! Buckets by name, as many as there is room for.

use std::{collections::HashMap, fmt, hash::Hash, mem, sync::Arc};

use parking_lot::Mutex;

use super::{Rate, bucket::Bucket};

/// Buckets that are found again, of the keys that were used last.
///
/// Two generations, each at most half of the table: what is used moves to the young one; when that is full, it becomes the old
/// one, and what was old and has not been used since is forgotten. So room is made without a look at the clock, and a flood of
/// new keys never costs more than the table. A key that is forgotten begins with a full bucket. Buckets that somebody holds
/// are not forgotten.
pub(super) struct Table<K> {
    rate: Rate,
    /// Keys of one generation.
    half: usize,
    /// Held for a lookup, or to sort through one generation; never across a wait.
    generations: Mutex<Generations<K>>,
}

struct Generations<K> {
    young: HashMap<K, Arc<Bucket>>,
    old: HashMap<K, Arc<Bucket>>,
}

impl<K: Eq + Hash> Table<K> {
    /// How many keys a table has room for unless told otherwise; about 8 MB when it is full.
    pub(super) const KEYS: usize = 65_536;

    pub(super) fn new(rate: Rate, keys: usize) -> Self {
        let generations = Generations {
            young: HashMap::new(),
            old: HashMap::new(),
        };
        Self {
            rate,
            half: (keys / 2).max(1),
            generations: Mutex::new(generations),
        }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// The bucket of a key, a full one if there was none.
    pub(super) fn bucket(&self, key: K) -> Arc<Bucket> {
        let mut generations = self.generations.lock();
        if let Some(bucket) = generations.young.get(&key) {
            return Arc::clone(bucket);
        }
        let known = generations.old.remove(&key);
        let bucket = known.unwrap_or_else(|| Arc::new(Bucket::new(self.rate)));
        if generations.young.len() >= self.half {
            generations.age();
        }
        generations.young.insert(key, Arc::clone(&bucket));
        bucket
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let generations = self.generations.lock();
        generations.young.len() + generations.old.len()
    }
}

impl<K: Eq + Hash> Generations<K> {
    fn age(&mut self) {
        let forgotten = mem::replace(&mut self.old, mem::take(&mut self.young));
        let held = forgotten
            .into_iter()
            .filter(|(_, bucket)| Arc::strong_count(bucket) > 1);
        self.old.extend(held);
    }
}

impl<K> fmt::Debug for Table<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("rate", &self.rate)
            .field("keys", &(self.half * 2))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(keys: usize) -> Table<u32> {
        Table::new(Rate::per_hour(1), keys)
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own_and_finds_it_again() {
        let table = table(10);

        assert!(table.bucket(1).take().is_ok());
        assert!(table.bucket(2).take().is_ok());
        assert!(table.bucket(1).take().is_err());
    }

    #[test]
    fn flood_of_keys_makes_forgotten_what_is_not_used() {
        let table = table(10);
        table.bucket(0).take().unwrap();
        table.bucket(1).take().unwrap();

        for other in 2..1000 {
            let _ = table.bucket(other).take();
            assert!(table.bucket(0).take().is_err(), "who goes on is remembered");
        }

        assert!(table.bucket(1).take().is_ok());
        assert!(table.len() <= 10, "{}", table.len());
    }

    #[test]
    fn bucket_that_is_held_is_not_forgotten() {
        let table = table(10);
        let held = table.bucket(0);
        held.take().unwrap();

        for other in 1..1000 {
            table.bucket(other);
        }

        assert!(table.bucket(0).take().is_err());
        drop(held);
        (1..100).for_each(|other| drop(table.bucket(other)));
        assert!(table.bucket(0).take().is_ok());
    }

    proptest! {
        #[test]
        fn table_never_outgrows_its_bound(
            keys in prop::collection::vec(0..64_u32, 0..400),
            room in 0..20_usize,
        ) {
            let table = table(room);
            let mut held = Vec::new();
            for (nth, key) in keys.into_iter().enumerate() {
                let bucket = table.bucket(key);
                if nth % 37 == 0 {
                    held.push(bucket);
                }
                prop_assert!(table.len() <= room.max(2) + held.len());
            }
        }
    }
}
