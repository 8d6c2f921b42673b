//! Groups: who is in them, and what is sent to them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use redis::{Cmd, Value, cmd};
use solent_layer::{
    ChannelName, DropCause, GroupName, GroupReport, LayerError, Message, SendError,
};

use super::{
    answer::{items, number},
    members::{Members, Target},
    script,
    send::refused,
    shared::{Shared, unix_now},
};
use crate::{error::LinkError, link::Reply, wire::score_text};

/// The most channels that share a script.
const AT_ONCE: usize = 64;

impl Shared {
    pub(super) async fn group_add(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.open()?;
        let is_own = self.is_own(channel);
        let mut is_new = false;
        let mut joining = None;
        if is_own {
            self.introduce(self.hosts.of_group(group)).await?;
            joining = Some(self.joining.begin(group, channel));
            is_new = self.local.join(group, channel)?;
        }
        let [added, kept] = self.add(group, std::slice::from_ref(channel));
        drop(kept);
        let added = added.await;
        drop(joining);
        if let Err(error) = added {
            if is_new {
                self.local.leave(group, channel)?;
                // It may have been added all the same. No task waits for it.
                drop(self.hosts.leave(group, [channel]));
            }
            return Err(error.into());
        }
        if is_own && self.local.inbox(channel).is_none() {
            // Its mailbox was dropped meanwhile, and it left before it came.
            self.leaving.add([(group.clone(), channel.clone())]);
        }
        Ok(())
    }

    pub(super) async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.open()?;
        let is_own = self.is_own(channel);
        if is_own {
            self.local.leave(group, channel)?;
        }
        if let Err(error) = self.hosts.leave(group, [channel]).await {
            if is_own {
                // It is a member still, and leaves with its mailbox if not before.
                self.local.join(group, channel)?;
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// Adds channels to a group, or renews their memberships, and keeps the group.
    pub(super) fn add(&self, group: &GroupName, channels: &[ChannelName]) -> [Reply; 2] {
        let (key, link) = (
            self.hosts.keys.group(group),
            self.hosts.link(self.hosts.of_group(group)),
        );
        let now = score_text(unix_now());
        let mut add = cmd("ZADD");
        add.arg(&key);
        for channel in channels {
            add.arg(&now).arg(channel.as_str());
        }
        let mut keep = cmd("EXPIRE");
        keep.arg(&key).arg(self.group_expiry.as_secs());
        [link.send_again(add), link.send_again(keep)]
    }

    pub(super) async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.open()?;
        let host = self.hosts.of_group(group);
        let members = self.members_of(group, host).await?;
        let dead = self.remove_dead(group, host, &members).await?;
        let mut report = GroupReport::default();
        let mut sending = Vec::new();
        for (host, targets) in self.by_script(&members, &dead) {
            let payloads = targets
                .iter()
                .map(|target| self.payloads.encode_to_all(&message, &target.channels))
                .collect::<Result<Vec<_>, _>>()
                .map_err(refused)?;
            sending.push(async move {
                let full = self.send_each(host, &targets, &payloads).await?;
                Ok::<_, LinkError>((targets, full))
            });
        }
        for sent in futures::future::join_all(sending).await {
            let (targets, full) = sent?;
            self.count(group, &targets, &full, &mut report);
        }
        Ok(report)
    }

    /// The members of a group whose membership has not expired.
    async fn members_of(&self, group: &GroupName, host: usize) -> Result<Arc<Members>, LinkError> {
        let (key, link) = (self.hosts.keys.group(group), self.hosts.link(host));
        let mut purge = cmd("ZREMRANGEBYSCORE");
        let oldest = unix_now() - self.group_expiry.as_secs_f64();
        purge.arg(&key).arg(0).arg(score_text(oldest));
        drop(link.send_again(purge));
        let mut range = cmd("ZRANGE");
        range.arg(&key).arg(0).arg(-1);
        let answer = link.send_again(range).await?;
        Ok(self.members.read(group, &answer, &self.hosts))
    }

    /// Which targets share a script, on which host.
    fn by_script<'a>(&self, members: &'a Members, dead: &[&str]) -> Vec<(usize, Vec<&'a Target>)> {
        let mut by_host: BTreeMap<usize, Vec<&Target>> = BTreeMap::new();
        for target in &members.targets {
            let is_dead = |process| dead.contains(&process);
            if !target.process.as_deref().is_some_and(is_dead) {
                by_host.entry(target.host).or_default().push(target);
            }
        }
        let most = if self.hosts.is_cluster() { 1 } else { AT_ONCE };
        let mut scripts = Vec::new();
        for (host, targets) in by_host {
            let chunks = targets.chunks(most);
            scripts.extend(chunks.map(|targets| (host, targets.to_vec())));
        }
        scripts
    }

    /// Appends to each target its payload. Answers the numbers of those without room.
    async fn send_each(
        &self,
        host: usize,
        targets: &[&Target],
        payloads: &[Bytes],
    ) -> Result<Value, LinkError> {
        let score = self.clock.next();
        let arguments = |command: &mut Cmd| {
            command.arg(targets.len());
            for target in targets {
                command.arg(&target.key);
            }
            command
                .arg(score_text(score - self.expiry.as_secs_f64()))
                .arg(score_text(score))
                .arg(self.expiry.as_secs());
            for (target, payload) in targets.iter().zip(payloads) {
                command.arg(self.capacity(&target.first)).arg(&payload[..]);
            }
        };
        script::SEND_EACH
            .run(self.hosts.link(host), arguments)
            .await
    }

    fn count(
        &self,
        group: &GroupName,
        targets: &[&Target],
        full: &Value,
        report: &mut GroupReport,
    ) {
        let is_full = |idx: usize| {
            let mut full = items(full).iter().filter_map(number);
            full.any(|full| usize::try_from(full) == Ok(idx))
        };
        let mut dropped = 0;
        for (idx, target) in targets.iter().enumerate() {
            if is_full(idx) {
                dropped += target.count;
                continue;
            }
            report.delivered += target.count;
            let elsewhere = target.first.is_process_specific() && !self.is_own(&target.first);
            report.processes += usize::from(elsewhere);
        }
        if dropped > 0 {
            report.drop_for(DropCause::Full, dropped);
            self.local.drops().add_many(DropCause::Full, dropped as u64);
            tracing::debug!(%group, dropped, "group members over capacity");
        }
    }

    /// Whether a channel is one that this process opened.
    pub(super) fn is_own(&self, channel: &ChannelName) -> bool {
        crate::wire::ProcessId::of(channel) == Some(self.process.as_str())
    }
}
