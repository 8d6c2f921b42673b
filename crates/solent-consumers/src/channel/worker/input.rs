//! What a worker's application reads.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use solent_layer::{Delivery, Mailbox};
use solent_spec::{Channel, Message, SendError, Transport};

/// A mailbox that one application after the other reads.
pub(super) struct Feed {
    /// Held while polling, never across a wait.
    pub(super) mailbox: Mutex<Mailbox>,
    /// Messages taken so far.
    pub(super) messages: AtomicU64,
}

/// What an application reads.
pub(super) struct Input {
    pub(super) feed: Arc<Feed>,
    /// Set when the mailbox has ended.
    pub(super) ended: Arc<AtomicBool>,
    pub(super) stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Transport<Channel> for Input {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            self.stopped = Box::pin(std::future::ready(()));
            return Poll::Ready(None);
        }
        let mailbox = &self.feed.mailbox;
        let mut mailbox = mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match ready!(mailbox.poll_recv(cx)) {
                Some(Delivery::Message(message)) => {
                    self.feed.messages.fetch_add(1, Relaxed);
                    return Poll::Ready(Some(message));
                }
                Some(_) => {
                    tracing::warn!(target: "solent::consumers", channel = %mailbox.name(), "messages may have been missed");
                }
                None => {
                    self.ended.store(true, Relaxed);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn start_send(&mut self, event: Infallible) -> Result<(), SendError> {
        match event {}
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}
