//! Driving a consumer through its connection.

use std::{
    future::{Future, poll_fn, ready},
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{self, Context, Poll},
    time::Duration,
};

use solent_spec::{AppError, BoxFuture, Chain, Closed, Result, is_disconnect};

use crate::{
    ConsumerCounts, HandlerPanicked,
    counts::Counted,
    finishing,
    who::{Who, tell},
};

/// A handler's call. Boxed, so that an idle connection does not carry the size of its largest handler.
pub(crate) type Handling<'a> = Pin<Box<dyn Future<Output = Result> + Send + 'a>>;

/// A consumer with its context: one connection.
pub(crate) trait Session: Send + Sized + 'static {
    /// One thing to be handled.
    type Step: Send;

    /// Waits for the next thing to handle; `None` when the connection is over.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Step>>;

    /// Calls the handler for it.
    fn handle(&mut self, step: Self::Step) -> Handling<'_>;

    /// What ends the next handler before its time; `None` if it runs to its end.
    fn cancel(&mut self) -> Option<Cancel> {
        None
    }

    /// A handler was given up because its client is gone. Nothing but the end is still to be received.
    fn given_up(&mut self) {}

    /// Takes the error of a handler: goes on after a refusal, or breaks off with the error.
    fn failed(&mut self, error: AppError) -> ControlFlow<AppError>;

    /// Which consumer and client it is, for the log.
    fn who(&self) -> Who;

    /// Whether a handler has been called, so that `disconnect` has to be.
    fn is_begun(&self) -> bool;

    /// Finds out why the connection is over if its end was not received: a handler failed with `error`, or the
    /// connection's task is dropped.
    fn broken_off(&mut self, error: Option<&AppError>);

    /// Calls the consumer's `disconnect`.
    fn disconnect(&mut self) -> Handling<'_>;

    /// Lets go of everything that lasts as long as the connection.
    fn release(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What the sessions of an application have in common.
#[derive(Debug)]
pub struct Common {
    pub(crate) counts: Arc<ConsumerCounts>,
    /// How long a `disconnect` may take that outlives its connection's task.
    pub(crate) disconnect_deadline: Duration,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            counts: Arc::default(),
            disconnect_deadline: Duration::from_secs(5),
        }
    }
}

/// What makes a session of a connection; no session if the connection has been answered, or is gone.
pub(crate) type Starting<S> = BoxFuture<Result<Option<S>>>;

/// Runs a session: one handler at a time, and `disconnect` in the end, whatever ends it.
///
/// This future is what a connection keeps for as long as it lives, so it holds the session and nothing else: everything that
/// it waits for is boxed.
pub(crate) fn drive<S: Session>(
    starting: Starting<S>,
    common: Arc<Common>,
) -> impl Future<Output = Result> + Send {
    let state = State::Starting(starting);
    let mut owner = Owner { state, common };
    async move {
        loop {
            let step = poll_fn(|cx| owner.poll_step(cx)).await;
            let Some(step) = step? else {
                break;
            };
            let State::Live(session) = &mut owner.state else {
                continue;
            };
            match call(session, step).await {
                Ok(()) => {}
                Err(error) => owner.failed(error),
            }
        }
        owner.begin_end(None);
        poll_fn(|cx| owner.poll_end(cx)).await
    }
}

/// Calls the handler for a step. What may end it before its time is boxed with it, so that no other connection carries it.
fn call<S: Session>(session: &mut S, step: S::Step) -> Guarded<Handling<'_>> {
    let cancel = session.cancel();
    let handling = guarded(|| session.handle(step));
    match cancel {
        None => handling,
        Some(cancel) => Guarded(Box::pin(Cancelable { handling, cancel })),
    }
}

/// Owns a session until its `disconnect` has run.
///
/// If the connection's task is dropped before, `disconnect` moves to a task of its own.
struct Owner<S: Session> {
    state: State<S>,
    common: Arc<Common>,
}

enum State<S> {
    Starting(Starting<S>),
    Live(S),
    Ending(BoxFuture<Result<(), Failed>>),
    Done,
}

impl<S: Session> Owner<S> {
    /// Waits for the next thing to handle; `None` when it is time for the end.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<S::Step>>> {
        if let State::Starting(starting) = &mut self.state {
            let started = task::ready!(starting.as_mut().poll(cx));
            self.state = State::Done;
            let Some(session) = started? else {
                return Poll::Ready(Ok(None));
            };
            self.state = State::Live(session);
        }
        match &mut self.state {
            State::Live(session) => session.poll_step(cx).map(Ok),
            _ => Poll::Ready(Ok(None)),
        }
    }

    fn failed(&mut self, error: AppError) {
        let State::Live(session) = &mut self.state else {
            return;
        };
        if error.is::<GivenUp>() {
            session.given_up();
        } else if let ControlFlow::Break(error) = session.failed(error) {
            self.begin_end(Some(error));
        }
    }

    fn begin_end(&mut self, failure: Option<AppError>) {
        let mut session = match std::mem::replace(&mut self.state, State::Done) {
            State::Live(session) => session,
            state => return self.state = state,
        };
        if let Some(error) = &failure {
            note(error, &self.common.counts, || session.who());
            session.broken_off(Some(error));
        }
        let common = Arc::clone(&self.common);
        self.state = State::Ending(Box::pin(end(session, failure, common)));
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result> {
        let State::Ending(ending) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let result = task::ready!(ending.as_mut().poll(cx));
        self.state = State::Done;
        Poll::Ready(result.map_err(|failed| failed.error))
    }
}

