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
/// A name is `prefix` + `process` + `!` + `local`, such as `chat.` `x7Gk02mPqRs1` `!` `8fJ3kd02Lqw`. The 12 letters and digits of
/// the process are the same in all names of one source, and in those of no other; the 11 of the channel are a keyed hash of a
/// counter, and the operating system gives the key. All up to the `!` is the [non-local part](ChannelName::non_local), by which
/// [capacities](crate::Capacities) are found.
///
/// A layer with a broker sends to the process that a name [tells](Self::process_of), where the name leads to the mailbox:
///
/// ```
/// use solent_layer::NameSource;
///
/// let (here, there) = (NameSource::new(), NameSource::new());
/// let name = there.next("chat.")?;
///
/// assert_eq!(NameSource::process_of(&name), Some(there.process()));
/// assert!(name.as_str().starts_with("chat.") && name.non_local().ends_with('!'));
/// assert!(there.made(&name) && !here.made(&name));
/// # Ok::<(), solent_layer::NameError>(())
/// ```
pub struct NameSource {
    random: RandomState,
    counter: AtomicU64,
    /// The part of every name that is this source's own.
    process: String,
}

/// How long the part of the process is.
const PROCESS_LEN: usize = 12;

impl NameSource {
    /// A source whose names have a [non-local part](ChannelName::non_local) that no other source has.
    pub fn new() -> Self {
        let random = RandomState::new();
        let mut process = text(random.hash_one("process"), PROCESS_LEN / 2);
        process.push_str(&text(random.hash_one("more of it"), PROCESS_LEN / 2));
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

    /// The part of every name that is this source's own: 12 letters and digits.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// The part of a name that is its source's own: what 12 characters stand before the `!`. Nothing for a name that no source
    /// makes.
    pub fn process_of(name: &ChannelName) -> Option<&str> {
        let before = name.non_local().strip_suffix('!')?;
        before.get(before.len().checked_sub(PROCESS_LEN)?..)
    }

    /// Whether the name begins as those of this source do: whether the channel is, or was, this process's.
    pub fn made(&self, name: &ChannelName) -> bool {
        Self::process_of(name) == Some(self.process())
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
    fn process_of_a_name_is_told() {
        let (here, there) = (NameSource::new(), NameSource::new());
        for prefix in ["", "a.", &"a".repeat(40)] {
            let name = here.next(prefix).unwrap();
            assert_eq!(NameSource::process_of(&name), Some(here.process()));
            assert!(here.made(&name) && !there.made(&name), "{name}");
        }
        for name in ["jobs", "short!1", "specific.!"] {
            let name: ChannelName = name.parse().unwrap();
            assert_eq!(NameSource::process_of(&name), None, "{name}");
        }
    }

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
