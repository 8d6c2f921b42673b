//! Until when a connection's token is good.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

/// Until when a connection's token is good. Shared by all that ask, and by who brings a newer one.
#[derive(Debug, Default)]
pub(super) struct Lifetime(Mutex<State>);

/// Locked for a few instructions, never across a wait.
#[derive(Debug, Default)]
struct State {
    until: Option<Until>,
    /// Whether the client can be told anything: its socket is open.
    open: bool,
    /// How many times anything of it has changed.
    changes: u64,
    /// Who waits for the next change: the guard of the connection.
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
struct Until {
    time: SystemTime,
    /// The same by the clock that timers go by.
    instant: Instant,
}

/// As far as timers are set ahead.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

impl Lifetime {
    /// Sets until when the token is good; for ever if `None`.
    pub(super) fn set(&self, until: Option<SystemTime>) {
        let until = until.map(|time| {
            let left = time.duration_since(SystemTime::now()).unwrap_or_default();
            let now = Instant::now();
            Until {
                time,
                // What is beyond the clock is looked at again before it is reached.
                instant: now.checked_add(left).unwrap_or(now + 365 * FAR),
            }
        });
        self.change(|state| state.until = until);
    }

    /// Notes that the client's socket is open.
    pub(super) fn opened(&self) {
        self.change(|state| state.open = true);
    }

    pub(super) fn time(&self) -> Option<SystemTime> {
        self.0.lock().until.map(|until| until.time)
    }

    /// How long the token is good from now on; for ever if `None`.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = self.0.lock().until?;
        Some(until.instant.saturating_duration_since(Instant::now()))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.0.lock();
            change(&mut state);
            state.changes += 1;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Waits for the end of a token, and for the time to warn of it.
pub(super) struct LifetimeTimer {
    warn_before: Duration,
    /// How many changes have been seen; none at first, since a change is what it begins with.
    seen: Option<u64>,
    /// What was found at the last change.
    until: Option<Instant>,
    /// When to warn of it, unless that was done, or cannot be done.
    warn_at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The token is good for so long.
    Warning(Duration),
    /// It is not any more.
    End,
}

impl LifetimeTimer {
    /// A timer that warns so long before the end, and not at all if that is zero.
    pub(super) fn new(warn_before: Duration) -> Self {
        Self {
            warn_before,
            seen: None,
            until: None,
            warn_at: None,
            timer: None,
        }
    }

    pub(super) fn poll_due(&mut self, lifetime: &Lifetime, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            self.see_changes(lifetime, cx);
            let Some(until) = self.until else {
                return Poll::Pending;
            };
            let now = Instant::now();
            if until <= now {
                return Poll::Ready(Due::End);
            }
            if self.warn_at.is_some_and(|at| at <= now) {
                self.warn_at = None;
                return Poll::Ready(Due::Warning(until - now));
            }
            let next = self.warn_at.unwrap_or(until).min(now + FAR);
            let timer = match &mut self.timer {
                Some(timer) if timer.deadline() == next => timer,
                slot => slot.insert(Box::pin(sleep_until(next))),
            };
            ready!(timer.as_mut().poll(cx));
        }
    }

    fn see_changes(&mut self, lifetime: &Lifetime, cx: &Context<'_>) {
        let mut state = lifetime.0.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            waker => *waker = Some(cx.waker().clone()),
        }
        if self.seen == Some(state.changes) {
            return;
        }
        self.seen = Some(state.changes);
        self.until = state.until.map(|until| until.instant);
        let warns = state.open && !self.warn_before.is_zero();
        self.warn_at = self.until.filter(|_| warns).map(|until| {
            // Where less time is left already, now is the time.
            until.checked_sub(self.warn_before).unwrap_or(until)
        });
    }
}
