//! So many in so long.

use std::time::Duration;

/// A rate: so many in a period on average, and so many at once.
///
/// It is a token bucket. The bucket holds [`burst`](Self::burst) tokens, one is taken for each request or message, and they
/// come back evenly, all of a period's within the period.
///
/// ```
/// use solent_edge::Rate;
///
/// // Five a second in the long run, twenty at once after a silence.
/// let rate = Rate::per_second(5).burst(20);
/// # let _ = rate;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rate {
    /// Until one token is back.
    interval: Duration,
    burst: u32,
}

/// Until one token is back, at the most.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Rate {
    /// `count` in each `period`, and all of them at once. 0 lets nothing pass.
    pub fn new(count: u32, period: Duration) -> Self {
        let interval = period.checked_div(count).unwrap_or(LONGEST);
        Self {
            interval: interval.clamp(Duration::from_nanos(1), LONGEST),
            burst: count,
        }
    }

    /// `count` a second.
    pub fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// `count` a minute.
    pub fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` an hour.
    pub fn per_hour(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60 * 60))
    }

    /// Sets how many may come at once after a silence. Default: those of one period. 0 lets nothing pass.
    pub fn burst(mut self, count: u32) -> Self {
        self.burst = count;
        self
    }

    /// Until one token is back.
    pub(super) fn interval(self) -> Duration {
        self.interval
    }

    /// How many tokens a full bucket holds. A burst that would take more than a century to come back is cut, as nanoseconds are
    /// counted in 64 bits.
    pub(super) fn size(self) -> u32 {
        let longest = 100 * LONGEST.as_nanos() / self.interval.as_nanos();
        u32::try_from(longest).map_or(self.burst, |longest| self.burst.min(longest.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_spread_over_its_period() {
        let rate = Rate::per_minute(30);
        assert_eq!((rate.interval(), rate.size()), (Duration::from_secs(2), 30));
        assert_eq!(Rate::per_second(5).burst(20).size(), 20);
        assert_eq!(Rate::per_hour(1).interval(), Duration::from_secs(3600));
    }

    #[test]
    fn extremes_are_brought_within_reason() {
        assert_eq!(Rate::new(0, Duration::ZERO).size(), 0);
        for period in [Duration::ZERO, Duration::MAX] {
            for count in [0, 1, u32::MAX] {
                let rate = Rate::new(count, period).burst(u32::MAX);
                let whole = rate.interval().as_nanos() * u128::from(rate.size());
                assert!(whole < u128::from(u64::MAX / 4), "{rate:?}");
            }
        }
    }
}
