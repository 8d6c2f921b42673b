//! When to try again.

use std::time::Duration;

/// How long to wait between attempts to reach a Redis that is away.
///
/// Each wait is a quarter longer than the one before, from the first to the longest, and of each a random half is taken off at
/// most, so that the processes of a site do not come back all at once. So a process is back within a fifth of the time that
/// Redis was away, or the longest wait if that is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Backoff {
    /// The wait after the first failure. Default: 50 ms.
    pub first: Duration,
    /// The longest wait. Default: 750 ms, so that a process is back within a second, however long Redis was away.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            most: Duration::from_millis(750),
        }
    }
}

impl Backoff {
    /// Sets [`first`](Self::first).
    pub fn first(mut self, wait: Duration) -> Self {
        self.first = wait;
        self
    }

    /// Sets [`most`](Self::most).
    pub fn most(mut self, wait: Duration) -> Self {
        self.most = wait;
        self
    }

    /// The wait after so many failures in a row, the first of which is number 0.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        self.jittered(failures, rand::random())
    }

    /// `jitter` is from 0 to 1.
    fn jittered(&self, failures: u32, jitter: f64) -> Duration {
        const GROWTH: f64 = 1.25;
        let factor = GROWTH.powi(i32::try_from(failures).unwrap_or(i32::MAX));
        let whole = Duration::try_from_secs_f64(self.first.as_secs_f64() * factor);
        let whole = whole.map_or(self.most, |whole| whole.min(self.most));
        whole - (whole / 2).mul_f64(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_is_back_within_a_second_however_long_redis_was_away() {
        for failures in [0, 10, 20, 1000, u32::MAX] {
            let wait = Backoff::default().jittered(failures, 0.0);
            assert!(wait <= Duration::from_millis(800), "{failures}: {wait:?}");
        }
    }

    #[test]
    fn wait_grows_up_to_the_longest() {
        let backoff = Backoff::default()
            .first(Duration::from_millis(64))
            .most(Duration::from_millis(125));

        let waits =
            [0, 1, 2, 3, 4, u32::MAX].map(|failures| backoff.jittered(failures, 0.0).as_millis());

        assert_eq!(waits, [64, 80, 100, 125, 125, 125]);
    }

    #[test]
    fn redis_that_was_away_for_seconds_is_found_within_one() {
        let backoff = Backoff::default();
        let mut away = Duration::ZERO;
        for failures in 0.. {
            let wait = backoff.jittered(failures, 0.0);
            assert!(
                wait <= Duration::from_millis(51) + away / 4,
                "{wait:?} after {away:?}"
            );
            away += wait;
            if away > Duration::from_secs(3) {
                return;
            }
            assert!(wait < Duration::from_secs(1), "{wait:?} after {away:?}");
        }
    }

    #[test]
    fn jitter_takes_half_of_the_wait_at_most() {
        let backoff = Backoff::default();

        assert_eq!(backoff.jittered(0, 1.0), backoff.first / 2);
        for failures in 0..100 {
            let wait = backoff.wait(failures);
            assert!(
                (backoff.first / 2..=backoff.most).contains(&wait),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn longest_durations_do_not_overflow() {
        let backoff = Backoff::default().first(Duration::MAX).most(Duration::MAX);

        assert!(backoff.wait(u32::MAX) > Duration::from_secs(1));
    }
}
