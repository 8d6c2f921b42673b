//! Log lines that a peer can cause.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Lets one log line a second pass and counts the others, so that a flood of refusals does not
/// flood the log.
///
/// ```
/// use solent_spec::Throttle;
///
/// static REFUSED: Throttle = Throttle::new();
///
/// assert_eq!(REFUSED.pass(), Some(0), "the first one passes");
/// assert_eq!(REFUSED.pass(), None, "the next ones are counted");
/// ```
#[derive(Debug, Default)]
pub struct Throttle {
    /// When a line passed last, in milliseconds since [`BEGAN`], plus 1; 0 before the first. The
    /// thread that changes it may log.
    last: AtomicU64,
    /// How many lines have not passed since.
    held_back: AtomicU64,
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Throttle {
    /// A throttle that has held back nothing.
    pub const fn new() -> Self {
        Self {
            last: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
        }
    }

    /// How many lines were held back since the last one that passed; `None` if this one is held
    /// back as well.
    pub fn pass(&self) -> Option<u64> {
        let now = u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.pass_at(now)
    }

    fn pass_at(&self, now: u64) -> Option<u64> {
        let last = self.last.load(Relaxed);
        let is_early = last != 0 && now.saturating_sub(last - 1) < 1000;
        let passes = !is_early
            && self
                .last
                .compare_exchange(last, now.saturating_add(1), Relaxed, Relaxed)
                .is_ok();
        if passes {
            return Some(self.held_back.swap(0, Relaxed));
        }
        self.held_back.fetch_add(1, Relaxed);
        None
    }
}

/// Warns at most once a second at this place, with the number of those that were held back meanwhile. These are told at the level
/// DEBUG. It takes what [`tracing::warn!`](https://docs.rs/tracing/latest/tracing/macro.warn.html) takes after the target.
#[macro_export]
macro_rules! warn_throttled {
    (target: $target:literal, $($field:tt)*) => {{
        static THROTTLE: $crate::Throttle = $crate::Throttle::new();
        match THROTTLE.pass() {
            Some(0) => tracing::warn!(target: $target, $($field)*),
            Some(held_back) => tracing::warn!(target: $target, held_back, $($field)*),
            None => tracing::debug!(target: $target, $($field)*),
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_passes_and_the_others_are_counted() {
        let throttle = Throttle::new();

        assert_eq!(throttle.pass_at(0), Some(0));
        for now in [0, 1, 999] {
            assert_eq!(throttle.pass_at(now), None);
        }
        assert_eq!(throttle.pass_at(1000), Some(3));
        assert_eq!(throttle.pass_at(1999), None);
        assert_eq!(throttle.pass_at(5000), Some(1));
    }
}