/// What a session ended with, and whose it was.
pub(crate) struct Failed {
    pub(crate) error: AppError,
    pub(crate) who: Who,
}

async fn end<S: Session>(
    mut session: S,
    failure: Option<AppError>,
    common: Arc<Common>,
) -> Result<(), Failed> {
    let disconnected = if session.is_begun() {
        guarded(|| session.disconnect()).await
    } else {
        Ok(())
    };
    if let Err(error) = &disconnected {
        note(error, &common.counts, || session.who());
        // Only one error can be returned.
        if failure.is_some() && !is_disconnect(error.as_ref()) {
            tell!(error, session.who(), error = %Chain(&**error), "disconnect failed");
        }
    }
    session.release().await;
    let result = failure.map_or(disconnected, Err);
    result.map_err(|error| Failed {
        error,
        who: session.who(),
    })
}

/// Counts a handler's failure.
pub(crate) fn note(error: &AppError, counts: &ConsumerCounts, who: impl FnOnce() -> Who) {
    if error.is::<HandlerPanicked>() {
        counts.count(Counted::Panicked);
        tell!(error, who(), "handler panicked");
    } else if !is_disconnect(error.as_ref()) {
        // Whoever runs the application logs the error.
        counts.count(Counted::Failed);
    }
}

impl<S: Session> Drop for Owner<S> {
    fn drop(&mut self) {
        if let State::Live(session) = &mut self.state {
            if !session.is_begun() {
                return;
            }
            session.broken_off(None);
            self.begin_end(None);
        }
        if let State::Ending(ending) = std::mem::replace(&mut self.state, State::Done) {
            finishing::spawn(ending, Arc::clone(&self.common));
        }
    }
}

/// Calls a handler, and turns its panic into an error.
pub(crate) fn guarded<'a>(call: impl FnOnce() -> Handling<'a>) -> Guarded<Handling<'a>> {
    // A handler written without `async` may panic before there is a future.
    let handling = catch_unwind(AssertUnwindSafe(call));
    Guarded(handling.unwrap_or_else(|_| Box::pin(ready(Err(HandlerPanicked.into())))))
}

/// Turns a panic of a future into an error.
pub(crate) struct Guarded<F>(pub(crate) F);

impl<F: Future<Output = Result> + Unpin> Future for Guarded<F> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        // A handler that panicked is not polled again. Of its consumer, only `disconnect` is called afterwards.
        let future = AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx));
        catch_unwind(future).unwrap_or_else(|_| Poll::Ready(Err(HandlerPanicked.into())))
    }
}

/// Ends a handler once its client is gone.
pub(crate) struct Cancel {
    closed: Closed,
    /// Set by a handler that has ended the connection itself: it is let finish.
    kept: Arc<AtomicBool>,
}

impl Cancel {
    pub(crate) fn new(closed: Closed, kept: Arc<AtomicBool>) -> Self {
        Self { closed, kept }
    }

    fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        !self.kept.load(Relaxed) && Pin::new(&mut self.closed).poll(cx).is_ready()
    }
}

/// A handler was given up, as its client is gone.
#[derive(Debug, thiserror::Error)]
#[error("client is gone")]
struct GivenUp;

/// A handler that ends with [`GivenUp`] once its client is gone.
struct Cancelable<'a> {
    handling: Guarded<Handling<'a>>,
    cancel: Cancel,
}

impl Future for Cancelable<'_> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        if let Poll::Ready(result) = Pin::new(&mut self.handling).poll(cx) {
            return Poll::Ready(result);
        }
        if self.cancel.is_due(cx) {
            return Poll::Ready(Err(GivenUp.into()));
        }
        Poll::Pending
    }
}

/// Polls two sources of events. The one that was asked first the last time is asked second now.
pub(crate) fn poll_either<S, T>(
    state: &mut S,
    turn: fn(&mut S) -> &mut bool,
    cx: &mut Context<'_>,
    mut sources: [fn(&mut S, &mut Context<'_>) -> Poll<T>; 2],
) -> Poll<T> {
    let turn = turn(state);
    *turn = !*turn;
    if *turn {
        sources.reverse();
    }
    for poll in sources {
        let polled = poll(state, cx);
        if polled.is_ready() {
            return polled;
        }
    }
    Poll::Pending
}

/// Lets other tasks have a turn now and then, however much there is to handle.
#[derive(Default)]
pub(crate) struct Turn(u8);

impl Turn {
    const LENGTH: u8 = 64;

    /// Called before each step; pending when the turn is over.
    pub(crate) fn poll_proceed(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.0 == Self::LENGTH {
            self.0 = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0 += 1;
        Poll::Ready(())
    }

    /// Everything has been handled.
    pub(crate) fn pause(&mut self) {
        self.0 = 0;
    }
}
