//! Members of processes that have died.

use redis::cmd;
use solent_layer::{ChannelName, GroupName};

use super::{
    answer::scored,
    hosts::solent_process,
    members::Members,
    script,
    shared::{Shared, unix_now},
};
use crate::{error::LinkError, wire::score_text};

/// The most groups that are looked at together.
const GROUPS: usize = 128;

/// The most members that are removed at once.
const AT_ONCE: usize = 64;

/// Members of a group, with their scores.
type Scored = Vec<(Vec<u8>, f64)>;

impl Shared {
    /// Removes the members of processes that have died from groups of a host. Those of the living have been renewed, so that
    /// only the others are looked at.
    pub(super) async fn prune<'a>(
        &self,
        host: usize,
        groups: impl Iterator<Item = &'a GroupName>,
    ) -> Result<(), LinkError> {
        let groups: Vec<_> = groups.collect();
        for groups in groups.chunks(GROUPS) {
            let before = unix_now() - self.lease().as_secs_f64();
            let asked: Vec<_> = groups
                .iter()
                .map(|group| {
                    let mut range = cmd("ZRANGEBYSCORE");
                    range.arg(self.hosts.keys.group(group));
                    range.arg("-inf").arg(score_text(before)).arg("WITHSCORES");
                    self.hosts.link(host).send_again(range)
                })
                .collect();
            for (group, reply) in groups.iter().zip(asked) {
                let stale = match reply.await {
                    Ok(stale) => scored(stale),
                    Err(error) if error.is_away() => return Err(error),
                    // What else may be there is told where members are added.
                    Err(_) => continue,
                };
                let processes: Vec<_> =
                    stale.iter().filter_map(|(name, _)| process(name)).collect();
                let dead = self
                    .dead(host, processes.iter().map(|process| &process[..]))
                    .await?;
                self.remove_members(group, host, &stale, &dead).await?;
            }
        }
        Ok(())
    }

    /// Removes the members of processes that have died, and names these.
    pub(super) async fn remove_dead<'a>(
        &self,
        group: &GroupName,
        host: usize,
        members: &'a Members,
    ) -> Result<Vec<&'a str>, LinkError> {
        let processes = members
            .targets
            .iter()
            .filter_map(|target| target.process.as_deref());
        let dead = self.dead(host, processes).await?;
        if dead.is_empty() {
            return Ok(dead);
        }
        let mut range = cmd("ZRANGE");
        range.arg(self.hosts.keys.group(group));
        range.arg(0).arg(-1).arg("WITHSCORES");
        let all = scored(self.hosts.link(host).send_again(range).await?);
        // Who has come back since says that it lives before it joins again, and then has other scores.
        let dead = self.dead(host, dead).await?;
        self.remove_members(group, host, &all, &dead).await?;
        Ok(dead)
    }

    /// Removes those members that are of dead processes, and have the same scores still.
    async fn remove_members(
        &self,
        group: &GroupName,
        host: usize,
        members: &Scored,
        dead: &[&str],
    ) -> Result<(), LinkError> {
        if dead.is_empty() {
            return Ok(());
        }
        let is_dead =
            |name: &[u8]| process(name).is_some_and(|process| dead.contains(&&process[..]));
        let gone: Vec<_> = members.iter().filter(|(name, _)| is_dead(name)).collect();
        let key = self.hosts.keys.group(group);
        for gone in gone.chunks(AT_ONCE) {
            script::REMOVE_UNCHANGED
                .run(self.hosts.link(host), |command| {
                    command.arg(1).arg(&key);
                    for (name, score) in gone {
                        command.arg(score_text(*score)).arg(name);
                    }
                })
                .await?;
        }
        tracing::debug!(%group, processes = dead.len(), members = gone.len(), "members of dead processes were removed");
        Ok(())
    }
}

/// The process of Solent that a member is of.
fn process(name: &[u8]) -> Option<String> {
    let name: ChannelName = str::from_utf8(name).ok()?.parse().ok()?;
    solent_process(&name).map(str::to_owned)
}
