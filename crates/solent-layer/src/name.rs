//! The names of channels and groups.

use std::{fmt, str::FromStr, sync::Arc};

/// The longest name, in characters; Channels wants fewer than 100.
const MAX_LEN: usize = 99;

/// The name of a channel: ASCII letters, digits, `-`, `_` and `.`, 1 to 99 of them. Cheap to clone.
///
/// A name with one `!` is *process-specific*: the part up to and including it names the process that reads, the rest
/// tells that process's channels apart. [`NameSource`](crate::NameSource) makes such names and finds the process in them. One
/// without is shared by all that listen on it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

/// The name of a group: ASCII letters, digits, `-`, `_` and `.`, 1 to 99 of them. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(Arc<str>);

/// A name breaks the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} name {name:?} is not valid, use 1 to 99 ASCII letters, digits, hyphens, underscores or periods"
)]
pub struct NameError {
    kind: &'static str,
    name: String,
}

impl NameError {
    /// The name, or the first 100 characters of a longer one.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(kind: &'static str, name: &str) -> Self {
        // Enough to recognise it, however long it is.
        Self {
            kind,
            name: name.chars().take(MAX_LEN + 1).collect(),
        }
    }
}

impl ChannelName {
    /// The name of a channel that one process reads, as [`open`](crate::ChannelLayer::open) makes them: `prefix`, a
    /// part that is the `process`'s own, `!`, and a part that is the channel's own.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the parts do not make a name, most likely because of the prefix.
    pub fn process_specific(prefix: &str, process: &str, local: &str) -> Result<Self, NameError> {
        format!("{prefix}{process}!{local}").parse()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name belongs to one process: whether it has a `!`.
    pub fn is_process_specific(&self) -> bool {
        self.0.contains('!')
    }

    /// The part that capacity patterns are matched against: up to and including the `!`, or the whole name.
    pub fn non_local(&self) -> &str {
        self.0.find('!').map_or(&*self.0, |at| &self.0[..=at])
    }
}

impl GroupName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_channel(name: &str) -> bool {
    let (process, local) = name.split_once('!').unwrap_or((name, ""));
    (1..=MAX_LEN).contains(&name.len())
        && !process.is_empty()
        && is_plain(process)
        && is_plain(local)
}

fn is_group(name: &str) -> bool {
    (1..=MAX_LEN).contains(&name.len()) && is_plain(name)
}

macro_rules! text_with_rules {
    ($name:ident, $check:ident, $kind:literal) => {
        impl FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                if $check(name) {
                    Ok(Self(name.into()))
                } else {
                    Err(NameError::new($kind, name))
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NameError;

            fn try_from(name: &str) -> Result<Self, NameError> {
                name.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                name.parse()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_with_rules!(ChannelName, is_channel, "channel");
text_with_rules!(GroupName, is_group, "group");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_channels() {
        let long = "a".repeat(99);
        let too_long = "a".repeat(100);
        for name in ["a", "a.b-c_d", &long] {
            assert!(
                name.parse::<ChannelName>().is_ok() && name.parse::<GroupName>().is_ok(),
                "{name}"
            );
        }
        for name in ["a!", "a!b", "a!-._"] {
            assert!(name.parse::<ChannelName>().is_ok(), "{name}");
            assert!(name.parse::<GroupName>().is_err(), "{name}");
        }
        for name in [
            "",
            "a b",
            "é",
            "a?b",
            "!a",
            "a!b!c",
            "a!b c",
            "a\n",
            "٣",
            "a!é",
            "¯\\_(ツ)_/¯",
            &too_long,
        ] {
            assert!(
                name.parse::<ChannelName>().is_err() && name.parse::<GroupName>().is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn process_specific_name_is_made_of_its_parts() {
        let name = ChannelName::process_specific("chat.", "p", "1").unwrap();

        assert_eq!(name.as_str(), "chat.p!1");
        assert!(name.is_process_specific());
        for prefix in ["a b", "a!", &"a".repeat(97)] {
            assert!(
                ChannelName::process_specific(prefix, "p", "1").is_err(),
                "{prefix}"
            );
        }
    }

    #[test]
    fn local_part_begins_after_the_exclamation_mark() {
        assert_eq!("a!b".parse::<ChannelName>().unwrap().non_local(), "a!");
        assert_eq!("ab".parse::<ChannelName>().unwrap().non_local(), "ab");
    }
}
