//! How many messages a channel may hold.

use std::{fmt, sync::Arc};

use crate::ChannelName;

/// Capacities by channel name: the first pattern that matches decides, in the order in which they were added.
///
/// Of a name that [`open`](crate::ChannelLayer::open) made, patterns see what is up to and including the `!`: the prefix and the
/// process, `chat.x7Gk02mPqRs1!`. So `chat.*!` is for all channels that were opened with `chat.`, in every process; `chat.*` is for
/// these and for shared names such as `chat.jobs`; and `chat.` alone is for none.
///
/// ```
/// use solent_layer::{Capacities, NameSource};
///
/// let capacities = Capacities::new(100).with("chat.*!", 10).with("chat.*", 1000);
///
/// assert_eq!(capacities.of(&NameSource::new().next("chat.")?), 10);
/// assert_eq!(capacities.of(&"chat.jobs".parse()?), 1000);
/// assert_eq!(capacities.of(&"jobs".parse()?), 100);
/// # Ok::<(), solent_layer::NameError>(())
/// ```
///
/// # Two numbers
///
/// A name that workers listen on holds as many messages as its capacity says, 100 by default as in Channels, and refuses
/// those after it. A *mailbox*, the channel of a consumer, is read by a task that may just be busy, so by default it also
/// holds a [burst](Self::burst): up to 8192 messages in all, as long as those behind the first have no more than 4 MiB
/// together. A capacity that you set, for all or for a pattern, is exact: there is no burst beside it.
///
/// A mailbox without a reader costs 24 bytes for each message that waits, and the message itself, which the members
/// of a group share. [`LocalConfig::backlog`](crate::LocalConfig::backlog) bounds the sum of all bursts of a process.
#[derive(Clone, Debug)]
pub struct Capacities {
    default: usize,
    burst: Option<(usize, usize)>,
    patterns: Vec<(ChannelPattern, usize)>,
}

/// How much an [`Inbox`](crate::Inbox) may hold: so many messages of whatever size, and perhaps a burst of small ones.
///
/// A number is a room for so many messages, and no burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Messages of whatever size.
    pub(crate) capacity: u32,
    /// Messages in all, as long as they are small.
    pub(crate) burst: u32,
    /// The most bytes of all messages but the oldest, for one to be taken beyond the capacity.
    pub(crate) bytes: u32,
}

impl From<usize> for Room {
    fn from(capacity: usize) -> Self {
        let capacity = saturated(capacity.max(1));
        Self {
            capacity,
            burst: capacity,
            bytes: 0,
        }
    }
}

fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A set of channel names.
#[derive(Clone)]
#[non_exhaustive]
pub enum ChannelPattern {
    /// A shell pattern for the whole name, with `*`, `?`, `[seq]` and `[!seq]`; case matters.
    Glob(String),
    /// Anything else, such as a regular expression.
    Predicate(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Default for Capacities {
    /// 100 messages for every channel, and for mailboxes a burst of 8192 messages and 4 MiB.
    fn default() -> Self {
        Self::new(100).burst(8192, 4 << 20)
    }
}

impl Capacities {
    /// The same capacity for every channel, and no burst.
    pub fn new(default: usize) -> Self {
        Self {
            default,
            burst: None,
            patterns: Vec::new(),
        }
    }

    /// Lets mailboxes without a pattern hold up to `messages` messages in all, as long as those behind the first have no more
    /// than `bytes` bytes together.
    #[must_use]
    pub fn burst(mut self, messages: usize, bytes: usize) -> Self {
        self.burst = Some((messages, bytes));
        self
    }

    /// Sets the capacity of channels without a pattern, and leaves mailboxes their burst.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.default = messages;
        self
    }

    /// Adds a pattern, after those that are there.
    #[must_use]
    pub fn with(mut self, pattern: impl Into<ChannelPattern>, capacity: usize) -> Self {
        self.patterns.push((pattern.into(), capacity));
        self
    }

    /// The capacity of a channel. Of a process-specific name, the part up to the `!` counts.
    pub fn of(&self, channel: &ChannelName) -> usize {
        self.found(channel).unwrap_or(self.default)
    }

    /// The room of a mailbox that this process opened.
    pub fn of_mailbox(&self, channel: &ChannelName) -> Room {
        match (self.found(channel), self.burst) {
            (None, Some((messages, bytes))) => {
                let room = Room::from(self.default);
                Room {
                    burst: saturated(messages).max(room.capacity),
                    bytes: saturated(bytes),
                    ..room
                }
            }
            (found, _) => found.unwrap_or(self.default).into(),
        }
    }

    /// The capacity of the first pattern that matches.
    fn found(&self, channel: &ChannelName) -> Option<usize> {
        let name = channel.non_local();
        let mut patterns = self.patterns.iter();
        let found = patterns.find(|(pattern, _)| pattern.matches(name));
        found.map(|(_, capacity)| *capacity)
    }
}

impl ChannelPattern {
    /// Whether `name` is in the set.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Glob(pattern) => glob(pattern.as_bytes(), name.as_bytes()),
            Self::Predicate(predicate) => predicate(name),
        }
    }
}

