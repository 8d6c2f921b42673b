//! Saying in the log that messages cannot be read.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long after a warning the next one may come.
const AGAIN: Duration = Duration::from_secs(1);

/// Warns at most once a second: a process with another key or serializer sends nothing else.
#[derive(Default)]
pub(crate) struct Unreadable(Mutex<State>);

#[derive(Default)]
struct State {
    /// When it was last warned.
    last: Option<Instant>,
    /// How many messages were held back since.
    held_back: u64,
}

impl Unreadable {
    /// A message that arrived by `way` was dropped because of `error`.
    pub(crate) fn warn(&self, way: &str, error: impl fmt::Display) {
        if let Some(held_back) = self.pass(Instant::now()) {
            tracing::warn!(%error, way, held_back, "a message cannot be read and was dropped");
        }
    }

    /// How many were held back since the last that passed, if this one passes.
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        if state.last.is_some_and(|last| now < last + AGAIN) {
            state.held_back += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_a_second_counts_those_between() {
        let (log, begun) = (Unreadable::default(), Instant::now());
        let at = |millis| log.pass(begun + Duration::from_millis(millis));

        assert_eq!(at(0), Some(0));
        assert_eq!((at(1), at(999)), (None, None));
        assert_eq!((at(1000), at(1001)), (Some(2), None));
        assert_eq!(at(5000), Some(1));
    }
}
