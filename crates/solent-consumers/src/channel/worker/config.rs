//! Settings of workers.

use std::time::Duration;

/// Settings for a [`Worker`](crate::Worker).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct WorkerConfig {
    /// How long applications may go on with their last message once the worker is to stop. Default: 10 seconds.
    pub grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
        }
    }
}

impl WorkerConfig {
    /// Sets [`grace`](Self::grace).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

/// Settings for one channel of a [`Worker`](crate::Worker).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ChannelConfig {
    /// The alias of the layer that the channel is on. It has to have queues. Default: none, the worker's own layer.
    pub layer: Option<String>,
    /// Messages that one worker handles side by side, each by an application of its own; 0 is taken for 1. A message is
    /// taken from the layer only when one of them is free. Default: 1, which keeps a channel's messages in order.
    pub concurrency: usize,
    /// The pause after the first of several failures of the layer, or of an application before it got to a message; it
    /// doubles with each. Default: 100 milliseconds.
    pub first_pause: Duration,
    /// The longest pause between such failures. Default: 10 seconds.
    pub longest_pause: Duration,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            layer: None,
            concurrency: 1,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
        }
    }
}

impl ChannelConfig {
    /// Sets [`layer`](Self::layer).
    pub fn layer(mut self, alias: impl Into<String>) -> Self {
        self.layer = Some(alias.into());
        self
    }

    /// Sets [`concurrency`](Self::concurrency).
    pub fn concurrency(mut self, messages: usize) -> Self {
        self.concurrency = messages;
        self
    }

    /// Sets [`first_pause`](Self::first_pause).
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Sets [`longest_pause`](Self::longest_pause).
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }
}
