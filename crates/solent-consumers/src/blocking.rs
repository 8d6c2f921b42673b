//! Consumers whose handlers block.
//!
//! A handler runs on the runtime's blocking pool while the connection's task waits for it and does what it asks for:
//! the context of a blocking handler hands its calls over, one at a time, and waits for the answers.

use std::{
    future::Future,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Wake},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use solent_spec::{AppError, Result, SendError};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::{JoinHandle, spawn_blocking},
};

use crate::{ConsumerContext, ContextError};

/// What runs now; fair, so that whoever waits longest is next.
static HANDLERS: Semaphore = Semaphore::const_new(DEFAULT_LIMIT);

/// How many may run. Held for a few instructions.
static LIMIT: Mutex<usize> = Mutex::new(DEFAULT_LIMIT);

/// Half of the threads that Tokio's blocking pool has by default.
const DEFAULT_LIMIT: usize = 256;

/// Sets how many handlers of blocking consumers may run at a time in this process, whatever their consumers and runtimes; further
/// ones wait, in the order in which they came. Default: 256.
///
/// They run on the runtime's blocking pool, which others need as well: file systems, databases, and libraries that handlers
/// may be waiting for. So this has to stay well below the pool's size, which is 512 threads unless
/// [`max_blocking_threads`](tokio::runtime::Builder::max_blocking_threads) says otherwise; half of it is a good measure. Call it
/// when the program starts: a lower limit does not hold for what runs already.
///
/// ```
/// # use std::num::NonZeroUsize;
/// let runtime = tokio::runtime::Builder::new_multi_thread()
///     .max_blocking_threads(1_000)
///     .build()?;
/// solent_consumers::limit_sync_handlers(NonZeroUsize::new(500).unwrap_or(NonZeroUsize::MIN));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn limit_sync_handlers(handlers: NonZeroUsize) {
    let wanted = handlers.get().min(Semaphore::MAX_PERMITS);
    let mut limit = LIMIT.lock();
    if wanted > *limit {
        HANDLERS.add_permits(wanted - *limit);
        *limit = wanted;
    } else {
        *limit -= HANDLERS.forget_permits(*limit - wanted);
    }
}

/// A call of a context's method, on its way from a handler to the connection's task.
type Command<X> =
    Box<dyn for<'a> FnOnce(&'a mut X) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send>;

/// A call's future.
pub(crate) type Call<'a, T, F> = Pin<Box<dyn Future<Output = Result<T, F>> + Send + 'a>>;

/// A consumer that is lent to the blocking pool for each of its handlers.
pub(crate) struct Lent<C> {
    place: Place<C>,
}

enum Place<C> {
    Here(Box<C>),
    /// In a handler. Stays so if the future that waits for the handler is dropped.
    Away(JoinHandle<Returned<C>>),
    /// Never seen from outside.
    Moving,
}

/// A consumer comes back with the result of its handler, or with its panic.
type Returned<C> = (Box<C>, thread::Result<Result>);

