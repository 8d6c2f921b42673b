//! Which of several hosts has what.

use std::num::NonZeroUsize;

/// Of a checksum, only as much counts.
const LOW_12_BITS: u32 = 0xFFF;

/// The hosts of a layer, in their order. All processes must have the same ones in the same order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    size: NonZeroUsize,
}

impl Ring {
    /// A ring of so many hosts.
    pub(crate) fn new(size: NonZeroUsize) -> Self {
        Self { size }
    }

    /// The index of the host that has what is filed under `name`.
    ///
    /// What the name is differs: a group's without prefix, or a channel's [non-local
    /// part](solent_layer::ChannelName::non_local), in the queue layout; the exact Redis channel in pub/sub.
    pub(crate) fn shard(self, name: &str) -> usize {
        let size = self.size.get();
        if size == 1 {
            return 0;
        }
        let hash = f64::from(crc32fast::hash(name.as_bytes()) & LOW_12_BITS);
        // In floating point as Python does it: integers give another host in single cases from 186 hosts on.
        let index = (hash / (4096.0 / size as f64)) as usize;
        index.min(size - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(size: usize) -> Ring {
        Ring::new(NonZeroUsize::new(size).unwrap())
    }

    #[test]
    fn shard_is_a_fraction_in_floating_point() {
        // The low bits of this name's checksum are 2048, where integers would give 93.
        let name = (0..)
            .map(|n: u32| n.to_string())
            .find(|name| crc32fast::hash(name.as_bytes()) & LOW_12_BITS == 2048)
            .unwrap();

        assert_eq!(ring(186).shard(&name), 92);
    }

    #[test]
    fn every_shard_is_one_of_the_ring() {
        for size in (1..2000).chain([4096, 5000, 1 << 20]) {
            for name in ["", "a", "key_one", "key_two"] {
                assert!(ring(size).shard(name) < size, "{name} of {size}");
            }
        }
    }
}
