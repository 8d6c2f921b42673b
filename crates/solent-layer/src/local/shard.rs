//! A table split into parts, each with a lock of its own.

use std::{collections::HashMap, hash::Hash, num::NonZeroUsize};

use parking_lot::{Mutex, MutexGuard};

/// A power of two of locked parts; a name always finds the same one.
pub(super) struct Shards<T> {
    /// Each held for a few instructions at a time, never across a wait or a wake-up.
    shards: Box<[Mutex<T>]>,
}

impl<T: Default> Shards<T> {
    pub(super) fn new(count: NonZeroUsize) -> Self {
        /// More is never of use, and a careless number should not cost all memory.
        const MAX: usize = 1 << 14;
        let count = count.get().min(MAX).next_power_of_two();
        Self {
            shards: (0..count).map(|_| Mutex::default()).collect(),
        }
    }

    /// The part that `name` belongs to.
    pub(super) fn lock(&self, name: &str) -> MutexGuard<'_, T> {
        self.shards[mix(name) & (self.shards.len() - 1)].lock()
    }

    /// Each part in turn.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.shards.iter().map(Mutex::lock)
    }
}

/// A quick hash of a name's last 16 bytes, where names differ. The tables behind it have a strong one; who provokes
/// collisions here only makes locks busier.
fn mix(name: &str) -> usize {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let bytes = name.as_bytes();
    let last = &bytes[bytes.len().saturating_sub(16)..];
    let mut hash = 0;
    for chunk in last.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        // Both halves of the product, so that each bit counts in the lowest ones.
        let product = u128::from(hash ^ u64::from_le_bytes(word)) * ODD;
        hash = (product as u64) ^ (product >> 64) as u64;
    }
    hash as usize
}

/// Gives memory back once a table that was large is nearly empty.
pub(super) fn shrink<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
    if table.capacity() > 64 && table.len() < table.capacity() / 8 {
        table.shrink_to(table.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_spread() {
        let mut hits = [0; 16];
        for number in 0..1600 {
            hits[mix(&format!("room_{number}")) & 15] += 1;
        }
        assert!(hits.iter().all(|hits| (50..200).contains(hits)), "{hits:?}");
    }

    #[test]
    fn table_gives_memory_back() {
        let mut table: HashMap<_, _> = (0..10_000).map(|number| (number, ())).collect();
        for number in 0..10_000 {
            table.remove(&number);
            shrink(&mut table);
        }
        assert!(table.capacity() <= 64, "{}", table.capacity());
    }
}
