//! Tokens, and the clock they come back by.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::Rate;

/// The tokens of one client. May be taken from by many tasks.
///
/// Instead of tokens it keeps the moment at which it will be full again (the "generic cell rate algorithm"): each token that is
/// taken moves it on by one interval, and none is left when it is a whole bucket ahead of now.
#[derive(Debug)]
pub(super) struct Bucket {
    /// What moments are counted from. Tokio's clock, which tests can pause.
    start: Instant,
    /// Nanoseconds until one token is back.
    interval: u64,
    /// How many nanoseconds ahead the bucket may be full for a token to be left; `None` for a bucket that holds none.
    ahead: Option<u64>,
    /// When the bucket is full, in nanoseconds since `start`. Written by each task that takes a token.
    full_at: AtomicU64,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate) -> Self {
        let interval = nanos(rate.interval());
        Self {
            start: Instant::now(),
            interval,
            ahead: (rate.size().checked_sub(1))
                .map(|others| interval.saturating_mul(others.into())),
            full_at: AtomicU64::new(0),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    ///
    /// There is none; the duration is how long it takes until there is.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let ahead = self.ahead.ok_or(Duration::from_nanos(self.interval))?;
        let now = nanos(self.start.elapsed());
        let taken = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            let is_left = full_at.saturating_sub(ahead) <= now;
            is_left.then(|| full_at.max(now).saturating_add(self.interval))
        });
        match taken {
            Ok(_) => Ok(()),
            Err(full_at) => Err(Duration::from_nanos(full_at - ahead - now)),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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
