//! The wrapper that holds a response back.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker, ready},
};

use http::HeaderMap;
use solent_spec::{BoxFuture, Closed, HttpProtocol, SendError, Transport};

use super::{
    CookieJar,
    hook::{HookResult, answer, append},
};

/// How many events may be fed to a response that is held back.
const MAX_HELD: usize = 256;

/// A transport that runs the hooks of a jar before the first event of a response leaves, and from then on only passes on.
///
/// Hooks that do not have to wait are done while the event is taken. Those that have to are driven by the call that flushes or
/// receives; the event, and those after it, are held back meanwhile.
pub(crate) struct BeforeResponse<P: HttpProtocol> {
    inner: Box<dyn Transport<P>>,
    phase: Phase<P>,
}

enum Phase<P: HttpProtocol> {
    /// There has been no response.
    Waiting(CookieJar),
    Held(Box<Held<P>>),
    /// The response has left.
    Passing,
}

/// A response that is held back.
struct Held<P: HttpProtocol> {
    /// What it waits for, until that is done.
    hooks: Option<BoxFuture<HookResult>>,
    /// What the hooks add to the response.
    headers: HeaderMap,
    /// The response's first event, and those after it.
    events: VecDeque<P::Outbound>,
    /// What went wrong while no call was there to return it.
    error: Option<SendError>,
}

impl<P: HttpProtocol> BeforeResponse<P> {
    pub(crate) fn new(inner: Box<dyn Transport<P>>, jar: CookieJar) -> Self {
        let phase = Phase::Waiting(jar);
        Self { inner, phase }
    }

    /// Takes the first event of a response.
    fn hold(&mut self, jar: CookieJar, event: P::Outbound) -> Result<(), SendError> {
        let Some(status) = P::response_status(&event) else {
            self.phase = Phase::Waiting(jar);
            return self.inner.start_send(event);
        };
        self.phase = Phase::Held(Box::new(Held {
            hooks: Some(Box::pin(answer(jar, status))),
            headers: HeaderMap::new(),
            events: VecDeque::from([event]),
            error: None,
        }));
        // The flush polls again, with a waker of its own.
        match self.poll_hooks(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Ok(()),
        }
    }

    /// Drives the hooks and, once they are done, lets go what is held back.
    fn poll_hooks(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Phase::Held(held) = &mut self.phase else {
            return Poll::Ready(Ok(()));
        };
        if let Some(error) = held.error.take() {
            return Poll::Ready(Err(error));
        }
        let Some(hooks) = &mut held.hooks else {
            return Poll::Ready(Ok(()));
        };
        let verdict = ready!(hooks.as_mut().poll(cx));
        held.hooks = None;
        Poll::Ready(self.release(verdict))
    }

    fn release(&mut self, verdict: HookResult) -> Result<(), SendError> {
        let Phase::Held(held) = &mut self.phase else {
            return Ok(());
        };
        match verdict {
            Ok(headers) => {
                held.headers = headers;
                for event in std::mem::take(&mut held.events) {
                    self.send_released(event)?;
                }
                Ok(())
            }
            // What the application sends after this finds the exchange complete.
            Err(response) => {
                self.phase = Phase::Passing;
                self.inner.start_send(P::respond(*response))
            }
        }
    }

    /// Sends an event after the hooks have run. The transport may refuse it as illegal; then the headers wait for the next one.
    fn send_released(&mut self, mut event: P::Outbound) -> Result<(), SendError> {
        let Phase::Held(held) = &mut self.phase else {
            return self.inner.start_send(event);
        };
        let Some(headers) = P::response_headers(&mut event) else {
            return self.inner.start_send(event);
        };
        append(headers, held.headers.clone());
        self.inner.start_send(event)?;
        self.phase = Phase::Passing;
        Ok(())
    }
}

impl<P: HttpProtocol> Transport<P> for BeforeResponse<P> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        if let Poll::Ready(Err(error)) = self.poll_hooks(cx)
            && let Phase::Held(held) = &mut self.phase
        {
            held.error = Some(error);
        }
        self.inner.poll_receive(cx)
    }

    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        match std::mem::replace(&mut self.phase, Phase::Passing) {
            Phase::Passing => self.inner.start_send(event),
            Phase::Waiting(jar) => self.hold(jar, event),
            Phase::Held(mut held) if held.hooks.is_some() => {
                let room = held.events.len() < MAX_HELD;
                if room {
                    held.events.push_back(event);
                }
                self.phase = Phase::Held(held);
                room.then_some(()).ok_or(SendError::Illegal(
                    "too many events were fed while the response waits, flush first",
                ))
            }
            held => {
                self.phase = held;
                self.send_released(event)
            }
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_hooks(cx))?;
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.inner.direct()
    }

    fn closed(&self) -> Closed {
        self.inner.closed()
    }

    fn routed(&mut self, route: &solent_spec::request::UrlRoute) {
        self.inner.routed(route);
    }

    fn take_overhead(&mut self) -> usize {
        self.inner.take_overhead()
    }
}

impl<P: HttpProtocol> Drop for BeforeResponse<P> {
    fn drop(&mut self) {
        match &self.phase {
            // Hooks may hold what holds the jar.
            Phase::Waiting(jar) => drop(jar.close()),
            Phase::Held(held) if held.hooks.is_some() => {
                tracing::warn!(
                    target: "solent::session",
                    protocol = P::NAME,
                    "application ended without flushing its response, which is lost"
                );
            }
            _ => {}
        }
    }
}
