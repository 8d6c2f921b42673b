//! The groups that have members.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use solent_layer::GroupName;

use crate::{
    channel::Membership,
    group::{Group, Place},
    shard::{Shards, shrink},
};

/// The groups that have members, by name.
///
/// A lock of this table and the lock of a group are never held together.
pub(crate) struct GroupTable {
    shards: Shards<HashMap<GroupName, Arc<Group>>>,
}

impl GroupTable {
    pub(crate) fn new(shards: NonZeroUsize) -> Self {
        Self {
            shards: Shards::new(shards),
        }
    }

    pub(crate) fn get(&self, name: &GroupName) -> Option<Arc<Group>> {
        self.shards.lock(name.as_str()).get(name).cloned()
    }

    pub(crate) fn get_or_insert(&self, name: &GroupName) -> Arc<Group> {
        let mut groups = self.shards.lock(name.as_str());
        if let Some(group) = groups.get(name) {
            return Arc::clone(group);
        }
        let group = Arc::new(Group::new(name.clone()));
        groups.insert(name.clone(), Arc::clone(&group));
        group
    }

    /// Forgets a group that is gone. Another may have taken its name since; that one stays.
    pub(crate) fn forget(&self, group: &Arc<Group>) {
        let mut groups = self.shards.lock(group.name().as_str());
        if groups
            .get(group.name())
            .is_some_and(|known| Arc::ptr_eq(known, group))
        {
            groups.remove(group.name());
            shrink(&mut groups);
        }
    }

    /// Ends a membership.
    pub(crate) fn leave(&self, membership: &Membership) {
        self.leave_place(&membership.group, membership.place);
    }

    fn leave_place(&self, group: &Arc<Group>, place: Place) {
        if group.leave(place) {
            self.forget(group);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.each().map(|groups| groups.len()).sum()
    }
}
