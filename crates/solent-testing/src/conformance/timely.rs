//! Checks against a clock that cannot be stopped.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
    thread,
    time::Duration,
};

use solent_layer::{Capacities, DynLayer};
use tokio::time::{Instant, timeout};

use super::{Subject, Wanted};

/// How many times its expiry a check may take, unless it is the last attempt.
const MOST: u32 = 6;

/// Longer than a check takes.
const NEVER: Duration = Duration::from_secs(60 * 60);

/// How often a check is tried on a machine that is too slow for it, each time with twice the time.
const ATTEMPTS: u32 = 7;

impl Subject {
    /// Tries a check with a layer that drops messages after the time that it is told.
    pub(super) async fn with_expiry(&self, check: impl AsyncFn(DynLayer, Duration)) {
        self.timely(
            Duration::from_secs(60),
            |wanted| &mut wanted.expiry,
            |_| {},
            check,
        )
        .await;
    }

    /// The same with channels that hold so many messages, and no burst beside them.
    pub(super) async fn with_capacity_and_expiry(
        &self,
        capacity: usize,
        check: impl AsyncFn(DynLayer, Duration),
    ) {
        let change = |wanted: &mut Wanted| wanted.capacities = Capacities::new(capacity);
        self.timely(
            Duration::from_secs(60),
            |wanted| &mut wanted.expiry,
            change,
            check,
        )
        .await;
    }

    /// Tries a check with a layer that ends memberships after the time that it is told.
    pub(super) async fn with_group_expiry(&self, check: impl AsyncFn(DynLayer, Duration)) {
        let day = Duration::from_secs(24 * 60 * 60);
        self.timely(day, |wanted| &mut wanted.group_expiry, |_| {}, check)
            .await;
    }

    /// Tries a check that has to do things while something has not expired. Where the clock is the machine's, and the machine was
    /// busy elsewhere for so long that a failure says nothing about the layer, it is tried again with more time.
    async fn timely(
        &self,
        default: Duration,
        setting: fn(&mut Wanted) -> &mut Duration,
        change: impl Fn(&mut Wanted),
        check: impl AsyncFn(DynLayer, Duration),
    ) {
        let Some(real) = self.profile().real_expiry else {
            return check(self.layer_with(change).await, default).await;
        };
        for attempt in 1.. {
            let expiry = real * 2_u32.pow(attempt - 1);
            self.begin_attempt();
            let begun = Instant::now();
            let layer = self.layer_with(|wanted| {
                *setting(wanted) = expiry;
                change(wanted);
            });
            let layer = layer.await;
            let last = attempt == ATTEMPTS;
            // A check that is late already would wait in vain for what has expired.
            let most = if last { NEVER } else { MOST * expiry };
            match timeout(most, caught(check(layer, expiry))).await {
                Ok(Ok(())) => return,
                Ok(Err(panic)) if last || self.late(begun) < expiry / 5 => resume_unwind(panic),
                Ok(Err(_)) | Err(_) => {}
            }
            let late = self.late(begun);
            eprintln!(
                "note: the check took {late:?} longer than it was to, which says nothing about the layer; it is tried again"
            );
        }
    }

    /// How much longer than it meant to a check has taken.
    fn late(&self, begun: Instant) -> Duration {
        begun.elapsed().saturating_sub(self.passed())
    }
}

/// Runs a future to its end, or to its panic.
async fn caught(check: impl Future<Output = ()>) -> thread::Result<()> {
    let mut check = pin!(check);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}
