//! How background tasks run.

use std::time::Duration;

/// When a background task that has ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are no more ways to end")]
pub enum Restart {
    /// It is not.
    Never,
    /// When it returns an error or panics. One that returns `Ok` has done its work.
    #[default]
    OnFailure,
    /// Whatever it ended with.
    Always,
}

/// Settings for a [background task](crate::Solent::background_with).
///
/// ```
/// use std::time::Duration;
///
/// use solent::app::{BackgroundConfig, Restart};
///
/// let config = BackgroundConfig::default()
///     .restart(Restart::Always)
///     .limit(10)
///     .lease(Duration::from_secs(15));
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct BackgroundConfig {
    /// When it is started again. Default: when it has failed.
    pub restart: Restart,
    /// How many times in a row it may fail before it is given up. A run of at least [`longest_pause`](Self::longest_pause) ends
    /// the row. Default: no limit.
    pub limit: Option<u32>,
    /// The pause before it is started again. It doubles with each failure in a row, and a quarter of it is random. Default: one second.
    pub pause: Duration,
    /// The longest pause. Default: one minute.
    pub longest_pause: Duration,
    /// Runs the task in one process at a time, of all that share the channel layer: the one that holds a lease with the task's
    /// name. When that process dies, another takes over within this time, and within two seconds when it shuts down.
    /// What is promised: see [`background_once`](crate::Solent::background_once). At least one second. Default: none, and the task runs in each process.
    pub lease: Option<Duration>,
}

impl Default for BackgroundConfig {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            limit: None,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            lease: None,
        }
    }
}

impl BackgroundConfig {
    /// Sets [`restart`](Self::restart).
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets [`limit`](Self::limit).
    pub fn limit(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.limit = failures.into();
        self
    }

    /// Sets [`pause`](Self::pause).
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets [`longest_pause`](Self::longest_pause).
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// Sets [`lease`](Self::lease).
    pub fn lease(mut self, takeover: impl Into<Option<Duration>>) -> Self {
        self.lease = takeover.into();
        self
    }

    /// How long to wait after so many failures in a row. `random` is from 0 to 1.
    pub(super) fn pause_after(&self, failures: u32, random: f64) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(31));
        let pause = self.pause.saturating_mul(doubled).min(self.longest_pause);
        pause.mul_f64(1.0 - random / 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let config = BackgroundConfig::default();
        let seconds = |failures| config.pause_after(failures, 0.0).as_secs();

        assert_eq!(
            [0, 1, 2, 3, 7, 100, u32::MAX].map(seconds),
            [1, 1, 2, 4, 60, 60, 60]
        );
        assert_eq!(config.pause_after(2, 1.0), Duration::from_millis(1500));
    }
}
