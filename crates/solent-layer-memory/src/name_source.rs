//! New channel names.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use solent_layer::{ChannelName, NameError};

/// Makes names that cannot be guessed: a keyed hash of a counter, its key from the operating system.
pub(crate) struct NameSource {
    random: RandomState,
    counter: AtomicU64,
    /// The part of every name that is this layer's own.
    process: String,
}

impl NameSource {
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        let mut process = text(random.hash_one("process"), 6);
        process.push_str(&text(random.hash_one("more of it"), 6));
        Self {
            random,
            counter: AtomicU64::new(0),
            process,
        }
    }

    /// Another name; that it is new is for the table of channels to confirm.
    pub(crate) fn next(&self, prefix: &str) -> Result<ChannelName, NameError> {
        let number = self.counter.fetch_add(1, Relaxed);
        let local = text(self.random.hash_one(number), 11);
        ChannelName::process_specific(prefix, &self.process, &local)
    }
}

/// `len` letters and digits; 11 hold all of `number`.
fn text(mut number: u64, len: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digits = (0..len).map(|_| {
        let digit = DIGITS[(number % 62) as usize];
        number /= 62;
        char::from(digit)
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ_also_between_layers() {
        let (one, other) = (NameSource::new(), NameSource::new());
        let mut names = HashSet::new();
        for _ in 0..1000 {
            assert!(names.insert(one.next("a.").unwrap()));
            assert!(names.insert(other.next("a.").unwrap()));
        }
        let processes: HashSet<_> = names.iter().map(|name| name.non_local()).collect();
        assert_eq!(processes.len(), 2);
    }
}
