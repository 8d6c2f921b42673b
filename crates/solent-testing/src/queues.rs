//! The two queues between a test and an application.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use solent_spec::{Closed, ClosedSignal, Protocol, SendError, Transport};

use crate::Rules;

/// The queues and what both sides know of the connection. Cheap to clone.
pub(crate) struct Queues<P: Protocol>(Arc<Mutex<State<P>>>);

/// Never locked while anything is polled.
pub(crate) struct State<P: Protocol> {
    rules: Box<dyn Rules<P>>,
    input: VecDeque<P::Inbound>,
    output: VecDeque<P::Outbound>,
    /// Events that may wait in each queue before its sender has to.
    capacity: usize,
    /// The client will not send anything any more.
    left: bool,
    /// The client is gone as well, so that sending to it fails.
    gone: bool,
    /// Tells the application that the client is gone, or has sent its last event.
    closed: ClosedSignal,
    /// Wakes the application: input, room for output, or the end.
    application: Option<Waker>,
    /// Wakes the test: output or room for input.
    client: Option<Waker>,
}

/// An application that does not flush what it feeds may go this many times beyond the capacity.
const UNFLUSHED: usize = 4;

impl<P: Protocol> Queues<P> {
    pub(crate) fn new(rules: impl Rules<P>, capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            rules: Box::new(rules),
            input: VecDeque::new(),
            output: VecDeque::new(),
            capacity,
            left: false,
            gone: false,
            closed: ClosedSignal::default(),
            application: None,
            client: None,
        })))
    }

    /// Queues an event for the application once there is room.
    pub(crate) fn poll_push(&self, event: &mut Option<P::Inbound>, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.input.len() >= state.capacity {
            state.client = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(event) = event.take() {
            state.push(event);
        }
        state.wake_application();
        Poll::Ready(())
    }

    /// Takes what the application sent next.
    pub(crate) fn poll_pop(&self, cx: &Context<'_>) -> Poll<P::Outbound> {
        let mut state = self.0.lock();
        match state.output.pop_front() {
            Some(event) => {
                state.wake_application();
                Poll::Ready(event)
            }
            None => {
                state.client = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Looks at what the application sent next.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&P::Outbound) -> T) -> Option<T> {
        self.0.lock().output.front().map(look)
    }

    /// The client sends nothing any more; what it sent is still received.
    pub(crate) fn end_input(&self) {
        let mut state = self.0.lock();
        state.left = true;
        state.wake_application();
    }

    /// The client is gone; what it sent is still received.
    pub(crate) fn leave(&self) {
        let mut state = self.0.lock();
        state.gone = true;
        state.closed.close();
        drop(state);
        self.end_input();
    }

    /// Queues an event of the application's if the rules allow it and there is room.
    pub(crate) fn offer(&self, event: P::Outbound) -> Result<(), Refusal> {
        let mut state = self.0.lock();
        if state.output.len() >= state.capacity {
            return Err(Refusal::Full);
        }
        state.send(event, usize::MAX).map_err(Refusal::Rules)
    }
}

impl<P: Protocol> Clone for Queues<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Why an event was not queued.
pub(crate) enum Refusal {
    /// The test has left too much unread.
    Full,
    /// The rules do not allow it.
    Rules(SendError),
}

impl<P: Protocol> State<P> {
    fn push(&mut self, event: P::Inbound) {
        if self.rules.ends(&event) {
            self.closed.close();
        }
        self.input.push_back(event);
    }

    fn receive(&mut self) -> Poll<Option<P::Inbound>> {
        let over = self.rules.is_over();
        if over {
            self.input.clear();
        }
        if let Some(event) = self.input.pop_front() {
            self.rules.received(&event);
            self.wake_client();
            return Poll::Ready(Some(event));
        }
        if over || self.left {
            return Poll::Ready(self.rules.last());
        }
        Poll::Pending
    }

    fn send(&mut self, event: P::Outbound, limit: usize) -> Result<(), SendError> {
        if self.gone {
            return Err(SendError::Closed);
        }
        if self.output.len() >= limit {
            return Err(SendError::Overflow);
        }
        self.rules.sent(&event)?;
        self.output.push_back(event);
        if self.rules.is_over() {
            // The client answers at once.
            self.closed.close();
        }
        self.wake_client();
        Ok(())
    }

    fn wake_application(&mut self) {
        self.application.take().inspect(Waker::wake_by_ref);
    }

    fn wake_client(&mut self) {
        self.client.take().inspect(Waker::wake_by_ref);
    }
}

/// The application's end of the queues.
pub(crate) struct QueueTransport<P: Protocol> {
    queues: Queues<P>,
    direct: Option<Direct<P>>,
}

/// Makes a way round the events.
pub(crate) type Direct<P> = fn(&Queues<P>) -> <P as Protocol>::Direct;

impl<P: Protocol> QueueTransport<P> {
    pub(crate) fn new(queues: Queues<P>, direct: Option<Direct<P>>) -> Self {
        Self { queues, direct }
    }
}

impl<P: Protocol> Transport<P> for QueueTransport<P> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        let mut state = self.queues.0.lock();
        let received = state.receive();
        if received.is_pending() {
            state.application = Some(cx.waker().clone());
        }
        received
    }

    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        let mut state = self.queues.0.lock();
        let limit = state.capacity.saturating_mul(UNFLUSHED);
        state.send(event, limit)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.queues.0.lock();
        if state.gone && !state.output.is_empty() {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.output.len() <= state.capacity {
            return Poll::Ready(Ok(()));
        }
        state.application = Some(cx.waker().clone());
        Poll::Pending
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.direct.map(|direct| direct(&self.queues))
    }

    fn closed(&self) -> Closed {
        self.queues.0.lock().closed.closed()
    }
}
