//! Writing at the end of a turn.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::Outbox;

/// Sockets written to before other tasks get a turn.
const PER_TURN: usize = 64;

/// Collects the sockets that have something to write, and writes when the task that filled them pauses.
///
/// A system call costs more than everything else that is done for a message, so what can leave together should. A
/// publisher that sends eight messages to a room in one turn costs each member one write, not eight; so does a
/// client whose eight requests arrived in one read.
#[derive(Debug, Default)]
pub(crate) struct Flusher {
    /// Held to push or to take, never while writing.
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    outboxes: Vec<Arc<Outbox>>,
    waker: Option<Waker>,
}

impl Flusher {
    /// Notes that `outbox` has something to write. Called once for each time it goes from empty to filled.
    pub(super) fn add(&self, outbox: Arc<Outbox>) {
        let mut pending = self.pending.lock();
        pending.outboxes.push(outbox);
        let waker = pending.waker.take();
        drop(pending);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Writes what is noted, for ever.
    pub(crate) async fn run(&self) {
        let mut turn = Vec::new();
        std::future::poll_fn(|cx| self.poll(&mut turn, cx)).await
    }

    fn poll(&self, turn: &mut Vec<Arc<Outbox>>, cx: &mut Context<'_>) -> Poll<()> {
        if turn.is_empty() && !self.take(turn, cx) {
            return Poll::Pending;
        }
        let rest = turn.len().saturating_sub(PER_TURN);
        for outbox in turn.drain(rest..).rev() {
            outbox.flush_scheduled();
        }
        // The rest, or what was noted meanwhile, after all others had a turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes what is noted, in reverse order: the turn is worked off from its end.
    fn take(&self, turn: &mut Vec<Arc<Outbox>>, cx: &Context<'_>) -> bool {
        let mut pending = self.pending.lock();
        if pending.outboxes.is_empty() {
            match &mut pending.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => pending.waker = Some(cx.waker().clone()),
            }
            return false;
        }
        mem::swap(turn, &mut pending.outboxes);
        drop(pending);
        turn.reverse();
        true
    }
}

/// One flusher for each thread that serves, so that threads do not wait for one another.
#[derive(Debug)]
pub(crate) struct Flushers(Box<[Flusher]>);

thread_local! {
    /// Tells the threads apart; the first one to ask is 0.
    static THREAD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed)
    };
}

impl Flushers {
    pub(crate) fn new(threads: usize) -> Self {
        Self((0..threads.max(1)).map(|_| Flusher::default()).collect())
    }

    /// The flusher of the current thread.
    pub(super) fn here(&self) -> &Flusher {
        match &*self.0 {
            [only] => only,
            all => &all[THREAD.with(|thread| *thread) % all.len()],
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Flusher> {
        self.0.iter()
    }
}
