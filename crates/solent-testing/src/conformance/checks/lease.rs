//! Leases.

use std::time::Duration;

use solent_layer::{ChannelLayer, Claim, DynLayer};
use solent_spec::Chain;
use tokio::time::Instant;

use crate::conformance::{Subject, subject::group};

/// Longer than any promise takes.
const LONG: Duration = Duration::from_secs(600);

fn claim() -> Claim {
    Claim::new(group("lease"))
}

async fn hold(layer: &DynLayer, claim: &Claim, lifetime: Duration) -> bool {
    let held = layer.hold(claim, lifetime).await;
    held.unwrap_or_else(|error| panic!("{} was to be asked for: {}", claim.name(), Chain(&error)))
}

async fn release(layer: &DynLayer, claim: &Claim) {
    let released = layer.release(claim).await;
    assert!(released.is_ok(), "{released:?}");
}

impl Subject {
    /// A lifetime that this layer can be seen to keep.
    fn lifetime(&self) -> Duration {
        self.profile()
            .real_expiry
            .unwrap_or(Duration::from_secs(60))
    }

    /// Asks for a lease until it is held.
    async fn hold_in_time(&self, layer: &DynLayer, claim: &Claim, lifetime: Duration) {
        let deadline = Instant::now() + lifetime + self.profile().patience;
        while !hold(layer, claim, lifetime).await {
            assert!(Instant::now() < deadline, "the lease is never free");
            self.pass(lifetime / 10).await;
        }
    }
}

pub(crate) async fn lease_has_one_holder(subject: &Subject) {
    let (here, there, _) = subject.processes_on_a_wire().await;
    let (first, second) = (claim(), claim());
    let other = Claim::new(group("other"));

    assert!(hold(&here, &first, LONG).await, "it was free");
    assert!(!hold(&there, &second, LONG).await, "it is held");
    assert!(!hold(&here, &second, LONG).await, "it is held");
    assert!(hold(&here, &first, LONG).await, "its holder may renew it");
    assert!(hold(&there, &other, LONG).await, "that is another lease");
}

pub(crate) async fn released_lease_is_free_at_once(subject: &Subject) {
    let (here, there, _) = subject.processes_on_a_wire().await;
    let (first, second) = (claim(), claim());
    assert!(hold(&here, &first, LONG).await, "it was free");

    release(&here, &first).await;

    assert!(hold(&there, &second, LONG).await, "it was released");
    assert!(!hold(&here, &first, LONG).await, "it is another's now");
}

pub(crate) async fn lease_that_is_not_renewed_goes_to_another(subject: &Subject) {
    let (here, there, _) = subject.processes_on_a_wire().await;
    let (first, second) = (claim(), claim());
    let lifetime = subject.lifetime();
    assert!(hold(&here, &first, LONG).await, "it was free");
    assert!(
        hold(&here, &first, lifetime).await,
        "its holder may renew it"
    );

    subject.hold_in_time(&there, &second, lifetime).await;

    assert!(hold(&there, &second, LONG).await, "its holder may renew it");
    assert!(!hold(&here, &first, LONG).await, "it is another's now");
}

pub(crate) async fn late_holder_does_not_release_the_lease_of_another(subject: &Subject) {
    let (here, there, _) = subject.processes_on_a_wire().await;
    let (first, second) = (claim(), claim());
    let lifetime = subject.lifetime();
    assert!(hold(&here, &first, lifetime).await, "it was free");
    subject.hold_in_time(&there, &second, lifetime).await;
    assert!(hold(&there, &second, LONG).await, "its holder may renew it");

    release(&here, &first).await;
    release(&here, &claim()).await;

    assert!(!hold(&here, &claim(), LONG).await, "it is held still");
    assert!(hold(&there, &second, LONG).await, "its holder may renew it");
}
