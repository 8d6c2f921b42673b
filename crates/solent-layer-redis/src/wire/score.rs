//! Times as scores of sorted sets.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use super::json::push_repr;

/// Gives the time of each message, in seconds since 1970, and never the same twice: messages of equal score would be
/// read in the order of their random bytes.
///
/// It does not go back when the system's clock does, but stays where it was, a quarter of a microsecond later each time.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// The bits of the last time given. Bits of positive numbers are in the order of the numbers.
    last: AtomicU64,
}

impl Clock {
    /// A clock that has given no time.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The time, or the next number after the last time given if that is later.
    pub(crate) fn next(&self) -> f64 {
        self.next_at(SystemTime::now())
    }

    fn next_at(&self, now: SystemTime) -> f64 {
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64());
        let after = |last: u64| now.max(f64::from_bits(last).next_up());
        // Only the number itself is shared, so that no order with other memory is needed.
        let last = self
            .last
            .fetch_update(Relaxed, Relaxed, |last| Some(after(last).to_bits()))
            .unwrap_or_else(|last| last);
        after(last)
    }
}

/// A score as text: the shortest that is read back as the same number, as Python writes it.
pub(crate) fn score_text(score: f64) -> String {
    let mut text = Vec::with_capacity(24);
    push_repr(&mut text, score);
    // It is digits and signs.
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_never_stands_still_or_goes_back() {
        let clock = Clock::new();
        let noon = UNIX_EPOCH + Duration::from_secs_f64(1_795_233_754.25);

        let first = clock.next_at(noon);
        let again = clock.next_at(noon);
        let earlier = clock.next_at(noon - Duration::from_secs(3600));
        let later = clock.next_at(noon + Duration::from_secs(1));

        assert_eq!(first, 1_795_233_754.25);
        assert_eq!(again, first.next_up());
        assert_eq!(earlier, again.next_up());
        assert_eq!(later, 1_795_233_755.25);
        assert!(Clock::new().next_at(UNIX_EPOCH - Duration::from_secs(1)) > 0.0);
    }

    #[test]
    fn times_of_many_threads_all_differ() {
        let clock = Clock::new();
        let take = || (0..1000).map(|_| clock.next()).collect::<Vec<_>>();

        let mut times: Vec<f64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            let times = threads.into_iter().map(|thread| thread.join().unwrap());
            times
                .inspect(|times| assert!(times.is_sorted()))
                .flatten()
                .collect()
        });

        times.sort_by(f64::total_cmp);
        times.dedup();
        assert_eq!(times.len(), 4000);
    }

    #[test]
    fn text_of_a_score_is_that_of_python() {
        assert_eq!(score_text(1_795_233_754.356_702_8), "1795233754.3567028");
        assert_eq!(score_text(1_795_233_754.0), "1795233754.0");
    }
}
