//! The state that a guard and the transport of its application share.

use std::task::{Context, Poll, Waker};

use http::{Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use solent_spec::{
    Body, Closed, ClosedSignal, HttpProtocol, SendError, Transport, websocket::Close,
};

use super::{Verdict, Watch, body::GuardedBody};

/// A transport, and what may end it.
pub(super) struct Guarded<P: HttpProtocol> {
    inner: Box<dyn Transport<P>>,
    /// Until it has ended the connection, or has gone with the body of a response.
    watch: Option<Box<dyn Watch>>,
    stage: Stage,
    /// The task that runs the application, which the watch is to wake. Absent before that task has first waited.
    task: Option<Waker>,
    /// Tells the application that the watch has ended its connection; made when the application first asks.
    signal: Option<ClosedSignal>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The application has not answered the request.
    Unanswered,
    /// It has.
    Answered,
    /// The watch has ended the connection. Its last events may have to be flushed yet.
    Ending,
}

/// A [`Guarded`] with two owners: the application's transport, and the future that runs the application. Mostly they are in
/// one task. Locked for one poll or one event of the transport, never across a wait.
pub(super) struct Shared<P: HttpProtocol>(Mutex<Guarded<P>>);

impl<P: HttpProtocol> Shared<P> {
    pub(super) fn new(inner: Box<dyn Transport<P>>, watch: impl Watch) -> Self {
        Self(Mutex::new(Guarded {
            inner,
            watch: Some(Box::new(watch)),
            stage: Stage::Unanswered,
            task: None,
            signal: None,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Guarded<P>> {
        self.0.lock()
    }
}

impl<P: HttpProtocol> Guarded<P> {
    /// Does what the watch wants done by now, and has it wake the task of `cx` later. Returns whether the watch has ended
    /// the connection, now or before.
    pub(super) fn look(&mut self, cx: &Context<'_>) -> bool {
        if self.watch.is_some() {
            match &mut self.task {
                Some(task) => task.clone_from(cx.waker()),
                None => self.task = Some(cx.waker().clone()),
            }
            self.poll_watch();
        }
        self.stage == Stage::Ending
    }

    fn poll_watch(&mut self) {
        let task = self.task.take();
        let mut cx = Context::from_waker(task.as_ref().unwrap_or(Waker::noop()));
        while let Some(watch) = &mut self.watch {
            match watch.poll_watch(&mut cx) {
                Poll::Pending => break,
                Poll::Ready(Verdict::Close(close)) => self.end(close),
                Poll::Ready(Verdict::Send(frame)) => {
                    if self.stage == Stage::Answered
                        && let Some(notice) = P::notice(frame)
                    {
                        // Refused where the socket is being closed; the client need not know any more.
                        let _ = self.inner.start_send(notice);
                    }
                }
            }
        }
        self.task = task;
    }

    /// Ends the connection, unless the application or the client has done so.
    fn end(&mut self, close: Close) {
        self.watch = None;
        let refused = self.stage == Stage::Unanswered && self.refuse().is_ok();
        if !refused && !self.send_end(close) {
            return;
        }
        self.stage = Stage::Ending;
        self.flush_end();
        if let Some(signal) = &self.signal {
            signal.close();
        }
    }

    /// Refuses a request that has not been answered, where the protocol does it with a response.
    fn refuse(&mut self) -> Result<(), SendError> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        self.inner.start_send(P::respond(response))
    }

    /// Ends a connection that has been answered, and returns whether there was anything to end. An event that does not
    /// apply, or comes too late, is refused by the transport.
    fn send_end(&mut self, close: Close) -> bool {
        let events = P::end(close).into_iter();
        let sent = events.filter_map(|event| self.inner.start_send(event).ok());
        sent.count() > 0
    }

    /// Writes the last events as far as they go at once. Servers write the rest without being polled.
    fn flush_end(&mut self) {
        let _ = self
            .inner
            .poll_flush(&mut Context::from_waker(Waker::noop()));
    }

    /// Lets the watch go along with a body that is streamed without the application.
    fn guard_body(&mut self, event: &mut P::Outbound) {
        if let Some(body) = P::response_body(event)
            && body.as_full().is_none()
            && let Some(watch) = self.watch.take()
        {
            *body = Body::stream(GuardedBody::new(std::mem::take(body), watch));
        }
    }
}

/// What the application does with its connection.
impl<P: HttpProtocol> Guarded<P> {
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        if self.stage == Stage::Ending {
            let _ = self.inner.poll_flush(cx);
        }
        self.inner.poll_receive(cx)
    }

    pub(super) fn start_send(&mut self, mut event: P::Outbound) -> Result<(), SendError> {
        if self.stage == Stage::Answered {
            // Something may have happened since the task of the application last waited.
            self.poll_watch();
        }
        if self.stage == Stage::Ending {
            return Err(SendError::Closed);
        }
        self.guard_body(&mut event);
        let answers = P::response_headers(&mut event).is_some();
        self.inner.start_send(event)?;
        if answers {
            self.stage = Stage::Answered;
        }
        Ok(())
    }

    pub(super) fn closed(&mut self) -> Closed {
        let signal = self.signal.get_or_insert_default();
        if self.stage == Stage::Ending {
            signal.close();
        }
        signal.closed().or(self.inner.closed())
    }

    pub(super) fn inner(&mut self) -> &mut dyn Transport<P> {
        &mut *self.inner
    }
}
