//! The groups that have members.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use super::{
    LocalWatch,
    channel::Membership,
    group::{Group, Place},
    shard::{Shards, shrink},
};
use crate::GroupName;

/// The groups that have members, by name.
///
/// A lock of this table and the lock of a group are never held together.
pub(super) struct GroupTable {
    shards: Shards<HashMap<GroupName, Arc<Group>>>,
    /// Told of groups under the lock of their shard, so that it hears of one group in order.
    watch: Option<Arc<dyn LocalWatch>>,
}

impl GroupTable {
    pub(super) fn new(shards: NonZeroUsize, watch: Option<Arc<dyn LocalWatch>>) -> Self {
        Self {
            shards: Shards::new(shards),
            watch,
        }
    }

    pub(super) fn get(&self, name: &GroupName) -> Option<Arc<Group>> {
        self.shards.lock(name.as_str()).get(name).cloned()
    }

    pub(super) fn get_or_insert(&self, name: &GroupName) -> Arc<Group> {
        let mut groups = self.shards.lock(name.as_str());
        if let Some(group) = groups.get(name) {
            return Arc::clone(group);
        }
        let group = Arc::new(Group::new(name.clone()));
        groups.insert(name.clone(), Arc::clone(&group));
        if let Some(watch) = &self.watch {
            watch.group_begun(name);
        }
        group
    }

    /// Forgets a group that is gone. Another may have taken its name since; that one stays.
    pub(super) fn forget(&self, group: &Arc<Group>) {
        let mut groups = self.shards.lock(group.name().as_str());
        if groups
            .get(group.name())
            .is_some_and(|known| Arc::ptr_eq(known, group))
        {
            groups.remove(group.name());
            shrink(&mut groups);
            if let Some(watch) = &self.watch {
                watch.group_ended(group.name());
            }
        }
    }

    /// Ends a membership.
    pub(super) fn leave(&self, membership: &Membership) {
        self.leave_place(&membership.group, membership.place);
    }

    fn leave_place(&self, group: &Arc<Group>, place: Place) {
        if group.leave(place) {
            self.forget(group);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.each().map(|groups| groups.len()).sum()
    }
}
