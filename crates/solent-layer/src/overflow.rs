//! Saying in the log that messages were lost.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{runtime::Handle, time::sleep};

/// How long losses are collected before the first warning, so that a burst is one line with all of its count.
const FIRST: Duration = Duration::from_secs(1);

/// How long after a warning the next one may come.
const AGAIN: Duration = Duration::from_secs(10);

/// The most patterns in a warning. Names are made by clients, so there may be any number.
const PATTERNS: usize = 16;

/// The longest beginning of a name that is shown.
const SHOWN: usize = 24;

/// Warns of lost messages, all in one line, a second after the first and then every ten seconds at most.
///
/// Names are counted by their beginning: `chat_lobby` and `chat_attic` are both `chat_*`.
#[derive(Clone, Default)]
pub(crate) struct OverflowLog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// What was lost since the last warning; nothing while no task waits to warn. Held for a moment.
    lost: Mutex<Option<Lost>>,
}

#[derive(Default)]
struct Lost {
    by_pattern: BTreeMap<Box<str>, u64>,
    /// Of the patterns for which there was no place.
    others: u64,
}

impl OverflowLog {
    /// Notes that mailboxes lost so many messages that were for `name`, a group or a channel.
    #[cold]
    pub(crate) fn note(&self, name: &str, messages: u64) {
        let mut lost = self.0.lost.lock();
        let is_first = lost.is_none();
        lost.get_or_insert_default().add(name, messages);
        if !is_first {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                // It ends by itself soon after the last loss, and holds on to nothing meanwhile.
                runtime.spawn(warn_later(Arc::downgrade(&self.0)));
            }
            Err(_) => {
                if let Some(lost) = lost.take() {
                    lost.warn();
                }
            }
        }
    }
}

async fn warn_later(log: Weak<Shared>) {
    let mut wait = FIRST;
    loop {
        sleep(wait).await;
        wait = AGAIN;
        let Some(log) = log.upgrade() else {
            return;
        };
        if !log.warn() {
            return;
        }
    }
}

impl Shared {
    /// Warns of what was lost. Tells whether there was anything.
    fn warn(&self) -> bool {
        let mut state = self.lost.lock();
        let lost = state.take().unwrap_or_default();
        if lost.is_empty() {
            return false;
        }
        *state = Some(Lost::default());
        drop(state);
        lost.warn();
        true
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let lost = self.lost.lock().take().unwrap_or_default();
        if !lost.is_empty() {
            lost.warn();
        }
    }
}

impl Lost {
    fn add(&mut self, name: &str, messages: u64) {
        let (beginning, rest) = name.split_at(beginning(name));
        let star = if rest.is_empty() { "" } else { "*" };
        let pattern = [beginning, star].concat();
        let has_place = self.by_pattern.len() < PATTERNS;
        match self.by_pattern.get_mut(&*pattern) {
            Some(known) => *known += messages,
            None if has_place => drop(self.by_pattern.insert(pattern.into(), messages)),
            None => self.others += messages,
        }
    }

    fn is_empty(&self) -> bool {
        self.by_pattern.is_empty()
    }

    fn warn(&self) {
        tracing::warn!(
            target: "solent::layer",
            lost = %self,
            "messages were lost, mailboxes were full; their consumers are told"
        );
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (pattern, messages)) in self.by_pattern.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{pattern}: {messages}")?;
        }
        match self.others {
            0 => Ok(()),
            others => write!(f, ", others: {others}"),
        }
    }
}

/// How much of a name its kind is: up to the first separator with it, or up to the first digit.
fn beginning(name: &str) -> usize {
    let end = name
        .bytes()
        .position(|byte| !byte.is_ascii_alphabetic())
        .map_or(name.len(), |at| {
            at + usize::from(!name.as_bytes()[at].is_ascii_digit())
        });
    // Names are ASCII; if one were not, all of it is left out.
    let end = end.min(SHOWN);
    if name.is_char_boundary(end) { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[(&str, u64)]) -> String {
        let mut lost = Lost::default();
        for (name, messages) in names {
            lost.add(name, *messages);
        }
        lost.to_string()
    }

    #[test]
    fn names_are_counted_by_their_beginning() {
        let told = told(&[
            ("chat_lobby", 1),
            ("chat_attic", 2),
            ("user7", 3),
            ("lobby", 4),
            ("specific.0a!b", 5),
            ("42", 6),
            ("averyveryveryverylongnameindeed", 7),
        ]);

        assert_eq!(
            told,
            "*: 6, averyveryveryverylongnam*: 7, chat_*: 3, lobby: 4, specific.*: 5, user*: 3"
        );
    }

    #[test]
    fn names_that_clients_make_up_do_not_fill_the_log() {
        let names: Vec<_> = (0..1000_u32)
            .map(|n| {
                let letter = |n: u32| char::from(b'a' + (n % 26) as u8);
                format!("{}{}{}_x", letter(n), letter(n / 26), letter(n / 676))
            })
            .collect();
        let counted: Vec<_> = names.iter().map(|name| (&**name, 1)).collect();

        let told = told(&counted);

        assert_eq!(told.matches(", ").count(), PATTERNS);
        assert!(told.ends_with("others: 984"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn task_that_warns_ends_after_the_last_loss() {
        let log = OverflowLog::default();
        log.note("room", 1);

        tokio::time::sleep(FIRST + AGAIN + Duration::from_millis(1)).await;

        assert!(log.0.lost.lock().is_none(), "nothing is lost any more");
        log.note("room", 1);
        assert!(log.0.lost.lock().is_some());
    }
}
