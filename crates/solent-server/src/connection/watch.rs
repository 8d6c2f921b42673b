//! The deadlines of a connection that speaks HTTP.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicBool, AtomicU8, AtomicU16, AtomicU32,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use atomic_waker::AtomicWaker;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::{
    HttpLimits,
    clock::{Key, Tick, Watched, ticks},
    http::{Over, Share},
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

/// What becomes of a connection whose client sends nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfClosed {
    /// It waits for the response to its last request.
    Waits,
    /// There is nothing to wait for.
    Over,
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
    /// When a client that will send nothing more, and has not been written to since, counts as gone; 0 while it may send.
    /// Written by the connection's task.
    half_closed: AtomicU32,
    /// The status for a request whose body broke; 0 while it has not. Written by the task that reads the body, read by the
    /// connection's task.
    body_fault: AtomicU16,
    /// What the request's body has used of the budget for bodies. Held for a few instructions.
    held: Mutex<Option<Share>>,
    /// The client may still send something of the request that is being answered. Written by the
    /// connection's task and by the task that reads the body, read when the connection is closed.
    unread: AtomicBool,
    /// The drain does not wait any longer for responses to begin.
    late: AtomicBool,
    /// The drain does not wait any longer for streams to end.
    cut: AtomicBool,
    /// A response without a length is on its way.
    streaming: AtomicBool,
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
            half_closed: AtomicU32::new(0),
            body_fault: AtomicU16::new(0),
            held: Mutex::new(None),
            unread: AtomicBool::new(false),
            late: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            streaming: AtomicBool::new(false),
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

    pub(crate) fn limits(&self) -> &HttpLimits {
        &self.core.config.http
    }

    pub(crate) fn now(&self) -> Tick {
        self.core.clock.now()
    }

    /// Whether the client has taken too long to send what is awaited. Asked when nothing has come: what completes in the
    /// last moment counts.
    pub(crate) fn is_read_expired(&self) -> bool {
        self.is_over(&self.read_deadline)
    }

    /// Whether the client has taken too long to read, or is not waited for any more.
    pub(crate) fn is_write_expired(&self) -> bool {
        self.is_over(&self.write_deadline) || self.is_stream_cut()
    }

    fn is_over(&self, deadline: &AtomicU32) -> bool {
        match deadline.load(Relaxed) {
            0 => false,
            deadline => deadline <= self.now(),
        }
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

    /// The drain does not wait for responses that have not begun.
    pub(crate) fn end_waiting(&self) {
        self.late.store(true, Release);
        self.waker.wake();
    }

    /// Whether a response that has not begun comes too late.
    pub(crate) fn is_late(&self) -> bool {
        self.late.load(Acquire)
    }

    /// The drain does not wait for responses that have no end in sight.
    pub(crate) fn end_stream(&self) {
        self.cut.store(true, Release);
        self.waker.wake();
    }

    /// Whether a response without a length has to end now.
    pub(crate) fn is_stream_cut(&self) -> bool {
        self.cut.load(Acquire) && self.streaming.load(Relaxed)
    }

    /// A response without a length has begun.
    pub(crate) fn on_stream(&self) {
        self.streaming.store(true, Relaxed);
    }

    /// Counts bytes of the request's body against the budget, until the response is complete.
    pub(crate) fn hold_body(&self, client: Option<SocketAddr>, bytes: usize) -> Result<(), Over> {
        let mut held = self.held.lock();
        held.get_or_insert_with(|| self.core.budget.share(client))
            .add(bytes)
    }

    /// The request's body broke.
    pub(crate) fn on_body_fault(&self, status: StatusCode) {
        self.body_fault.store(status.as_u16(), Release);
        self.waker.wake();
    }

    /// The status for a request whose body broke.
    pub(crate) fn body_fault(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.body_fault.load(Acquire)).ok()
    }

    /// The drain is over.
    pub(crate) fn cut(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    /// Bytes have come in.
    pub(crate) fn on_read(&self) {
        if self.phase.load(Relaxed) == Phase::Idle as u8 {
            self.enter(
                Phase::Head,
                self.core.clock.after(self.limits().head_timeout),
            );
        }
    }

    /// The client will send nothing more. Whether it counts as gone, unless that is known of an application at work: it
    /// still gets its response.
    pub(crate) fn on_read_end(&self) -> HalfClosed {
        if self.phase.load(Relaxed) != Phase::Busy as u8 {
            return HalfClosed::Over;
        }
        if self.half_closed.load(Relaxed) == 0 {
            self.half_closed.store(self.until_gone(), Relaxed);
        }
        match self.is_over(&self.half_closed) {
            true => HalfClosed::Over,
            false => HalfClosed::Waits,
        }
    }

    fn until_gone(&self) -> Tick {
        self.core.clock.after(self.limits().half_close)
    }

    /// The client may still send something that the response does not wait for.
    pub(crate) fn on_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    /// Nothing more comes of the request.
    pub(crate) fn on_all_read(&self) {
        self.unread.store(false, Relaxed);
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// A request's head is complete. Whether a body follows it.
    pub(crate) fn on_request(&self, has_body: bool) {
        self.unread.store(has_body, Relaxed);
        self.enter(Phase::Busy, 0);
    }

    /// The application waits for more of the body, until `deadline`.
    pub(crate) fn on_body_wait(&self, deadline: Tick) {
        self.enter(Phase::Body, deadline);
        if self.half_closed.load(Relaxed) != 0 {
            // The end of the input is one of the body now, and the connection's task may have looked before.
            self.waker.wake();
        }
    }

    /// A piece of the body is there, or the body is complete or no longer wanted.
    pub(crate) fn on_body_end(&self) {
        if self.phase.load(Relaxed) == Phase::Body as u8 {
            self.enter(Phase::Busy, 0);
        }
    }

    /// The response is complete.
    pub(crate) fn on_response_end(&self) {
        self.half_closed.store(0, Relaxed);
        self.streaming.store(false, Relaxed);
        let held = self.held.lock().take();
        drop(held);
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
        if self.half_closed.load(Relaxed) != 0 {
            self.half_closed.store(self.until_gone(), Relaxed);
        }
    }

    fn enter(&self, phase: Phase, deadline: Tick) {
        self.phase.store(phase as u8, Relaxed);
        self.read_deadline.store(deadline, Relaxed);
    }
}

impl Watched for Watch {
    fn sweep(&self, now: Tick) {
        // The connection's task looks again itself: what came in the meantime counts.
        let passed = |deadline: &AtomicU32| (1..=now).contains(&deadline.load(Relaxed));
        let half_closed = self.half_closed.load(Relaxed) != 0;
        if half_closed || passed(&self.read_deadline) || passed(&self.write_deadline) {
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
