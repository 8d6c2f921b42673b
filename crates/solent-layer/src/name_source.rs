//! New channel names.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{ChannelName, NameError};

/// Makes the names that [`open`](crate::ChannelLayer::open) gives away. They cannot be guessed, and no two are the same
/// but by an unlucky chance in 2⁶⁴.
///
/// A name is a keyed hash of a counter; the operating system gives the key.
pub struct NameSource {
    random: RandomState,
    counter: AtomicU64,
    /// The part of every name that is this source's own.
    process: String,
}

impl NameSource {
    /// A source whose names have a [non-local part](ChannelName::non_local) that no other source has.
    pub fn new() -> Self {
        let random = RandomState::new();
        let mut process = text(random.hash_one("process"), 6);
        process.push_str(&text(random.hash_one("more of it"), 6));
        Self {
            random,
            counter: AtomicU64::new(0),
            process,
        }
    }

    /// Another name that begins with `prefix`.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a prefix that is too long, or has characters that a name may not have.
    pub fn next(&self, prefix: &str) -> Result<ChannelName, NameError> {
        let number = self.counter.fetch_add(1, Relaxed);
        let local = text(self.random.hash_one(number), 11);
        ChannelName::process_specific(prefix, &self.process, &local)
    }
}

impl Default for NameSource {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for NameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the key.
        f.debug_struct("NameSource")
            .field("process", &self.process)
            .finish_non_exhaustive()
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
