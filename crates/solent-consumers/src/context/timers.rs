//! Events that a consumer sends to itself, later.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::Local;

/// Names a timer, to [cancel](crate::ConsumerContext::cancel) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(u64);

/// The shortest period, so that a timer leaves room for everything else.
const MIN_PERIOD: Duration = Duration::from_millis(1);

/// A consumer's timers. They are few, so they lie in a list; one sleep stands for the earliest of them.
#[derive(Default)]
pub(super) struct Timers {
    entries: Vec<Entry>,
    /// Set while there are entries.
    sleep: Option<Pin<Box<Sleep>>>,
    last_id: u64,
}

struct Entry {
    id: TimerId,
    due: Instant,
    period: Option<Duration>,
    event: Local,
}

impl Timers {
    pub(super) fn add(
        &mut self,
        delay: Duration,
        period: Option<Duration>,
        event: Local,
    ) -> TimerId {
        self.last_id += 1;
        let id = TimerId(self.last_id);
        self.entries.push(Entry {
            id,
            due: after(Instant::now(), delay),
            period: period.map(|period| period.max(MIN_PERIOD)),
            event,
        });
        self.arm();
        id
    }

    pub(super) fn cancel(&mut self, id: TimerId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.arm();
        self.entries.len() < before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Waits for the next event; for ever without timers.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Local> {
        loop {
            let Some(sleep) = &mut self.sleep else {
                return Poll::Pending;
            };
            ready!(sleep.as_mut().poll(cx));
            let event = self.fire(Instant::now());
            self.arm();
            if let Some(event) = event {
                return Poll::Ready(event);
            }
        }
    }

    /// Takes the event of the timer that is most overdue. A periodic one that missed some of its times skips them.
    fn fire(&mut self, now: Instant) -> Option<Local> {
        let (at, due) = self.earliest()?;
        if due > now {
            return None;
        }
        let entry = &mut self.entries[at];
        let event = Arc::clone(&entry.event);
        match entry.period {
            Some(period) if after(due, period) > now => entry.due = after(due, period),
            Some(period) => entry.due = after(now, period),
            None => drop(self.entries.swap_remove(at)),
        }
        Some(event)
    }

    fn arm(&mut self) {
        match (self.earliest(), &mut self.sleep) {
            (None, sleep) => *sleep = None,
            (Some((_, due)), Some(sleep)) => sleep.as_mut().reset(due),
            (Some((_, due)), sleep) => *sleep = Some(Box::pin(sleep_until(due))),
        }
    }

    fn earliest(&self) -> Option<(usize, Instant)> {
        let times = self.entries.iter().map(|entry| (entry.due, entry.id.0));
        let (at, (due, _)) = times.enumerate().min_by_key(|(_, time)| *time)?;
        Some((at, due))
    }
}

/// A later instant; some decades later if there is no such instant, as a client may have had a say.
fn after(instant: Instant, delay: Duration) -> Instant {
    const DECADES: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    instant.checked_add(delay.min(DECADES)).unwrap_or(instant)
}
