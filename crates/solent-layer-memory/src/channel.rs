//! One channel and its memberships.

use std::sync::Arc;

use solent_layer::{GroupName, Inbox};

use crate::{
    group::{Group, Place},
    group_table::GroupTable,
};

/// One channel.
pub(crate) struct Channel {
    pub(crate) inbox: Arc<Inbox>,
    /// The groups it has joined and not left; some of these memberships may have expired.
    pub(crate) memberships: Vec<Membership>,
}

/// That a channel is in a group, as the channel knows it.
pub(crate) struct Membership {
    pub(crate) group: Arc<Group>,
    pub(crate) place: Place,
}

impl Channel {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            memberships: Vec::new(),
        }
    }

    /// Joins a group, or renews the membership. The caller holds the lock of the channel's shard.
    pub(crate) fn join(&mut self, groups: &GroupTable, name: &GroupName, millis: u64) {
        loop {
            let group = groups.get_or_insert(name);
            let known = self.position(&group);
            let old = known.map(|idx| self.memberships[idx].place);
            let Some(place) = group.join(&self.inbox, old, millis) else {
                // Its last member left just now. Whoever comes first forgets it.
                groups.forget(&group);
                continue;
            };
            match known {
                Some(idx) => self.memberships[idx].place = place,
                None => self.remember(Membership { group, place }),
            }
            return;
        }
    }

    /// Leaves a group. The caller holds the lock of the channel's shard.
    pub(crate) fn leave(&mut self, groups: &GroupTable, name: &GroupName) {
        let Some(group) = groups.get(name) else {
            return;
        };
        if let Some(idx) = self.position(&group) {
            groups.leave(&self.memberships.swap_remove(idx));
        }
    }

    /// Leaves all groups that it joined before `oldest`. The caller holds the lock of the channel's shard.
    pub(crate) fn leave_before(&mut self, groups: &GroupTable, oldest: Place) {
        self.memberships.retain(|membership| {
            let stays = membership.place >= oldest;
            if !stays {
                groups.leave(membership);
            }
            stays
        });
    }

    /// Whether a channel that is shared can be forgotten.
    pub(crate) fn is_idle(&self) -> bool {
        self.memberships.is_empty() && self.inbox.readers() == 0 && self.inbox.is_empty()
    }

    fn position(&self, group: &Arc<Group>) -> Option<usize> {
        self.memberships
            .iter()
            .position(|membership| Arc::ptr_eq(&membership.group, group))
    }

    fn remember(&mut self, membership: Membership) {
        if self.memberships.len() == self.memberships.capacity() {
            // Before the list grows, what has expired goes.
            self.memberships
                .retain(|membership| membership.group.has(membership.place));
            self.memberships
                .reserve_exact(self.memberships.len().max(1));
        }
        self.memberships.push(membership);
    }
}
