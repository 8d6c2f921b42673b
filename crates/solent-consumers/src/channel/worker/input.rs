//! What a worker's application reads.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use solent_layer::{Delivery, Mailbox};
use solent_spec::{Channel, Closed, Message, SendError, Transport};
use tokio::sync::watch;

use super::ChannelCounts;

/// A mailbox that one application after the other reads.
pub(super) struct Feed {
    /// Held while polling, never across a wait.
    mailbox: Mutex<Mailbox>,
    counts: Arc<ChannelCounts>,
    /// Messages taken so far.
    messages: AtomicU64,
    /// Whether the application has taken a message and not asked for the next.
    in_hand: AtomicBool,
}

impl Feed {
    pub(super) fn new(mailbox: Mailbox, counts: Arc<ChannelCounts>) -> Arc<Self> {
        Arc::new(Self {
            mailbox: Mutex::new(mailbox),
            counts,
            messages: AtomicU64::new(0),
            in_hand: AtomicBool::new(false),
        })
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }

    /// The application is done with its message. Returns whether it had one.
    pub(super) fn put_away(&self, outcome: impl Fn(&ChannelCounts) -> &AtomicU64) -> bool {
        let had = self.in_hand.swap(false, Relaxed);
        if had {
            self.counts.put_away(outcome(&self.counts));
        }
        had
    }

    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut mailbox = self.mailbox.lock();
        loop {
            match ready!(mailbox.poll_recv(cx)) {
                Some(Delivery::Message(message)) => {
                    self.messages.fetch_add(1, Relaxed);
                    self.in_hand.store(true, Relaxed);
                    self.counts.take();
                    return Poll::Ready(Some(message));
                }
                Some(Delivery::Gap(gap)) => {
                    self.counts.missed.fetch_add(gap.lost, Relaxed);
                    tracing::warn!(
                        target: "solent::consumers",
                        channel = %mailbox.name(),
                        lost = gap.lost,
                        uncounted = gap.uncounted,
                        "a worker missed messages, or may have"
                    );
                }
                // Whatever else a layer tells is not for workers.
                Some(_) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

/// What an application reads.
pub(super) struct Input {
    pub(super) feed: Arc<Feed>,
    /// Set when the mailbox has ended.
    pub(super) ended: Arc<AtomicBool>,
    pub(super) stopped: watch::Receiver<bool>,
    /// Tells the application's handlers.
    pub(super) closed: Closed,
    /// Wakes the application when it is stopped.
    pub(super) stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Transport<Channel> for Input {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.feed.put_away(|counts| &counts.handled);
        // The flag is looked at as well: a task that has used up its turn would not learn of it by waiting.
        if *self.stopped.borrow() || self.stopping.as_mut().poll(cx).is_ready() {
            self.stopping = Box::pin(std::future::ready(()));
            return Poll::Ready(None);
        }
        let message = ready!(self.feed.poll_take(cx));
        if message.is_none() {
            self.ended.store(true, Relaxed);
        }
        Poll::Ready(message)
    }

    fn start_send(&mut self, event: Infallible) -> Result<(), SendError> {
        match event {}
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn closed(&self) -> Closed {
        self.closed.clone()
    }
}
