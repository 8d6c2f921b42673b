//! Warnings that anybody can cause.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Lets one warning a second pass, and counts the others, so that a flood of refusals does not flood the log.
pub(crate) struct Throttle {
    /// When one passed last, in milliseconds since [`BEGAN`], plus 1; 0 before the first. Whoever changes it may warn.
    last: AtomicU64,
    /// How many have not passed since.
    held: AtomicU64,
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Throttle {
    pub(crate) const fn new() -> Self {
        Self {
            last: AtomicU64::new(0),
            held: AtomicU64::new(0),
        }
    }

    /// How many have been held back since the last one that passed; `None` if this one is, too.
    pub(crate) fn pass(&self) -> Option<u64> {
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
            return Some(self.held.swap(0, Relaxed));
        }
        self.held.fetch_add(1, Relaxed);
        None
    }
}

/// Warns at most once a second at this place, with the number of those that were held back meanwhile. These are told at the level
/// DEBUG.
macro_rules! warn_throttled {
    ($($field:tt)*) => {{
        static THROTTLE: $crate::throttle::Throttle = $crate::throttle::Throttle::new();
        match THROTTLE.pass() {
            Some(0) => tracing::warn!(target: "solent::auth", $($field)*),
            Some(held_back) => tracing::warn!(target: "solent::auth", held_back, $($field)*),
            None => tracing::debug!(target: "solent::auth", $($field)*),
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
