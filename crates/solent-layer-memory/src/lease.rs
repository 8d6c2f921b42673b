//! Leases within one process.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use solent_layer::{Claim, GroupName};
use tokio::time::Instant;

/// Who holds what, and until when.
#[derive(Default)]
pub(crate) struct Leases {
    /// Locked for one look-up at a time.
    held: Mutex<HashMap<GroupName, (Claim, Instant)>>,
}

impl Leases {
    /// Takes or renews a lease. Whether `claim` holds it now.
    pub(crate) fn hold(&self, claim: &Claim, lifetime: Duration) -> bool {
        let mut held = self.held.lock();
        let now = Instant::now();
        let is_free = held
            .get(claim.name())
            .is_none_or(|(holder, until)| holder == claim || *until <= now);
        if is_free {
            let until = now.checked_add(lifetime).unwrap_or(now);
            held.insert(claim.name().clone(), (claim.clone(), until));
        }
        is_free
    }

    /// Gives a lease back, if `claim` holds it.
    pub(crate) fn release(&self, claim: &Claim) {
        let mut held = self.held.lock();
        if held
            .get(claim.name())
            .is_some_and(|(holder, _)| holder == claim)
        {
            held.remove(claim.name());
        }
    }
}
