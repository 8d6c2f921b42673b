//! Leaving groups with a mailbox that was dropped.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use solent_layer::{ChannelName, GroupName, LocalWatch};
use tokio::{sync::Notify, time::sleep};

use super::shared::Shared;
use crate::error::LinkError;

/// The most memberships that wait to be ended. Those beyond it expire.
const MOST: usize = 1 << 17;

/// The most groups that are left at once, and the most members of each.
const AT_ONCE: usize = 128;

/// Memberships whose mailbox was dropped, and that Redis has to be told of.
#[derive(Default)]
pub(super) struct Leaving {
    /// Held for a few instructions at a time, never across a wait.
    waiting: Mutex<Vec<Membership>>,
    more: Notify,
}

pub(super) type Membership = (GroupName, ChannelName);

impl Leaving {
    pub(super) fn add(&self, memberships: impl IntoIterator<Item = Membership>) {
        let mut waiting = self.waiting.lock();
        for membership in memberships {
            if waiting.len() >= MOST {
                tracing::warn!("too many mailboxes were dropped, their memberships expire");
                break;
            }
            waiting.push(membership);
        }
        drop(waiting);
        self.more.notify_one();
    }

    pub(super) fn take(&self) -> Vec<Membership> {
        std::mem::take(&mut *self.waiting.lock())
    }
}

impl LocalWatch for Leaving {
    fn mailbox_dropped(&self, channel: &ChannelName, groups: &mut dyn Iterator<Item = &GroupName>) {
        self.add(groups.map(|group| (group.clone(), channel.clone())));
    }
}

/// Ends memberships for as long as the layer is there.
pub(super) async fn leave(shared: Arc<Shared>) {
    let mut failures = 0;
    while !shared.is_closed() {
        shared.leaving.more.notified().await;
        let Err((left, _)) = shared.leave_all(shared.leaving.take()).await else {
            failures = 0;
            continue;
        };
        shared.leaving.add(left);
        sleep(shared.backoff.wait(failures)).await;
        failures = failures.saturating_add(1);
    }
}

impl Shared {
    /// Ends memberships, as many of each group as possible with one command.
    ///
    /// # Errors
    ///
    /// Those that Redis could not be told of, and why.
    pub(super) async fn leave_all(
        &self,
        memberships: Vec<Membership>,
    ) -> Result<(), (Vec<Membership>, LinkError)> {
        let mut groups: HashMap<GroupName, Vec<ChannelName>> = HashMap::new();
        for (group, channel) in memberships {
            groups.entry(group).or_default().push(channel);
        }
        let parts: Vec<_> = groups
            .iter()
            .flat_map(|(group, channels)| channels.chunks(AT_ONCE).map(move |part| (group, part)))
            .collect();
        let mut left = Vec::new();
        let mut cause = None;
        for parts in parts.chunks(AT_ONCE) {
            let replies: Vec<_> = parts
                .iter()
                .map(|(group, channels)| self.hosts.leave(group, *channels))
                .collect();
            for (reply, (group, channels)) in replies.into_iter().zip(parts) {
                let Err(error) = reply.await else {
                    continue;
                };
                // A key that holds something else has no members to take out.
                if !error.is_wrong_type() {
                    cause = Some(error);
                    let still = channels.iter().cloned();
                    left.extend(still.map(|channel| (GroupName::clone(group), channel)));
                }
            }
        }
        cause.map_or(Ok(()), |cause| Err((left, cause)))
    }
}
