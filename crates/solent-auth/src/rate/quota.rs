//! So many in so long.

use std::{num::NonZeroU32, time::Duration};

use governor::Quota;

/// A rate: so many in a period on average, and so many at once.
///
/// It is a token bucket. The bucket holds [`burst`](Self::burst) tokens, one is taken for each request or message, and they
/// come back evenly, all of a period's within the period.
///
/// ```
/// use solent_auth::Rate;
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
    burst: NonZeroU32,
}

/// Until one token is back, at the most.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Rate {
    /// `count` in each `period`, and all of them at once. 0 is taken for 1.
    pub fn new(count: u32, period: Duration) -> Self {
        let burst = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let interval = period / burst.get();
        Self {
            interval: interval.clamp(Duration::from_nanos(1), LONGEST),
            burst,
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

    /// Sets how many may come at once after a silence. Default: those of one period. 0 is taken for 1.
    pub fn burst(mut self, count: u32) -> Self {
        self.burst = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// The same for the library, which counts nanoseconds in 64 bits: a burst that would take it more than a century is cut.
    pub(super) fn quota(self) -> Quota {
        let longest =
            (100 * LONGEST.as_nanos() / self.interval.as_nanos()).clamp(1, u32::MAX.into());
        let burst = self
            .burst
            .min(NonZeroU32::new(longest as u32).unwrap_or(NonZeroU32::MIN));
        // The interval is not 0, so there is a quota.
        Quota::with_period(self.interval)
            .unwrap_or_else(|| Quota::per_second(burst))
            .allow_burst(burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_spread_over_its_period() {
        let quota = Rate::per_minute(30).quota();
        assert_eq!(quota.replenish_interval(), Duration::from_secs(2));
        assert_eq!(quota.burst_size().get(), 30);
        assert_eq!(Rate::per_second(5).burst(20).quota().burst_size().get(), 20);
        assert_eq!(
            Rate::per_hour(1).quota().replenish_interval(),
            Duration::from_secs(3600)
        );
    }

    #[test]
    fn extremes_are_brought_within_reason() {
        assert_eq!(
            Rate::new(0, Duration::ZERO)
                .burst(0)
                .quota()
                .burst_size()
                .get(),
            1
        );
        for period in [Duration::ZERO, Duration::MAX] {
            for count in [0, 1, u32::MAX] {
                let quota = Rate::new(count, period).burst(u32::MAX).quota();
                let whole =
                    quota.replenish_interval().as_nanos() * u128::from(quota.burst_size().get());
                assert!(whole < u128::from(u64::MAX / 4), "{quota:?}");
            }
        }
    }
}
