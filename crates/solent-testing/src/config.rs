//! How patient a communicator is, and how much it holds.

use std::{num::NonZeroUsize, time::Duration};

/// Settings of a communicator.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct CommunicatorConfig {
    /// How long to wait for the application. With a paused clock that takes no time: it passes as soon as nothing but the
    /// clock can go on. Default: five seconds.
    pub timeout: Duration,

    /// How long nothing has to come to be called nothing. Moves a paused clock on by as much. Default: 100 milliseconds.
    pub quiet: Duration,

    /// Events that may wait in each direction. When the test has left so many unread, the application's sends wait, as
    /// they do for a client that does not read. Default: 1024.
    pub capacity: NonZeroUsize,

    /// Whether the transport gives out a way round the events, as servers do; without, a transport inside a middleware
    /// that has to see them all is tried. Default: true.
    pub direct: bool,
}

impl Default for CommunicatorConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            quiet: Duration::from_millis(100),
            capacity: const { NonZeroUsize::new(1024).expect("1024 is not zero") },
            direct: true,
        }
    }
}

impl CommunicatorConfig {
    /// Sets [`timeout`](Self::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`quiet`](Self::quiet).
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet;
        self
    }

    /// Sets [`capacity`](Self::capacity).
    pub fn capacity(mut self, events: NonZeroUsize) -> Self {
        self.capacity = events;
        self
    }

    /// Sets [`direct`](Self::direct).
    pub fn direct(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }
}
