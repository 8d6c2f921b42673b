//! The lease of a task that runs in one process at a time.

use std::time::Duration;

use solent_layer::{ChannelLayer, Claim, DynLayer, LayerError};
use solent_spec::Chain;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How often those that wait ask whether the lease is free.
const LOOK: Duration = Duration::from_secs(1);

/// The shortest time within which another process takes over.
const SHORTEST: Duration = Duration::from_secs(1);

/// A lease that this process holds or wants to hold.
///
/// The time to take over has three parts: the key of a holder that dies expires after two thirds of it; it was renewed up to a
/// sixth before; and those that wait ask once in a sixth.
pub(super) struct Lease {
    layer: DynLayer,
    claim: Claim,
    /// How long the layer keeps it without renewal.
    lifetime: Duration,
    /// How often it is renewed.
    period: Duration,
    /// When it is not certain any more that this process holds it. Counted from before the layer was asked, so that it is not
    /// later than where the layer counts.
    until: Instant,
    /// Whether it was said that the layer does not answer.
    complained: bool,
}

impl Lease {
    pub(super) fn new(layer: DynLayer, claim: Claim, takeover: Duration) -> Self {
        let takeover = takeover.max(SHORTEST);
        Self {
            layer,
            claim,
            lifetime: takeover * 2 / 3,
            period: takeover / 6,
            until: Instant::now(),
            complained: false,
        }
    }

    /// Waits until this process holds the lease.
    pub(super) async fn taken(&mut self) {
        loop {
            match self.ask().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => self.complain(&error),
            }
            sleep(self.period.min(LOOK)).await;
        }
    }

    /// Renews the lease, and resolves when this process does not hold it any more.
    pub(super) async fn lost(&mut self) {
        loop {
            sleep_until(self.until - self.lifetime + self.period).await;
            let deadline = self.until;
            match timeout_at(deadline, self.renewed()).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Gives the lease back, so that another process takes over at once.
    pub(super) async fn release(self) {
        if let Err(error) = self.layer.release(&self.claim).await {
            tracing::debug!(target: "solent", lease = %self.claim.name(), error = %Chain(&error), "lease is not released, it expires");
        }
    }

    /// Asks until the layer answers. Whether this process still holds the lease.
    async fn renewed(&mut self) -> bool {
        loop {
            match self.ask().await {
                Ok(held) => return held,
                Err(error) => self.complain(&error),
            }
            sleep(self.period / 2).await;
        }
    }

    async fn ask(&mut self) -> Result<bool, LayerError> {
        let asked = Instant::now();
        let held = self.layer.hold(&self.claim, self.lifetime).await?;
        if held {
            self.until = asked + self.lifetime;
        }
        self.complained = false;
        Ok(held)
    }

    /// Says once in a row that the layer does not answer.
    fn complain(&mut self, error: &LayerError) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(target: "solent", lease = %self.claim.name(), error = %Chain(error), "cannot ask for a lease, trying again");
        }
    }
}
