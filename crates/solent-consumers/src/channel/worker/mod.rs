//! Running channel applications.

mod config;
mod counts;
mod error;
mod input;
mod pause;
mod slot;
mod standing;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Extensions;
use solent_layer::{ChannelLayer, ChannelName, DynLayer};
use solent_spec::{Application, BoxApplication, Channel, ClosedSignal};
use tokio::{sync::watch, task::JoinSet, time::timeout};

pub use self::{
    config::{ChannelConfig, WorkerConfig},
    counts::{ChannelCounts, WorkerCounts},
    error::WorkerError,
};
use self::{pause::Pause, slot::Slot, standing::Standing};
use crate::Layers;

/// Listens on named channels and runs an application for each.
///
/// An application that ends, fails or panics is started again, after a pause if it did not get as far as a message; so is
/// a listener that the layer failed. Messages that wait meanwhile are not lost: the worker takes a message from the layer
/// only when an application asks for one.
///
/// ```
/// # use solent_consumers::{ChannelConsumer, Worker, WorkerError};
/// # use solent_layer::ChannelLayer;
/// # async fn example<C: ChannelConsumer + Default>(
/// #     layer: impl ChannelLayer,
/// #     shutdown: impl Future<Output = ()>,
/// # ) -> solent_spec::Result {
/// let thumbnails = C::application();
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
    channels: Vec<Served>,
}

/// A channel, and what is needed to serve it.
#[derive(Debug)]
struct Served {
    name: ChannelName,
    config: ChannelConfig,
    application: BoxApplication<Channel>,
    counts: Arc<ChannelCounts>,
}

impl Worker {
    /// A worker without channels.
    pub fn new(layer: impl ChannelLayer) -> Self {
        Self {
            layer: DynLayer::new(layer),
            config: WorkerConfig::default(),
            state: Extensions::new(),
            channels: Vec::new(),
        }
    }

    /// Sets the settings.
    pub fn config(mut self, config: WorkerConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the state that applications find in their scope. The worker adds its layer as the default one, and its
    /// [counts](WorkerCounts). The layers that [`ChannelConfig::layer`] names are those of the [`Layers`] in it.
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
        self,
        name: N,
        application: impl Application<Channel>,
    ) -> Result<Self, N::Error> {
        self.channel_with(name, ChannelConfig::default(), application)
    }

    /// Adds a channel with settings of its own, such as how many messages are handled side by side.
    ///
    /// # Errors
    ///
    /// A name that breaks the rules of [`ChannelName`].
    pub fn channel_with<N: TryInto<ChannelName>>(
        mut self,
        name: N,
        config: ChannelConfig,
        application: impl Application<Channel>,
    ) -> Result<Self, N::Error> {
        self.channels.push(Served {
            name: name.try_into()?,
            config,
            application: BoxApplication::new(application),
            counts: Arc::default(),
        });
        Ok(self)
    }

    /// What becomes of the messages of the channels that have been added.
    pub fn counts(&self) -> WorkerCounts {
        let channels = self.channels.iter();
        WorkerCounts::new(channels.map(|served| (served.name.clone(), Arc::clone(&served.counts))))
    }

    /// Runs until `shutdown` is ready; then takes no more messages, and waits for the applications to end.
    ///
    /// # Errors
    ///
    /// [`WorkerError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the applications: the message that each is handling is lost. The `disconnect` of their
    /// consumers runs in tasks that [`disconnects_finished`](crate::disconnects_finished) waits for.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), WorkerError> {
        self.check()?;
        let (stop, stopped) = watch::channel(false);
        let closed = ClosedSignal::default();
        let mut slots = self.start(&stopped, &closed);
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
        let counts = self.counts();
        stop.send_replace(true);
        closed.close();
        tracing::info!(
            target: "solent::consumers",
            in_hand = counts.total(ChannelCounts::in_hand),
            "worker takes no more messages"
        );
        let ended = poll_fn(|cx| poll_all(&mut slots, cx));
        if timeout(self.config.grace, ended).await.is_err() {
            tracing::warn!(
                target: "solent::consumers",
                grace = ?self.config.grace,
                given_up = counts.total(ChannelCounts::in_hand),
                "worker ends before its applications have, give it a longer grace"
            );
            slots.shutdown().await;
        }
        tracing::info!(
            target: "solent::consumers",
            handled = counts.total(ChannelCounts::handled),
            failed = counts.total(ChannelCounts::failed),
            panicked = counts.total(ChannelCounts::panicked),
            abandoned = counts.total(ChannelCounts::abandoned),
            "worker has ended"
        );
        Ok(())
    }

    /// Checks the channels, as [`run`](Self::run) does before it begins.
    ///
    /// # Errors
    ///
    /// No channels, or such as it cannot listen on: [`WorkerError`]. Also a layer without queues.
    pub fn check(&self) -> Result<(), WorkerError> {
        if self.channels.is_empty() {
            return Err(WorkerError::NoChannels);
        }
        for (index, Served { name, .. }) in self.channels.iter().enumerate() {
            if self.channels[..index]
                .iter()
                .any(|other| other.name == *name)
            {
                return Err(WorkerError::Twice(name.to_string()));
            }
            if name.is_process_specific() {
                return Err(WorkerError::NotNamed(name.to_string()));
            }
        }
        for served in &self.channels {
            if !self.layer_of(served)?.has_queues() {
                return Err(WorkerError::NoQueues(served.name.to_string()));
            }
        }
        Ok(())
    }

    /// The layer that a channel is on.
    fn layer_of(&self, served: &Served) -> Result<&DynLayer, WorkerError> {
        let Some(alias) = &served.config.layer else {
            return Ok(&self.layer);
        };
        let layers = self.state.get::<Layers>();
        layers
            .and_then(|layers| layers.get(alias))
            .ok_or_else(|| WorkerError::UnknownLayer {
                channel: served.name.to_string(),
                alias: alias.clone(),
            })
    }

    fn start(&self, stopped: &watch::Receiver<bool>, closed: &ClosedSignal) -> JoinSet<()> {
        let mut slots = JoinSet::new();
        let mut state = self.state.clone();
        state.insert(self.layer.clone());
        state.insert(self.counts());
        for served in &self.channels {
            let concurrency = served.config.concurrency.max(1);
            // It was checked before.
            let layer = self.layer_of(served).unwrap_or(&self.layer);
            tracing::info!(
                target: "solent::consumers",
                channel = %served.name,
                concurrency,
                "worker listens"
            );
            let standing = Arc::<Standing>::default();
            for _ in 0..concurrency {
                let slot = Slot {
                    name: served.name.clone(),
                    application: served.application.clone(),
                    layer: layer.clone(),
                    state: state.clone(),
                    counts: Arc::clone(&served.counts),
                    standing: Arc::clone(&standing),
                    pause: Pause::new(&served.config),
                    stopped: stopped.clone(),
                    closed: closed.closed(),
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
