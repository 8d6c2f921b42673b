//! The client's side of one connection, for any protocol.

use std::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use solent_spec::{
    Application, BoxApplication, Connection, Protocol, Result as AppResult, is_disconnect,
};
use tokio::{task::JoinHandle, time};

use crate::{
    AnyOrder, CommunicatorConfig, CommunicatorError, Rules,
    queues::{Direct, QueueTransport, Queues},
};

/// Holds a conversation with one instance of an application, event by event. For protocols of your own;
/// [`HttpCommunicator`](crate::HttpCommunicator), [`WebSocketCommunicator`](crate::WebSocketCommunicator) and the others
/// speak theirs.
///
/// The application runs on a task of its own from the start. What it sends is received in order, and only after the last
/// of it the [error](CommunicatorError) it ended with. A time-out ends a wait and nothing else.
///
/// Dropping the communicator is leaving without a word: the application learns that the client is gone, and goes on to
/// its end.
///
/// ```
/// use solent_spec::{Channel, Connection, Result, channel::ChannelScope};
/// use solent_testing::{Communicator, CommunicatorError};
///
/// async fn busy(_: Connection<Channel>) -> Result {
///     Err("the disk is full".into())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut communicator = Communicator::start(busy, ChannelScope::new("thumbnails"));
///
/// let error = communicator.wait().await.unwrap_err();
/// assert_eq!(error.application_error().unwrap().to_string(), "the disk is full");
/// # }
/// ```
///
/// # Cancel safety
///
/// Every method may be dropped before it is done: an event is received or sent once or not at all.
#[must_use = "the application learns that its client is gone when the communicator is dropped"]
pub struct Communicator<P: Protocol> {
    queues: Queues<P>,
    config: CommunicatorConfig,
    progress: Progress,
}

/// How far the application has come.
enum Progress {
    Running(JoinHandle<AppResult>),
    Ended(Result<(), CommunicatorError>),
}