impl From<&str> for ChannelPattern {
    fn from(glob: &str) -> Self {
        Self::Glob(glob.into())
    }
}

impl From<String> for ChannelPattern {
    fn from(glob: String) -> Self {
        Self::Glob(glob)
    }
}

impl fmt::Debug for ChannelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glob(pattern) => f.debug_tuple("Glob").field(pattern).finish(),
            Self::Predicate(_) => f.write_str("Predicate(..)"),
        }
    }
}

/// Shell matching with one place to go back to, so that it takes at most pattern × name steps.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, n));
        } else if let Some(len) = match_one(&pattern[p..], name[n]) {
            p += len;
            n += 1;
        } else if let Some((after, from)) = star {
            p = after;
            n = from + 1;
            star = Some((after, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The length of the pattern's first element, if it matches `byte`.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match class(&pattern[1..], byte) {
            Some((true, len)) => Some(1 + len),
            Some((false, _)) => None,
            // Without a closing bracket the bracket stands for itself.
            None => (byte == b'[').then_some(1),
        },
        literal => (literal == byte).then_some(1),
    }
}

/// Whether a bracket's set has `byte`, and the length of the set with its closing bracket.
fn class(set: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = set.first() == Some(&b'!');
    let start = usize::from(negated);
    // A closing bracket right at the start is a member.
    let end = start + 1 + set.get(start + 1..)?.iter().position(|b| *b == b']')?;
    let members = &set[start..end];
    let mut found = false;
    let mut i = 0;
    while i < members.len() {
        if i + 2 < members.len() && members[i + 1] == b'-' {
            found |= (members[i]..=members[i + 2]).contains(&byte);
            i += 3;
        } else {
            found |= members[i] == byte;
            i += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_follow_the_shell() {
        for (pattern, name, expected) in [
            ("http.request", "http.request", true),
            ("http.*", "http.request", true),
            ("http.*", "HTTP.request", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("[ab]c", "bc", true),
            ("[!ab]c", "bc", false),
            ("[!ab]c", "xc", true),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("specific.*!", "specific.x!", true),
            ("[]]", "]", true),
            ("[", "[", true),
        ] {
            assert_eq!(
                ChannelPattern::from(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn first_pattern_decides_on_the_non_local_name() {
        let capacities = Capacities::new(10).with("a*!", 1).with("a*", 2);

        assert_eq!(capacities.of(&"ab!c".parse().unwrap()), 1);
        assert_eq!(capacities.of(&"ab".parse().unwrap()), 2);
        assert_eq!(capacities.of(&"b".parse().unwrap()), 10);
    }

    #[test]
    fn only_mailboxes_without_a_pattern_have_a_burst() {
        let capacities = Capacities::default().with("small.*", 2);

        let small = capacities.of_mailbox(&"small.p!x".parse().unwrap());
        let other = capacities.of_mailbox(&"a.p!x".parse().unwrap());

        assert_eq!(small, Room::from(2));
        assert_eq!(
            (other.capacity, other.burst, other.bytes),
            (100, 8192, 4 << 20)
        );
        assert_eq!(
            Capacities::new(7).of_mailbox(&"a.p!x".parse().unwrap()),
            Room::from(7)
        );
    }
}
