//! Events that a consumer sends to itself, later.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::event::Shared;

/// Names a timer, to [cancel](crate::ConsumerContext::cancel) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(u64);

/// The shortest period, so that a timer leaves room for everything else.
const MIN_PERIOD: Duration = Duration::from_millis(1);

/// A consumer's timers, the earliest first; one sleep stands for that.
pub(super) struct Timers<E> {
    entries: BTreeMap<(Instant, u64), Entry<E>>,
    /// When each is due, to find it by its number.
    due: BTreeMap<u64, Instant>,
    /// Set while there are entries.
    sleep: Option<Pin<Box<Sleep>>>,
    last_id: u64,
}

struct Entry<E> {
    period: Option<Duration>,
    event: Arc<Shared<E>>,
}

impl<E> Timers<E> {
    pub(super) fn add(
        &mut self,
        delay: Duration,
        period: Option<Duration>,
        event: Arc<Shared<E>>,
    ) -> TimerId {
        self.last_id += 1;
        let period = period.map(|period| period.max(MIN_PERIOD));
        let due = after(Instant::now(), delay);
        self.insert(self.last_id, due, Entry { period, event });
        self.arm();
        TimerId(self.last_id)
    }

    pub(super) fn cancel(&mut self, id: TimerId) -> bool {
        let Some(due) = self.due.remove(&id.0) else {
            return false;
        };
        self.entries.remove(&(due, id.0));
        self.arm();
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Waits for the next event; for ever without timers.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arc<Shared<E>>> {
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
    fn fire(&mut self, now: Instant) -> Option<Arc<Shared<E>>> {
        let first = self.entries.first_entry()?;
        let (due, id) = *first.key();
        if due > now {
            return None;
        }
        let entry = first.remove();
        let event = Arc::clone(&entry.event);
        match entry.period {
            Some(period) if after(due, period) > now => self.insert(id, after(due, period), entry),
            Some(period) => self.insert(id, after(now, period), entry),
            None => drop(self.due.remove(&id)),
        }
        Some(event)
    }

    fn insert(&mut self, id: u64, due: Instant, entry: Entry<E>) {
        self.entries.insert((due, id), entry);
        self.due.insert(id, due);
    }

    fn arm(&mut self) {
        let first = self.entries.first_key_value().map(|((due, _), _)| *due);
        match (first, &mut self.sleep) {
            (None, sleep) => *sleep = None,
            (Some(due), Some(sleep)) if sleep.deadline() == due => {}
            (Some(due), Some(sleep)) => sleep.as_mut().reset(due),
            (Some(due), sleep) => *sleep = Some(Box::pin(sleep_until(due))),
        }
    }
}

impl<E> Default for Timers<E> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            due: BTreeMap::new(),
            sleep: None,
            last_id: 0,
        }
    }
}

/// A later instant; some decades later if there is no such instant, as a client may have had a say.
fn after(instant: Instant, delay: Duration) -> Instant {
    const DECADES: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    instant.checked_add(delay.min(DECADES)).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const MANY: u64 = 100_000;

    fn local(nth: u64) -> Arc<Shared<u64>> {
        Arc::new(Shared::new(nth))
    }

    async fn next(timers: &mut Timers<u64>) -> u64 {
        let event = poll_fn(|cx| timers.poll(cx)).await;
        *event.event()
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_timers_as_anybody_likes_are_set_cancelled_and_fired_in_order() {
        let mut timers = Timers::default();
        let ids: Vec<_> = (0..MANY)
            .map(|nth| timers.add(Duration::from_millis(MANY - nth), None, local(nth)))
            .collect();

        for id in ids.iter().step_by(2) {
            assert!(timers.cancel(*id));
            assert!(!timers.cancel(*id));
        }

        for nth in (0..MANY).rev().filter(|nth| nth % 2 == 1) {
            assert_eq!(next(&mut timers).await, nth);
        }
        assert!(timers.is_empty());
        assert!(!timers.cancel(ids[1]), "it has fired");
    }

    #[tokio::test(start_paused = true)]
    async fn periodic_timer_skips_what_it_missed_and_leaves_others_their_turn() {
        let mut timers = Timers::default();
        let second = Duration::from_secs(1);
        let id = timers.add(second, Some(second), local(1));
        timers.add(second * 60, None, local(2));

        tokio::time::advance(second * 60).await;

        assert_eq!(next(&mut timers).await, 1);
        assert_eq!(next(&mut timers).await, 2);
        let late = Instant::now();
        assert_eq!(next(&mut timers).await, 1);
        assert_eq!(late.elapsed().as_secs(), 1);
        assert!(timers.cancel(id));
    }
}