impl<C: Send + 'static> Lent<C> {
    pub(crate) fn new(consumer: C) -> Self {
        Self {
            place: Place::Here(Box::new(consumer)),
        }
    }

    /// The consumer, while no handler runs.
    pub(crate) fn here(&self) -> Option<&C> {
        match &self.place {
            Place::Here(consumer) => Some(consumer),
            _ => None,
        }
    }

    /// Runs a handler on the blocking pool, and meanwhile does for it, with `cx`, what it asks for.
    ///
    /// A handler that was left running by a dropped future is waited for first.
    pub(crate) async fn run<X, H>(&mut self, cx: &mut X, handler: H) -> Result
    where
        X: Send + 'static,
        H: FnOnce(&mut C, Remote<X>) -> Result + Send + 'static,
    {
        // It stays here while there is no thread for it, so that `disconnect` finds it.
        let consumer = self.take_back().await?.0;
        self.place = Place::Here(consumer);
        let permit = HANDLERS.acquire().await.map_err(|_| SendError::Closed)?;
        let Place::Here(mut consumer) = std::mem::replace(&mut self.place, Place::Moving) else {
            return Err(SendError::Closed.into());
        };
        let (commands, mut calls) = mpsc::channel(1);
        let remote = Remote::new(commands);
        self.place = Place::Away(spawn_blocking(move || {
            // The caller passes a panic on; after one, the consumer is only asked to disconnect.
            let handler = AssertUnwindSafe(|| handler(&mut consumer, remote));
            let outcome = catch_unwind(handler);
            drop(permit);
            (consumer, outcome)
        }));
        // Ends when the handler lets go of its remote.
        while let Some(command) = calls.recv().await {
            command(cx).await;
        }
        let (consumer, outcome) = self.take_back().await?;
        self.place = Place::Here(consumer);
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    async fn take_back(&mut self) -> Result<Returned<C>> {
        if let Place::Away(handler) = &mut self.place {
            let returned = handler.await;
            self.place = Place::Moving;
            return Ok(returned?);
        }
        match std::mem::replace(&mut self.place, Place::Moving) {
            Place::Here(consumer) => Ok((consumer, Ok(Ok(())))),
            // The runtime was shut down before a handler could run.
            _ => Err(SendError::Closed.into()),
        }
    }
}

/// Waits for a future on this thread, without a runtime. Returns whether it was ready in time.
pub(crate) fn wait(future: impl Future<Output = ()>, timeout: Duration) -> bool {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let (mut future, start) = (pin!(future), Instant::now());
    while future
        .as_mut()
        .poll(&mut Context::from_waker(&waker))
        .is_pending()
    {
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return false;
        }
        thread::park_timeout(left);
    }
    true
}

/// The connection's task has been given up by the server.
pub(crate) struct Gone;

impl From<Gone> for AppError {
    fn from(_: Gone) -> Self {
        SendError::Closed.into()
    }
}

impl From<Gone> for ContextError {
    fn from(_: Gone) -> Self {
        Self::Over(SendError::Closed)
    }
}

/// What a blocking handler reaches its context through.
pub(crate) struct Remote<X> {
    hand_over: Arc<dyn Fn(Command<X>) -> Result<(), SendError> + Send + Sync>,
}

/// A context of consumers, which has what all of them have in common.
pub(crate) trait Act: Send + 'static {
    type Event: Send + Sync + 'static;

    fn shared_mut(&mut self) -> &mut ConsumerContext<Self::Event>;
}

impl<X: Send + 'static> Remote<X> {
    fn new(commands: mpsc::Sender<Command<X>>) -> Self {
        // Without its task, a connection is over.
        let hand_over = move |command| {
            commands
                .blocking_send(command)
                .map_err(|_| SendError::Closed)
        };
        Self {
            hand_over: Arc::new(hand_over),
        }
    }

    /// Has the connection's task make a call, and waits for its result.
    ///
    /// # Errors
    ///
    /// The call's own, and a connection that is over.
    pub(crate) fn call<T: Send + 'static, F: From<Gone> + Send + 'static>(
        &mut self,
        call: impl for<'a> FnOnce(&'a mut X) -> Call<'a, T, F> + Send + 'static,
    ) -> Result<T, F> {
        let (reply, answer) = oneshot::channel();
        (self.hand_over)(Box::new(move |cx| {
            let call = call(cx);
            Box::pin(async move {
                // A handler that does not wait for the answer any more has panicked.
                let _ = reply.send(call.await);
            })
        }))
        .map_err(|_| Gone)?;
        answer.blocking_recv().map_err(|_| Gone)?
    }
}

impl<X: Act> Remote<X> {
    /// The same for what all contexts have in common.
    pub(crate) fn shared(&self) -> Remote<ConsumerContext<X::Event>> {
        let hand_over = Arc::clone(&self.hand_over);
        Remote {
            hand_over: Arc::new(move |command| hand_over(Box::new(|cx| command(cx.shared_mut())))),
        }
    }
}
