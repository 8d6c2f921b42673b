//! Tokens, and the clock they come back by.

use std::{ops::Add, time::Duration};

use governor::{
    RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use super::Rate;

/// The tokens of one client. May be taken from by many tasks.
#[derive(Debug)]
pub(super) struct Bucket(RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>);

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate) -> Self {
        Self(RateLimiter::direct_with_clock(rate.quota(), TokioClock))
    }

    /// Takes a token.
    ///
    /// # Errors
    ///
    /// There is none; the duration is how long it takes until there is.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.0
            .check()
            .map_err(|until| until.wait_time_from(TokioClock.now()))
    }
}

/// Tokio's clock, which tests can pause.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        Self(self.0 + Duration::from(duration))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn tokens_come_back_one_by_one() {
        let bucket = Bucket::new(Rate::per_second(2).burst(3));
        for _ in 0..3 {
            assert_eq!(bucket.take(), Ok(()));
        }
        assert_eq!(bucket.take(), Err(SECOND / 2));

        advance(SECOND / 2).await;

        assert_eq!(bucket.take(), Ok(()));
        assert_eq!(bucket.take(), Err(SECOND / 2));
        advance(SECOND * 1000).await;
        let taken = (0..10).filter(|_| bucket.take().is_ok()).count();
        assert_eq!(taken, 3, "no more than the burst is kept");
    }
}
