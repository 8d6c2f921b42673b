//! What has to be done from time to time so that Redis knows who lives, and who is where.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use solent_layer::{ChannelName, GroupName};
use solent_spec::Chain;
use tokio::time::{Instant, sleep_until};

use super::{process::RENEWAL, shared::Shared};
use crate::error::LinkError;

/// The most groups whose memberships are renewed at once, and the most members of each.
const AT_ONCE: usize = 128;

/// How often names that are listened on are looked after.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);

/// Looks after things for as long as the layer is there.
pub(super) async fn keep_up(shared: Arc<Shared>) {
    shared.begin().await;
    let mut lease = Instant::now() + RENEWAL;
    let mut refresh = Instant::now() + shared.until_refresh();
    let mut recovery = Instant::now();
    while !shared.is_closed() {
        let now = Instant::now();
        if now >= lease {
            lease = now + RENEWAL;
            shared.renew().await;
            shared.resolved.tidy();
        }
        if now >= refresh {
            refresh = now + shared.until_refresh();
            for host in 0..shared.hosts.links().len() {
                // It is done again, in time; and at once when the reader of the host is back.
                if let Err(error) = shared.add_memberships(host).await {
                    tracing::debug!(
                        error = %Chain(&error),
                        host = %shared.hosts.link(host),
                        "memberships were not renewed"
                    );
                }
            }
        }
        if now >= recovery {
            recovery = now + RECOVERY;
            shared.recover().await;
        }
        let mut next = lease.min(refresh);
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
    /// A quarter of the time that memberships last, or somewhat less, so that processes do not all come at once.
    fn until_refresh(&self) -> Duration {
        (self.group_expiry / 4).mul_f64(1.0 - 0.25 * rand::random::<f64>())
    }

    /// Says on all hosts, for the first time, that this process lives.
    async fn begin(&self) {
        for host in 0..self.hosts.links().len() {
            // If not now, then when it can be read from.
            drop(self.introduce(host).await);
        }
    }

    /// Says on all hosts that this process lives.
    async fn renew(&self) {
        for host in 0..self.hosts.links().len() {
            match self.live_on(host).await {
                Ok(true) => {}
                Ok(false) => self.restore_lost(host).await,
                // Its reader notices, and restores what is needed.
                Err(error) => tracing::debug!(
                    error = %Chain(&error),
                    host = %self.hosts.link(host),
                    "lease was not renewed"
                ),
            }
        }
    }

    /// A host does not know this process any more.
    async fn restore_lost(&self, host: usize) {
        let had = !self.local.memberships().is_empty();
        if self.restore(host).await.is_ok() && had {
            tracing::info!(
                host = %self.hosts.link(host),
                "redis had forgotten this process, messages may have been missed"
            );
            self.local.gap();
        }
    }

    /// Says that this process lives and where its channels are members.
    pub(super) async fn restore(&self, host: usize) -> Result<(), LinkError> {
        self.live(host).await?;
        self.add_memberships(host).await
    }

    /// Adds the channels of this process to the groups that a host has.
    async fn add_memberships(&self, host: usize) -> Result<(), LinkError> {
        let mut groups: HashMap<GroupName, Vec<ChannelName>> = HashMap::new();
        for (group, channel) in self.memberships_on(host) {
            groups.entry(group).or_default().push(channel);
        }
        if groups.is_empty() {
            return Ok(());
        }
        let mut replies = Vec::new();
        for (group, channels) in &groups {
            for channels in channels.chunks(AT_ONCE) {
                replies.extend(self.add(group, channels));
                if replies.len() >= 2 * AT_ONCE {
                    settle(&mut replies).await?;
                }
            }
        }
        settle(&mut replies).await?;
        self.leave_again(host, groups).await
    }

    /// Takes out what has left while it was added.
    async fn leave_again(
        &self,
        host: usize,
        added: HashMap<GroupName, Vec<ChannelName>>,
    ) -> Result<(), LinkError> {
        let now: HashSet<_> = self.memberships_on(host).collect();
        let mut replies = Vec::new();
        for (group, channels) in added {
            for channel in channels {
                let membership = (group.clone(), channel);
                if !now.contains(&membership) {
                    replies.push(self.hosts.leave(&group, [&membership.1]));
                    if replies.len() >= AT_ONCE {
                        settle(&mut replies).await?;
                    }
                }
            }
        }
        settle(&mut replies).await
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
