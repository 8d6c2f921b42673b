//! Settings of workers.

use std::{num::NonZeroUsize, time::Duration};

/// Settings for a [`Worker`](crate::Worker).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct WorkerConfig {
    /// Applications that run side by side for each channel, each with messages of its own. Default: 1, which keeps a
    /// channel's messages in order.
    pub concurrency: NonZeroUsize,
    /// How long applications may go on with their last message once the worker is to stop. Default: 10 seconds.
    pub grace: Duration,
    /// The pause after the first of several failures; it doubles with each. Default: 100 milliseconds.
    pub first_pause: Duration,
    /// The longest pause between failures. Default: 10 seconds.
    pub longest_pause: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::MIN,
            grace: Duration::from_secs(10),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
        }
    }
}

impl WorkerConfig {
    /// Sets [`concurrency`](Self::concurrency).
    pub fn concurrency(mut self, applications: NonZeroUsize) -> Self {
        self.concurrency = applications;
        self
    }

    /// Sets [`grace`](Self::grace).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
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
