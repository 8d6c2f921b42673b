//! Memberships that Redis is being told of.

use std::collections::HashSet;

use parking_lot::Mutex;
use solent_layer::{ChannelName, GroupName};

use super::leave::Membership;

/// Channels that are joining groups just now. Redis need not know them yet, so that it has not lost them.
#[derive(Default)]
pub(super) struct Joining {
    /// Held for a moment, never across a wait.
    memberships: Mutex<HashSet<Membership>>,
}

/// A channel is joining for as long as there is this.
pub(super) struct Join<'a> {
    joining: &'a Joining,
    membership: Membership,
}

impl Joining {
    pub(super) fn begin(&self, group: &GroupName, channel: &ChannelName) -> Join<'_> {
        let membership = (group.clone(), channel.clone());
        self.memberships.lock().insert(membership.clone());
        Join {
            joining: self,
            membership,
        }
    }

    /// Leaves out of a list what is joining.
    pub(super) fn leave_out(&self, memberships: &mut Vec<Membership>) {
        let joining = self.memberships.lock();
        if !joining.is_empty() {
            memberships.retain(|membership| !joining.contains(membership));
        }
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        self.joining.memberships.lock().remove(&self.membership);
    }
}
