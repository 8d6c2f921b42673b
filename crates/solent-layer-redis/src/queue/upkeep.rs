//! What has to be done from time to time so that Redis knows who lives, and who is where.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use redis::Value;
use solent_layer::{ChannelName, GroupName};
use solent_spec::Chain;
use tokio::time::{Instant, sleep_until};

use super::{answer::number, shared::Shared};
use crate::error::LinkError;

/// The members of this process, by group.
type Groups = HashMap<GroupName, Vec<ChannelName>>;

/// The most groups whose memberships are renewed at once, and the most members of each.
const AT_ONCE: usize = 128;

/// How often names that are listened on are looked after.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);

/// Looks after things for as long as the layer is there.
pub(super) async fn keep_up(shared: Arc<Shared>) {
    shared.begin().await;
    let mut renewal = Instant::now() + shared.until_renewal();
    let mut recovery = Instant::now();
    while !shared.is_closed() {
        let now = Instant::now();
        if now >= renewal {
            shared.renew().await;
            shared.resolved.tidy();
            renewal = now + shared.until_renewal();
        }
        if now >= recovery {
            recovery = now + RECOVERY;
            shared.recover().await;
        }
        let mut next = renewal;
        if !shared.listening.is_empty() {
            next = next.min(recovery);
        }
        tokio::select! {
            () = sleep_until(next) => {}
            () = shared.upkeep.notified() => {}
        }
    }
}

impl Shared {
    /// A renewal, or a quarter of the time that memberships last; somewhat less, so that processes do not all come at once.
    fn until_renewal(&self) -> Duration {
        let most = self.renewal.min(self.group_expiry / 4);
        most.mul_f64(1.0 - 0.25 * rand::random::<f64>())
    }

    /// Says on all hosts, for the first time, that this process lives.
    async fn begin(&self) {
        let hosts = 0..self.hosts.links().len();
        let beginning = hosts.map(|host| async move {
            // If not now, then when it can be read from.
            drop(self.introduce(host).await);
            self.warn_of_eviction(host).await;
        });
        join_all(beginning).await;
    }

    /// Says on all hosts that this process lives, and who of it is where.
    async fn renew(&self) {
        let hosts = 0..self.hosts.links().len();
        let renewing = hosts.map(|host| async move {
            if let Err(error) = self.renew_host(host).await {
                // It is done again, in time; and at once when the reader of the host is back.
                tracing::debug!(
                    error = %Chain(&error),
                    host = %self.hosts.link(host),
                    "process and members were not renewed"
                );
            }
        });
        join_all(renewing).await;
    }

    async fn renew_host(&self, host: usize) -> Result<(), LinkError> {
        // If the host was away when this process began.
        self.warn_of_eviction(host).await;
        let known = self.live_on(host).await?;
        if !known {
            self.live(host).await?;
        }
        let groups = self.groups_on(host);
        let lost = self.add_memberships(host, &groups).await?;
        if !known && !groups.is_empty() {
            // Others may have taken this process for dead.
            tracing::info!(host = %self.hosts.link(host), "redis had forgotten this process, messages may have been missed");
            self.local.gap();
        } else if !lost.is_empty() {
            tracing::info!(host = %self.hosts.link(host), members = lost.len(), "redis had forgotten members, messages may have been missed");
            for channel in lost {
                if let Some(inbox) = self.local.inbox(&channel) {
                    inbox.push_gap();
                }
            }
        }
        self.prune(host, groups.keys()).await
    }

    /// Says that this process lives and where its channels are members.
    pub(super) async fn restore(&self, host: usize) -> Result<(), LinkError> {
        self.live(host).await?;
        let groups = self.groups_on(host);
        self.add_memberships(host, &groups).await.map(drop)
    }

    /// The members that this process has in the groups of a host. Those that are joining now are left out.
    fn groups_on(&self, host: usize) -> Groups {
        let mut memberships: Vec<_> = self.memberships_on(host).collect();
        self.joining.leave_out(&mut memberships);
        let mut groups = Groups::new();
        for (group, channel) in memberships {
            groups.entry(group).or_default().push(channel);
        }
        groups
    }

    /// Adds members to their groups on a host, or renews them. Returns those that may not have been there.
    async fn add_memberships(
        &self,
        host: usize,
        groups: &Groups,
    ) -> Result<Vec<ChannelName>, LinkError> {
        let parts: Vec<_> = groups
            .iter()
            .flat_map(|(group, channels)| channels.chunks(AT_ONCE).map(move |part| (group, part)))
            .collect();
        let mut new = Vec::new();
        let mut refused = None;
        for parts in parts.chunks(AT_ONCE) {
            let replies: Vec<_> = parts
                .iter()
                .map(|(group, part)| self.add(group, part))
                .collect();
            for (&(group, part), [added, kept]) in parts.iter().zip(replies) {
                drop(kept);
                match added.await {
                    Ok(added) if number(&added).is_some_and(|added| added > 0) => {
                        new.push((group, part, added));
                    }
                    Ok(_) => {}
                    Err(error) if error.is_away() => return Err(error),
                    // One key that is something else does not keep the others from being renewed.
                    Err(error) => refused = Some((group, error)),
                }
            }
        }
        if let Some((group, error)) = refused {
            tracing::warn!(
                error = %Chain(&error),
                %group,
                host = %self.hosts.link(host),
                "redis refuses the members of a group, which get nothing that is sent to it"
            );
        }
        self.sort_out(host, new).await
    }

    /// Takes out what has left while it was added, and returns the rest of parts of which something was not there.
    async fn sort_out(
        &self,
        host: usize,
        new: Vec<(&GroupName, &[ChannelName], Value)>,
    ) -> Result<Vec<ChannelName>, LinkError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let now: HashSet<_> = self.memberships_on(host).collect();
        let mut lost = Vec::new();
        let mut leaving = Vec::new();
        for (group, part, added) in new {
            let is_member =
                |channel: &&ChannelName| now.contains(&(group.clone(), (*channel).clone()));
            let (stay, left): (Vec<_>, Vec<_>) = part.iter().partition(is_member);
            // Who left just now may be all that was added.
            if number(&added).is_some_and(|added| added > left.len() as i64) {
                lost.extend(stay.into_iter().cloned());
            }
            if !left.is_empty() {
                leaving.push(self.hosts.leave(group, left));
            }
            if leaving.len() >= AT_ONCE {
                settle(&mut leaving).await?;
            }
        }
        settle(&mut leaving).await?;
        Ok(lost)
    }

    pub(super) fn memberships_on(
        &self,
        host: usize,
    ) -> impl Iterator<Item = (GroupName, ChannelName)> {
        let all = self.local.memberships().into_iter();
        all.filter(move |(group, _)| self.hosts.of_group(group) == host)
    }
}

/// Waits for all of these, and forgets them.
pub(super) async fn settle(replies: &mut Vec<crate::link::Reply>) -> Result<(), LinkError> {
    for reply in replies.drain(..) {
        reply.await?;
    }
    Ok(())
}
