//! The names of processes and of their channels.

use std::{fmt, sync::Arc};

use solent_layer::{ChannelName, NameError};

/// The length of a process's identity, in characters.
const LEN: usize = 32;

/// The identity of a layer object: 32 hexadecimal digits, a UUID of version 8 (RFC 9562 §5.8). Cheap to clone.
///
/// The processes of channels_redis have a UUID of version 4, so that one can tell who reads a channel.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ProcessId(Arc<str>);

impl ProcessId {
    /// A new identity, that cannot be guessed.
    pub(crate) fn new() -> Self {
        let id = uuid::Builder::from_custom_bytes(rand::random()).into_uuid();
        Self(id.simple().to_string().into())
    }

    /// The 32 digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an identity is one that [`ProcessId::new`] makes.
    pub(crate) fn is_solent(hex: &str) -> bool {
        is_hex(hex)
            && matches!(hex.as_bytes()[12], b'8')
            && matches!(hex.as_bytes()[16], b'8' | b'9' | b'a' | b'b')
    }

    /// The identity in the name of a process-specific channel: the 32 digits before its `!`, if there are so many.
    pub(crate) fn of(channel: &ChannelName) -> Option<&str> {
        let name = channel.non_local().strip_suffix('!')?;
        // Names are ASCII, so that any position is between two characters.
        let hex = name.get(name.len().checked_sub(LEN)?..)?;
        is_hex(hex).then_some(hex)
    }

    /// The name of another channel of this process: `prefix`, the identity, `!`, and 22 letters and digits.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a prefix of more than 44 characters, or with characters that a name may not have.
    pub(crate) fn next(&self, prefix: &str) -> Result<ChannelName, NameError> {
        ChannelName::process_specific(prefix, &self.0, &local())
    }
}

impl fmt::Debug for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == LEN
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 128 random bits in 22 letters and digits.
fn local() -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(22);
    for mut number in rand::random::<[u64; 2]>() {
        for _ in 0..11 {
            text.push(char::from(DIGITS[(number % 62) as usize]));
            number /= 62;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn process_of_solent_can_be_told_from_one_of_python() {
        for _ in 0..100 {
            let id = ProcessId::new();
            assert_eq!(id.as_str().len(), 32, "{id}");
            assert!(ProcessId::is_solent(id.as_str()), "{id}");
            let python = uuid::Uuid::new_v4().simple().to_string();
            assert!(!ProcessId::is_solent(&python), "{python}");
        }
        for other in [
            "",
            "0123456789ab8def8123456789abcde",
            "0123456789AB8DEF8123456789ABCDEF",
            "é123456789ab8def8123456789abcde",
        ] {
            assert!(!ProcessId::is_solent(other), "{other}");
        }
        assert!(ProcessId::is_solent("0123456789ab8def8123456789abcdef"));
    }

    #[test]
    fn channel_has_the_identity_of_its_process() {
        let id = ProcessId::new();

        let name = id.next("chat.").unwrap();

        assert_eq!(ProcessId::of(&name), Some(id.as_str()));
        assert_eq!(name.non_local(), format!("chat.{id}!"));
        for other in ["chat", "chat.p!1", "a!b"] {
            assert_eq!(ProcessId::of(&other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn name_with_a_long_prefix_is_a_name() {
        let id = ProcessId::new();

        assert_eq!(id.next(&"p".repeat(40)).unwrap().as_str().len(), 95);
        assert_eq!(id.next(&"p".repeat(44)).unwrap().as_str().len(), 99);
        assert!(id.next(&"p".repeat(45)).is_err());
        assert!(id.next("a b").is_err());
    }

    #[test]
    fn names_differ() {
        let id = ProcessId::new();
        let names: HashSet<_> = (0..1000).map(|_| id.next("").unwrap()).collect();
        assert_eq!(names.len(), 1000);
    }
}
