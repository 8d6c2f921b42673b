//! Running channel applications.

mod config;
mod input;
mod pause;
mod slot;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use http::Extensions;
use solent_layer::{ChannelLayer, ChannelName, DynLayer};
use solent_spec::{Application, BoxApplication, Channel};
use tokio::{sync::watch, task::JoinSet, time::timeout};

pub use self::config::WorkerConfig;
use self::{pause::Pause, slot::Slot};

/// Listens on named channels and runs an application for each.
///
/// An application that ends, fails or panics is started again, after a pause if it did not get as far as a message; so is
/// a listener that the layer failed. Messages that wait meanwhile are not lost.
///
/// ```
/// # use solent_consumers::{ChannelConsumer, Worker, WorkerError, channel_consumer};
/// # use solent_layer::ChannelLayer;
/// # async fn example<C: ChannelConsumer + Default>(
/// #     layer: impl ChannelLayer,
/// #     shutdown: impl Future<Output = ()>,
/// # ) -> solent_spec::Result {
/// let thumbnails = channel_consumer(|_| Ok(C::default()));
/// Worker::new(layer)
///     .channel("thumbnails", thumbnails)?
///     .run(shutdown)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Worker {
    layer: DynLayer,
    config: WorkerConfig,
    state: Extensions,
    channels: Vec<(ChannelName, BoxApplication<Channel>)>,
    counts: Arc<WorkerCounts>,
}

/// What has happened to a worker's applications.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct WorkerCounts {
    failed: AtomicU64,
    listens_failed: AtomicU64,
    abandoned: AtomicU64,
}

impl WorkerCounts {
    /// Applications that ended with an error or a panic.
    pub fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// Times that a channel could not be listened on, or stopped being so.
    pub fn listens_failed(&self) -> u64 {
        self.listens_failed.load(Relaxed)
    }

    /// Applications that were aborted since they did not end within the grace period.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Relaxed)
    }
}

/// A worker could not run, or ended before it was to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It has no channels.
    #[error("worker has no channels, add one with its channel method")]
    NoChannels,
    /// The channel layer was closed under it.
    #[error("worker has ended, its channel layer was closed")]
    LayerClosed,
}

impl Worker {
    /// A worker without channels.
    pub fn new(layer: impl ChannelLayer) -> Self {
        Self {
            layer: DynLayer::new(layer),
            config: WorkerConfig::default(),
            state: Extensions::new(),
            channels: Vec::new(),
            counts: Arc::default(),
        }
    }

    /// Sets the settings.
    pub fn config(mut self, config: WorkerConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the state that applications find in their scope. The worker adds its layer as the default one.
    pub fn state(mut self, state: Extensions) -> Self {
        self.state = state;
        self
    }

    /// Adds a channel and the application for its messages.
    ///
    /// # Errors
    ///
    /// A name that breaks the rules of [`ChannelName`].
    pub fn channel<N: TryInto<ChannelName>>(
        mut self,
        name: N,
        application: impl Application<Channel>,
    ) -> Result<Self, N::Error> {
        let application = BoxApplication::new(application);
        self.channels.push((name.try_into()?, application));
        Ok(self)
    }

    /// What has happened so far.
    pub fn counts(&self) -> Arc<WorkerCounts> {
        Arc::clone(&self.counts)
    }

    /// Runs until `shutdown` is ready; then takes no more messages, and waits for the applications to end.
    ///
    /// # Errors
    ///
    /// [`WorkerError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the applications: the message that each is handling is lost.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), WorkerError> {
        if self.channels.is_empty() {
            return Err(WorkerError::NoChannels);
        }
        let (stop, stopped) = watch::channel(false);
        let mut slots = self.start(&stopped);
        let mut shutdown = pin!(shutdown);
        let all_ended = poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            poll_all(&mut slots, cx).map(|()| true)
        });
        if all_ended.await {
            return Err(WorkerError::LayerClosed);
        }
        stop.send_replace(true);
        let ended = poll_fn(|cx| poll_all(&mut slots, cx));
        if timeout(self.config.grace, ended).await.is_err() {
            let abandoned = slots.len();
            self.counts.abandoned.fetch_add(abandoned as u64, Relaxed);
            tracing::warn!(target: "solent::consumers", abandoned, "worker stops before its applications have");
            slots.shutdown().await;
        }
        Ok(())
    }

    fn start(&self, stopped: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut slots = JoinSet::new();
        let mut state = self.state.clone();
        state.insert(self.layer.clone());
        for (name, application) in &self.channels {
            tracing::info!(
                target: "solent::consumers",
                channel = %name,
                concurrency = self.config.concurrency,
                "worker listens"
            );
            for _ in 0..self.config.concurrency.get() {
                let slot = Slot {
                    name: name.clone(),
                    application: application.clone(),
                    layer: self.layer.clone(),
                    state: state.clone(),
                    counts: Arc::clone(&self.counts),
                    pause: Pause::new(&self.config),
                    stopped: stopped.clone(),
                };
                slots.spawn(slot.run());
            }
        }
        slots
    }
}

/// Waits for all tasks to end.
fn poll_all(slots: &mut JoinSet<()>, cx: &mut Context<'_>) -> Poll<()> {
    while ready!(slots.poll_join_next(cx)).is_some() {}
    Poll::Ready(())
}
