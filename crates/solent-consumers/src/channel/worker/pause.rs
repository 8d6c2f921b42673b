//! Pauses between failures.

use std::time::Duration;

use super::ChannelConfig;

/// The pauses between failures: each twice as long as the one before.
pub(super) struct Pause {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Pause {
    pub(super) fn new(config: &ChannelConfig) -> Self {
        Self {
            next: config.first_pause,
            first: config.first_pause,
            longest: config.longest_pause,
        }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        pause
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}
