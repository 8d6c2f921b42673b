//! Consumers whose handlers block.
//!
//! A handler runs on the runtime's blocking pool while the connection's task waits for it and does what it asks for:
//! the context of a blocking handler hands its calls over, one at a time, and waits for the answers.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    thread,
};

use solent_spec::{Result, SendError};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, spawn_blocking},
};

use crate::ConsumerContext;

/// A call of a context's method, on its way from a handler to the connection's task.
type Command<X> =
    Box<dyn for<'a> FnOnce(&'a mut X) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send>;

/// A call's future.
pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

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
        let mut consumer = self.take_back().await?.0;
        let (commands, mut calls) = mpsc::channel(1);
        let remote = Remote::new(commands);
        self.place = Place::Away(spawn_blocking(move || {
            // The caller passes a panic on; after one, the consumer is only asked to disconnect.
            let handler = AssertUnwindSafe(|| handler(&mut consumer, remote));
            let outcome = catch_unwind(handler);
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

/// What a blocking handler reaches its context through.
pub(crate) struct Remote<X> {
    hand_over: Arc<dyn Fn(Command<X>) -> Result<(), SendError> + Send + Sync>,
}

/// A context of consumers, which has what all of them have in common.
pub(crate) trait Act: Send + 'static {
    fn shared_mut(&mut self) -> &mut ConsumerContext;
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
    pub(crate) fn call<T: Send + 'static>(
        &mut self,
        call: impl for<'a> FnOnce(&'a mut X) -> Call<'a, T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        (self.hand_over)(Box::new(move |cx| {
            let call = call(cx);
            Box::pin(async move {
                // A handler that does not wait for the answer any more has panicked.
                let _ = reply.send(call.await);
            })
        }))?;
        answer.blocking_recv().map_err(|_| SendError::Closed)?
    }
}

impl<X: Act> Remote<X> {
    /// The same for what all contexts have in common.
    pub(crate) fn shared(&self) -> Remote<ConsumerContext> {
        let hand_over = Arc::clone(&self.hand_over);
        Remote {
            hand_over: Arc::new(move |command| hand_over(Box::new(|cx| command(cx.shared_mut())))),
        }
    }
}
