//! The deadlines of a connection that speaks HTTP.

use std::sync::{
    Arc, OnceLock,
    atomic::{
        AtomicBool, AtomicU8, AtomicU32,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

use atomic_waker::AtomicWaker;
use tokio::task::AbortHandle;

use crate::{
    clock::{Key, Tick, Watched, ticks},
    server::Core,
};

/// What a connection is doing, as far as its deadlines are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Between two requests.
    Idle = 0,
    /// The head of a request is coming in.
    Head = 1,
    /// The application is at work; nothing is expected of the client.
    Busy = 2,
    /// The application reads the request's body.
    Body = 3,
}

/// The deadlines of one connection, shared between its I/O, its requests and the sweep.
#[derive(Debug)]
pub(crate) struct Watch {
    core: Arc<Core>,
    key: OnceLock<Key>,
    phase: AtomicU8,
    /// When the current phase has taken too long; 0 for never.
    read_deadline: AtomicU32,
    /// When the client has not read for too long; 0 while nothing waits for it.
    write_deadline: AtomicU32,
    expired: AtomicBool,
    draining: AtomicBool,
    waker: AtomicWaker,
    abort: OnceLock<AbortHandle>,
}

impl Watch {
    /// Watches a connection from its first moment, for the head of its first request.
    pub(crate) fn new(core: &Arc<Core>) -> Arc<Self> {
        let watch = Arc::new(Self {
            core: Arc::clone(core),
            key: OnceLock::new(),
            phase: AtomicU8::new(Phase::Head as u8),
            read_deadline: AtomicU32::new(core.clock.after(core.config.http.head_timeout)),
            write_deadline: AtomicU32::new(0),
            expired: AtomicBool::new(false),
            draining: AtomicBool::new(core.is_draining()),
            waker: AtomicWaker::new(),
            abort: OnceLock::new(),
        });
        let _ = watch
            .key
            .set(core.connections.insert(Arc::downgrade(&watch)));
        watch
    }

    /// The task that serves the connection, for the end of the drain.
    pub(crate) fn served_by(&self, abort: AbortHandle) {
        let _ = self.abort.set(abort);
    }

    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expired.load(Acquire)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Acquire)
    }

    /// Whether a client is owed an answer 408: it began a request and did not finish its head.
    pub(crate) fn is_in_head(&self) -> bool {
        self.phase.load(Relaxed) == Phase::Head as u8
    }

    /// The server drains: idle connections end at once, others after their response.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Release);
        self.waker.wake();
    }

    /// The drain is over.
    pub(crate) fn cut(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    /// Octets have come in.
    pub(crate) fn on_read(&self) {
        let limits = &self.core.config.http;
        let phase = self.phase.load(Relaxed);
        if phase == Phase::Idle as u8 {
            self.enter(Phase::Head, self.core.clock.after(limits.head_timeout));
        } else if phase == Phase::Body as u8 {
            self.read_deadline
                .store(self.core.clock.after(limits.body_timeout), Relaxed);
        }
    }

    /// A request's head is complete.
    pub(crate) fn on_request(&self) {
        self.enter(Phase::Busy, 0);
    }

    /// The application waits for more of the body.
    pub(crate) fn on_body_wait(&self) {
        if self.phase.load(Relaxed) != Phase::Body as u8 {
            self.enter(
                Phase::Body,
                self.core.clock.after(self.core.config.http.body_timeout),
            );
        }
    }

    /// The body is complete, or no longer wanted.
    pub(crate) fn on_body_end(&self) {
        if self.phase.load(Relaxed) == Phase::Body as u8 {
            self.enter(Phase::Busy, 0);
        }
    }

    /// The response is complete.
    pub(crate) fn on_response_end(&self) {
        self.enter(
            Phase::Idle,
            self.core.clock.after(self.core.config.http.keep_alive),
        );
    }

    /// The client does not read.
    pub(crate) fn on_write_blocked(&self) {
        let deadline = self
            .core
            .clock
            .now()
            .saturating_add(ticks(self.core.config.http.write_timeout));
        let _ = self
            .write_deadline
            .compare_exchange(0, deadline, Relaxed, Relaxed);
    }

    /// The client reads.
    pub(crate) fn on_written(&self) {
        if self.write_deadline.load(Relaxed) != 0 {
            self.write_deadline.store(0, Relaxed);
        }
    }

    fn enter(&self, phase: Phase, deadline: Tick) {
        self.phase.store(phase as u8, Relaxed);
        self.read_deadline.store(deadline, Relaxed);
    }
}

impl Watched for Watch {
    fn sweep(&self, now: Tick) {
        let passed = |deadline: &AtomicU32| (1..=now).contains(&deadline.load(Relaxed));
        if (passed(&self.read_deadline) || passed(&self.write_deadline))
            && !self.expired.swap(true, AcqRel)
        {
            self.waker.wake();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            self.core.connections.remove(*key);
        }
    }
}