impl<P: Protocol> Communicator<P> {
    /// Starts `application` with `scope`, with the default settings and without rules of order.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(application: impl Application<P>, scope: P::Scope) -> Self {
        Self::with_rules(application, scope, AnyOrder, CommunicatorConfig::default())
    }

    /// Starts `application` with `scope`; `rules` say what it may send when.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn with_rules(
        application: impl Application<P>,
        scope: P::Scope,
        rules: impl Rules<P>,
        config: CommunicatorConfig,
    ) -> Self {
        Self::with_direct(application, scope, rules, None, config)
    }

    pub(crate) fn with_direct(
        application: impl Application<P>,
        scope: P::Scope,
        rules: impl Rules<P>,
        direct: Option<Direct<P>>,
        config: CommunicatorConfig,
    ) -> Self {
        let queues = Queues::new(rules, config.capacity.get());
        let direct = direct.filter(|_| config.direct);
        let connection = Connection::new(scope, QueueTransport::new(queues.clone(), direct));
        let application = BoxApplication::new(application);
        // The call is made in the task, so that a panic in it is the application's too.
        let task = tokio::spawn(async move { application.call(connection).await });
        Self {
            queues,
            config,
            progress: Progress::Running(task),
        }
    }

    /// The settings.
    pub fn config(&self) -> &CommunicatorConfig {
        &self.config
    }

    /// Queues the event that a connection begins with, for which there is always room.
    pub(crate) fn begin(&self, event: P::Inbound) {
        let cx = Context::from_waker(Waker::noop());
        let _ = self.queues.poll_push(&mut Some(event), &cx);
    }

    /// Sends an event to the application; waits if it has left too many unread.
    ///
    /// # Errors
    ///
    /// The application has ended, in whichever way, or does not read.
    pub async fn send_input(&mut self, event: P::Inbound) -> Result<(), CommunicatorError> {
        const WANTED: &str = "room for another event";
        let timeout = self.config.timeout;
        let mut event = Some(event);
        let sent = poll_fn(|cx| match self.poll_end(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Err(CommunicatorError::Ended(WANTED))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.queues.poll_push(&mut event, cx).map(Ok),
        });
        within(timeout, WANTED, sent).await
    }

    /// Receives the next event from the application.
    ///
    /// # Errors
    ///
    /// [`Elapsed`](CommunicatorError::Elapsed) if none comes in time; what the application ended with, once all that it
    /// sent has been received.
    pub async fn receive_output(&mut self) -> Result<P::Outbound, CommunicatorError> {
        self.receive("an event").await
    }

    /// The same with a name for what is waited for.
    pub(crate) async fn receive(
        &mut self,
        wanted: &'static str,
    ) -> Result<P::Outbound, CommunicatorError> {
        let timeout = self.config.timeout;
        let received = poll_fn(|cx| {
            // The end is looked at first: what was sent before it is in the queue by then.
            let end = self.poll_end(cx);
            match (self.queues.poll_pop(cx), end) {
                (Poll::Ready(event), _) => Poll::Ready(Ok(event)),
                (Poll::Pending, Poll::Ready(end)) => {
                    Poll::Ready(Err(end.err().unwrap_or(CommunicatorError::Ended(wanted))))
                }
                (Poll::Pending, Poll::Pending) => Poll::Pending,
            }
        });
        within(timeout, wanted, received).await
    }

    /// Checks that the application sends nothing for a [while](CommunicatorConfig::quiet). Takes no time when the clock is
    /// paused, and takes no event.
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) with what was sent; what the application failed with.
    pub async fn receive_nothing(&mut self) -> Result<(), CommunicatorError>
    where
        P::Outbound: fmt::Debug,
    {
        self.receive_nothing_for(self.config.quiet).await
    }

    /// Checks that the application sends nothing for `duration`.
    ///
    /// # Errors
    ///
    /// As [`receive_nothing`](Self::receive_nothing).
    pub async fn receive_nothing_for(&mut self, duration: Duration) -> Result<(), CommunicatorError>
    where
        P::Outbound: fmt::Debug,
    {
        self.receive_nothing_but(duration, |event| format!("{event:?}"))
            .await
    }

    pub(crate) async fn receive_nothing_but(
        &mut self,
        duration: Duration,
        describe: impl FnOnce(&P::Outbound) -> String,
    ) -> Result<(), CommunicatorError> {
        self.settle_for(duration).await;
        if let Some(got) = self.queues.peek(describe) {
            return Err(CommunicatorError::unexpected("nothing", got));
        }
        match poll_fn(|cx| Poll::Ready(self.poll_end(cx))).await {
            Poll::Ready(end) => end,
            Poll::Pending => Ok(()),
        }
    }

    /// Waits for a [while](CommunicatorConfig::quiet), so that the application, and whatever it has started, goes as far as it can.
    /// Takes no time when the clock is paused.
    pub async fn settle(&self) {
        self.settle_for(self.config.quiet).await;
    }

    async fn settle_for(&self, duration: Duration) {
        time::sleep(duration).await;
    }

    /// Waits until the application has ended. One that ends because its client is gone has ended well.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out; then it goes on.
    pub async fn wait(&mut self) -> Result<(), CommunicatorError> {
        let timeout = self.config.timeout;
        within(timeout, "its end", poll_fn(|cx| self.poll_end(cx))).await
    }

    /// Tells the application that there is nothing more to come, after what has been sent: its receives end with its
    /// protocol's last event or with `None`.
    pub fn end_input(&mut self) {
        self.queues.end_input();
    }

    /// Leaves without a word, as a client does that loses its network. The application's sends fail from now on.
    pub fn leave(&mut self) {
        self.queues.leave();
    }

    /// Stops the application wherever it is.
    ///
    /// # Errors
    ///
    /// What it had ended with by itself.
    pub async fn stop(mut self) -> Result<(), CommunicatorError> {
        if let Progress::Running(task) = &mut self.progress {
            task.abort();
        }
        poll_fn(|cx| self.poll_end(cx)).await
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CommunicatorError>> {
        if let Progress::Running(task) = &mut self.progress {
            let result = match ready!(Pin::new(task).poll(cx)) {
                Ok(Err(error)) if !is_disconnect(&*error) => {
                    Err(CommunicatorError::Failed(Arc::from(error)))
                }
                Ok(_) => Ok(()),
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => Err(CommunicatorError::Panicked(message(&*payload))),
                    Err(_) => Ok(()),
                },
            };
            self.progress = Progress::Ended(result);
        }
        match &self.progress {
            Progress::Ended(result) => Poll::Ready(result.clone()),
            Progress::Running(_) => Poll::Pending,
        }
    }
}

impl<P: Protocol> Drop for Communicator<P> {
    fn drop(&mut self) {
        self.queues.leave();
    }
}

impl<P: Protocol> fmt::Debug for Communicator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Communicator")
            .field("protocol", &P::NAME)
            .field("running", &matches!(self.progress, Progress::Running(_)))
            .finish_non_exhaustive()
    }
}

/// Waits for the application, but not for ever.
pub(crate) async fn within<T>(
    timeout: Duration,
    wanted: &'static str,
    wait: impl Future<Output = Result<T, CommunicatorError>>,
) -> Result<T, CommunicatorError> {
    match time::timeout(timeout, wait).await {
        Ok(result) => result,
        Err(_) => Err(CommunicatorError::Elapsed { wanted, timeout }),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
