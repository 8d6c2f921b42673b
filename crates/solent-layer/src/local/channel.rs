//! One channel and its memberships.

use std::sync::Arc;

use super::{
    group::{Group, Place},
    group_table::GroupTable,
};
use crate::{GroupName, Inbox};

/// One channel.
pub(super) struct Channel {
    pub(super) inbox: Arc<Inbox>,
    /// The groups it has joined and not left; some of these memberships may have expired.
    pub(super) memberships: Vec<Membership>,
    /// Whether memberships expire: those of names that no mailbox owns do.
    expires: bool,
}

/// That a channel is in a group, as the channel knows it.
pub(super) struct Membership {
    pub(super) group: Arc<Group>,
    pub(super) place: Place,
}

impl Channel {
    /// A channel of one mailbox, which stays in its groups as long as there is that mailbox.
    pub(super) fn own(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            memberships: Vec::new(),
            expires: false,
        }
    }

    /// A channel that mailboxes share.
    pub(super) fn shared(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            memberships: Vec::new(),
            expires: true,
        }
    }

    /// Joins a group, or renews the membership. Tells whether it is a new one. The caller holds the lock of the channel's shard.
    pub(super) fn join(&mut self, groups: &GroupTable, name: &GroupName, millis: u64) -> bool {
        loop {
            let group = groups.get_or_insert(name);
            let known = self.position(&group);
            let old = known.map(|idx| self.memberships[idx].place);
            let Some(place) = group.join(&self.inbox, old, millis, self.expires) else {
                // Its last member left just now. The first task that looks forgets it.
                groups.forget(&group);
                continue;
            };
            match known {
                Some(idx) => self.memberships[idx].place = place,
                None => self.remember(Membership { group, place }),
            }
            return known.is_none();
        }
    }

    /// Leaves a group. The caller holds the lock of the channel's shard.
    pub(super) fn leave(&mut self, groups: &GroupTable, name: &GroupName) {
        let Some(group) = groups.get(name) else {
            return;
        };
        if let Some(idx) = self.position(&group) {
            groups.leave(&self.memberships.swap_remove(idx));
        }
    }

    /// Leaves all groups that it joined before `oldest`. The caller holds the lock of the channel's shard.
    pub(super) fn leave_before(&mut self, groups: &GroupTable, oldest: Place) {
        self.memberships.retain(|membership| {
            let stays = membership.place >= oldest;
            if !stays {
                groups.leave(membership);
            }
            stays
        });
    }

    /// Whether a channel that is shared can be forgotten.
    pub(super) fn is_idle(&self) -> bool {
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
