//! Keeping one application going.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use http::Extensions;
use solent_layer::{ChannelLayer, ChannelName, DynLayer, LayerError, Mailbox};
use solent_spec::{BoxApplication, Channel, Connection, channel::ChannelScope};
use tokio::{sync::watch, time::timeout};

use super::{
    WorkerCounts,
    input::{Feed, Input},
    pause::Pause,
};
use crate::session::Guarded;

/// One application at a time, with a mailbox that outlives it.
pub(super) struct Slot {
    pub(super) name: ChannelName,
    pub(super) application: BoxApplication<Channel>,
    pub(super) layer: DynLayer,
    pub(super) state: Extensions,
    pub(super) counts: Arc<WorkerCounts>,
    pub(super) pause: Pause,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Slot {
    pub(super) async fn run(mut self) {
        while !self.is_stopped() {
            match self.layer.listen(&self.name).await {
                Ok(mailbox) => self.serve(mailbox).await,
                Err(error) => {
                    self.counts.listens_failed.fetch_add(1, Relaxed);
                    tracing::error!(target: "solent::consumers", channel = %self.name, %error, "channel cannot be listened on");
                    if matches!(error, LayerError::Closed) {
                        return;
                    }
                }
            }
            self.wait().await;
        }
    }

    /// Runs the application, again and again, until the mailbox ends.
    async fn serve(&mut self, mailbox: Mailbox) {
        let feed = Arc::new(Feed {
            mailbox: Mutex::new(mailbox),
            messages: AtomicU64::new(0),
        });
        loop {
            let before = feed.messages.load(Relaxed);
            let ended = self.call(&feed).await;
            if feed.messages.load(Relaxed) > before {
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
            if feed.messages.load(Relaxed) == before {
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
            stopped: Box::pin(async move {
                // Without its worker, a slot stops as well.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }),
        };
        let call = self.application.call(Connection::new(scope, input));
        if let Err(error) = Guarded(call).await {
            self.counts.failed.fetch_add(1, Relaxed);
            tracing::error!(target: "solent::consumers", channel = %self.name, %error, "application failed and is started again");
        }
        ended.load(Relaxed)
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    /// Pauses after a failure, unless the worker stops.
    async fn wait(&mut self) {
        let pause = self.pause.next();
        let stopped = self.stopped.wait_for(|stopped| *stopped);
        // Whichever it was, the caller looks.
        let _ = timeout(pause, stopped).await;
    }
}
