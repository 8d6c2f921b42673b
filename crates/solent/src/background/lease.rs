//! The lease of a task that runs in one process at a time.

use std::time::Duration;

use solent_layer::{ChannelLayer, Claim, DynLayer, LayerError};
use solent_spec::Chain;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// The longest time between two renewals, and between two looks of those that wait.
const PERIOD: Duration = Duration::from_millis(500);

/// The shortest time within which another process takes over.
const SHORTEST: Duration = Duration::from_secs(1);

/// A lease that this process holds or wants to hold.
///
/// The layer may forget a lease that is held, and give it to another claim. The new holder therefore rests for two periods
/// before it counts as one. In that time the old holder asks, learns that it has lost, and its task is cancelled.
///
/// The time to take over has four parts: the lifetime, one period until a waiting process looks, two of rest, one to spare.
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
        let period = PERIOD.min(takeover / 8);
        Self {
            layer,
            claim,
            lifetime: takeover - period * 4,
            period,
            until: Instant::now(),
            complained: false,
        }
    }

    /// Waits until this process holds the lease, and no other process believes so.
    pub(super) async fn taken(&mut self) {
        loop {
            if self.is_held().await {
                sleep(self.period * 2).await;
                if self.is_held().await {
                    return;
                }
            }
            sleep(self.period).await;
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

    /// Asks once. A layer that does not answer is no yes.
    async fn is_held(&mut self) -> bool {
        match self.ask().await {
            Ok(held) => held,
            Err(error) => {
                self.complain(&error);
                false
            }
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
