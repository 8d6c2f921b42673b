//! How slowly a client may send a body.

use std::time::Duration;

use crate::{
    HttpLimits,
    clock::{TICK, Tick, ticks},
};

/// Time that a client may still take, as bytes that it owes: waiting costs some, what arrives pays back.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes a second; 0 for any pace.
    rate: u64,
    /// The longest single wait.
    pause: Tick,
    /// Bytes' worth of waiting that is left.
    credit: u64,
    /// The credit never grows beyond this, so that no client saves up for a long wait.
    most: u64,
    /// When the application began to wait; 0 while it does not.
    since: Tick,
}

impl Pace {
    pub(super) fn new(limits: &HttpLimits) -> Self {
        let pause: Duration = limits.body_timeout;
        let rate = limits.body_rate;
        let most = rate.saturating_mul(u64::from(ticks(pause))) / per_second();
        Self {
            rate,
            pause: ticks(pause),
            credit: most,
            most,
            since: 0,
        }
    }

    /// The application begins to wait: until when, if it did not wait before.
    pub(super) fn wait(&mut self, now: Tick) -> Option<Tick> {
        if self.since != 0 {
            return None;
        }
        self.since = now;
        let affordable = self
            .credit
            .saturating_mul(per_second())
            .checked_div(self.rate);
        let affordable = affordable.and_then(|ticks| Tick::try_from(ticks).ok());
        let wait = affordable.map_or(self.pause, |ticks| ticks.min(self.pause));
        Some(now.saturating_add(wait.max(1)))
    }

    /// The wait is over, if there was one.
    pub(super) fn resume(&mut self, now: Tick) -> bool {
        if self.since == 0 {
            return false;
        }
        let waited = u64::from(now.saturating_sub(self.since));
        let cost = self.rate.saturating_mul(waited) / per_second();
        self.credit = self.credit.saturating_sub(cost);
        self.since = 0;
        true
    }

    pub(super) fn received(&mut self, bytes: u64) {
        self.credit = self.credit.saturating_add(bytes).min(self.most);
    }
}

/// Ticks in a second.
fn per_second() -> u64 {
    (1000 / TICK.as_millis()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Tick = 10;

    fn pace() -> Pace {
        Pace::new(
            &HttpLimits::default()
                .body_timeout(Duration::from_secs(30))
                .body_rate(100),
        )
    }

    /// How many pieces of `bytes` a client can send, one every `seconds`, and no more than 1,000.
    fn pieces(bytes: u64, seconds: Tick) -> usize {
        let (mut pace, mut now) = (pace(), 1);
        (0..1_000)
            .take_while(|_| {
                let deadline = pace.wait(now).unwrap();
                now += seconds * SECOND;
                pace.resume(now);
                pace.received(bytes);
                now < deadline
            })
            .count()
    }

    #[test]
    fn client_at_the_rate_is_waited_for() {
        assert_eq!(pieces(100, 1), 1_000);
        assert_eq!(pieces(2_900, 29), 1_000);
    }

    #[test]
    fn client_below_the_rate_runs_out_of_time() {
        assert_eq!(pieces(1, 29), 1, "one long pause is forgiven, two are not");
        assert!(pieces(50, 1) < 70);
    }

    #[test]
    fn what_was_sent_fast_buys_no_long_wait() {
        let mut pace = pace();
        pace.received(1_000_000_000);

        assert_eq!(pace.wait(1), Some(1 + 30 * SECOND));
    }

    #[test]
    fn without_a_rate_only_pauses_count() {
        let mut pace = Pace::new(&HttpLimits::default().body_rate(0));
        for now in 1..100 {
            assert_eq!(pace.wait(now), Some(now + 30 * SECOND));
            pace.resume(now + 29 * SECOND);
        }
    }
}
