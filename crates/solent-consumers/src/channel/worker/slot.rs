//! Keeping one application going.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use http::Extensions;
use solent_layer::{ChannelLayer, ChannelName, DynLayer, LayerError, Mailbox};
use solent_spec::{BoxApplication, Chain, Channel, Closed, Connection, channel::ChannelScope};
use tokio::{sync::watch, time::timeout};

use super::{
    ChannelCounts,
    input::{Feed, Input},
    pause::Pause,
    standing::Standing,
};
use crate::{HandlerPanicked, session::Guarded};

/// The pause before a layer that is away is tried again. The layer itself has waited before it says so.
const AWAY: Duration = Duration::from_millis(500);

/// One application at a time, with a mailbox that outlives it.
pub(super) struct Slot {
    pub(super) name: ChannelName,
    pub(super) application: BoxApplication<Channel>,
    pub(super) layer: DynLayer,
    pub(super) state: Extensions,
    pub(super) counts: Arc<ChannelCounts>,
    pub(super) standing: Arc<Standing>,
    pub(super) pause: Pause,
    pub(super) stopped: watch::Receiver<bool>,
    /// Resolves when the worker stops.
    pub(super) closed: Closed,
}

impl Slot {
    pub(super) async fn run(mut self) {
        while !self.is_stopped() {
            match self.listen().await {
                None => return,
                Some(Ok(mailbox)) => {
                    self.standing.listened(&self.name);
                    self.serve(mailbox).await;
                    self.wait().await;
                }
                Some(Err(error)) => {
                    self.counts.listens_failed.fetch_add(1, Relaxed);
                    self.standing.failed(&self.name, &error);
                    match error {
                        LayerError::Closed => return,
                        LayerError::Away(_) => self.wait_for(AWAY).await,
                        _ => self.wait().await,
                    }
                }
            }
        }
    }

    /// Listens on the channel, however long that takes; `None` if the worker stops meanwhile.
    async fn listen(&self) -> Option<Result<Mailbox, LayerError>> {
        let mut stopped = self.stopped.clone();
        let mut stopping = pin!(stopped.wait_for(|stopped| *stopped));
        let mut listening = pin!(self.layer.listen(&self.name));
        poll_fn(|cx| {
            if stopping.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            listening.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Runs the application, again and again, until the mailbox ends.
    async fn serve(&mut self, mailbox: Mailbox) {
        let feed = Feed::new(mailbox, Arc::clone(&self.counts));
        loop {
            let before = feed.messages();
            let ended = self.call(&feed).await;
            if feed.messages() > before {
                self.pause.reset();
            }
            if self.is_stopped() {
                return;
            }
            if ended {
                self.counts.listens_failed.fetch_add(1, Relaxed);
                tracing::error!(target: "solent::consumers", channel = %self.name, "channel is not listened on any more");
                return;
            }
            if feed.messages() == before {
                self.wait().await;
            }
        }
    }

    /// Runs the application once. Returns whether the mailbox has ended.
    async fn call(&self, feed: &Arc<Feed>) -> bool {
        let scope = ChannelScope::new(self.name.as_str()).state(self.state.clone());
        let mut stopped = self.stopped.clone();
        let ended = Arc::new(AtomicBool::new(false));
        let input = Input {
            feed: Arc::clone(feed),
            ended: Arc::clone(&ended),
            stopped: self.stopped.clone(),
            closed: self.closed.clone(),
            stopping: Box::pin(async move {
                // Without its worker, a slot stops as well.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }),
        };
        let cut_off = CutOff(feed);
        let result = Guarded(self.application.call(Connection::new(scope, input))).await;
        self.settle(cut_off.0, result);
        ended.load(Relaxed)
    }

    /// Counts what became of an application, and of its message if it had one in hand.
    fn settle(&self, feed: &Feed, result: solent_spec::Result) {
        let Err(error) = result else {
            feed.put_away(|counts| &counts.handled);
            return;
        };
        let panicked = error.is::<HandlerPanicked>();
        let had_message = feed.put_away(|counts| match panicked {
            true => &counts.panicked,
            false => &counts.failed,
        });
        if !had_message {
            self.counts.starts_failed.fetch_add(1, Relaxed);
        }
        tracing::error!(
            target: "solent::consumers",
            channel = %self.name,
            had_message,
            error = %Chain(&*error),
            "application failed and is started again"
        );
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    /// Pauses after a failure, unless the worker stops.
    async fn wait(&mut self) {
        let pause = self.pause.next();
        self.wait_for(pause).await;
    }

    async fn wait_for(&mut self, pause: Duration) {
        let stopped = self.stopped.wait_for(|stopped| *stopped);
        // Whichever it was, the caller looks.
        let _ = timeout(pause, stopped).await;
    }
}

/// Dropped with a message in hand, that message is given up.
struct CutOff<'a>(&'a Feed);

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        self.0.put_away(|counts| &counts.abandoned);
    }
}
