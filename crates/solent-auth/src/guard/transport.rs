//! The transport of a connection that may be ended from outside.

use std::task::{Context, Poll, Waker};

use http::{Response, StatusCode};
use solent_spec::{Body, Closed, HttpProtocol, SendError, Transport, websocket::Close};

use super::{Verdict, Watch, body::GuardedBody};

/// A transport, and what may end it.
pub(crate) struct Guarded<P: HttpProtocol, W> {
    inner: Box<dyn Transport<P>>,
    /// Until it has ended the connection, or has gone with the body of a response.
    watch: Option<W>,
    stage: Stage,
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

impl<P: HttpProtocol, W: Watch> Guarded<P, W> {
    pub(super) fn new(inner: Box<dyn Transport<P>>, watch: W) -> Self {
        Self {
            inner,
            watch: Some(watch),
            stage: Stage::Unanswered,
        }
    }

    /// Does what the watch wants done by now.
    fn poll_watch(&mut self, cx: &mut Context<'_>) {
        while let Some(watch) = &mut self.watch {
            match watch.poll_watch(cx) {
                Poll::Pending => return,
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
    }

    fn end(&mut self, close: Close) {
        self.watch = None;
        if self.stage == Stage::Unanswered && self.refuse().is_ok() {
            return;
        }
        self.stage = Stage::Ending;
        for event in P::end(close) {
            // What does not apply, or comes too late, is refused.
            let _ = self.inner.start_send(event);
        }
    }

    /// Refuses a request that has not been answered, where the protocol does it with a response.
    fn refuse(&mut self) -> Result<(), SendError> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        self.inner.start_send(P::respond(response))?;
        self.stage = Stage::Ending;
        Ok(())
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

impl<P: HttpProtocol, W: Watch> Transport<P> for Guarded<P, W> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        if self.stage == Stage::Unanswered {
            // Most requests are answered without a wait, and never cost the watch a thought.
            let received = self.inner.poll_receive(cx);
            if received.is_ready() {
                return received;
            }
        }
        self.poll_watch(cx);
        if self.stage == Stage::Ending {
            let _ = self.inner.poll_flush(cx);
        }
        self.inner.poll_receive(cx)
    }

    fn start_send(&mut self, mut event: P::Outbound) -> Result<(), SendError> {
        if self.stage == Stage::Answered {
            // What has happened since the application waited last. Whoever waits next polls again, with a waker of its own.
            let cx = &mut Context::from_waker(Waker::noop());
            self.poll_watch(cx);
            if self.stage == Stage::Ending {
                let _ = self.inner.poll_flush(cx);
            }
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

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let flushed = self.inner.poll_flush(cx);
        if flushed.is_ready() || self.stage != Stage::Answered {
            return flushed;
        }
        self.poll_watch(cx);
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.inner.direct()
    }

    fn closed(&self) -> Closed {
        self.inner.closed()
    }

    fn take_overhead(&mut self) -> usize {
        self.inner.take_overhead()
    }
}
