//! Messages that were taken by processes that died before they were read.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use redis::cmd;
use solent_spec::Chain;

use super::{
    answer::{number, scored},
    hosts::Hosts,
    listen::Listened,
    script,
    shared::Shared,
};
use crate::{
    error::LinkError,
    wire::{Keys, ProcessId},
};

/// The length of a process's identity, which stands before the payload in a backup.
const OWNER: usize = 32;

/// Members of a sorted set, and their scores.
type Scored = Vec<(Vec<u8>, f64)>;

/// What lay in the backups of Python's readers when they were last looked at, by host and key.
#[derive(Default)]
pub(super) struct Backups(Mutex<HashMap<(usize, String), Scored>>);

impl Backups {
    /// What lies there now and did before. A reader that lives takes its message out at once.
    fn stale(&self, host: usize, key: &str, now: &Scored) -> Scored {
        let mut seen = self.0.lock();
        let at = (host, key.to_owned());
        let before = if now.is_empty() {
            seen.remove(&at)
        } else {
            seen.insert(at, now.clone())
        };
        let before = before.unwrap_or_default();
        let stale = now.iter().filter(|backup| before.contains(backup));
        stale.cloned().collect()
    }

    /// Forgets names without a listener.
    fn keep(&self, names: &[Arc<Listened>]) {
        let mut seen = self.0.lock();
        seen.retain(|(_, key), _| names.iter().any(|name| name.key == *key));
    }
}

impl Shared {
    /// Puts back, for names that are listened on here, what would not be read otherwise.
    pub(super) async fn recover(&self) {
        let names = self.listening.all();
        self.backups.keep(&names);
        for name in &names {
            for host in 0..self.hosts.links().len() {
                if let Err(error) = self.recover_name(host, name).await {
                    tracing::debug!(
                        error = %Chain(&error),
                        host = %self.hosts.link(host),
                        "backups were not looked at"
                    );
                }
            }
        }
    }

    async fn recover_name(&self, host: usize, name: &Listened) -> Result<(), LinkError> {
        let ours = Hosts::taken(&name.key);
        let taken = self.set(host, &ours).await?;
        let owners = taken.iter().filter_map(|(member, _)| owner(member));
        let dead = self.dead(host, owners).await?;
        let is_lost = |member: &[u8]| owner(member).is_some_and(|owner| dead.contains(&owner));
        let lost = taken.iter().filter(|(member, _)| is_lost(member));
        let lost: Vec<_> = lost.map(|(member, _)| &member[..]).collect();
        self.put_back(host, name, &ours, OWNER, &lost).await?;
        if self.hosts.is_cluster() {
            // No Python reads there.
            return Ok(());
        }
        let theirs = Keys::inflight(&name.key);
        let taken = self.set(host, &theirs).await?;
        let stale = self.backups.stale(host, &name.key, &taken);
        let lost: Vec<_> = stale.iter().map(|(member, _)| &member[..]).collect();
        self.put_back(host, name, &theirs, 0, &lost).await
    }

    async fn set(&self, host: usize, key: &str) -> Result<Scored, LinkError> {
        let mut range = cmd("ZRANGE");
        range.arg(key).arg(0).arg(-1).arg("WITHSCORES");
        self.hosts.link(host).send_again(range).await.map(scored)
    }

    async fn put_back(
        &self,
        host: usize,
        name: &Listened,
        set: &str,
        owner: usize,
        members: &[&[u8]],
    ) -> Result<(), LinkError> {
        if members.is_empty() {
            return Ok(());
        }
        let moved = script::RESTORE.run(self.hosts.link(host), |command| {
            command.arg(2).arg(&name.key).arg(set);
            command.arg(self.expiry.as_secs()).arg(owner).arg(members);
        });
        let moved = number(&moved.await?).unwrap_or_default();
        if moved > 0 {
            tracing::info!(channel = %name.name, messages = moved, "messages of a process that died were put back");
        }
        Ok(())
    }
}

/// The process that took a message.
fn owner(member: &[u8]) -> Option<&str> {
    let owner = str::from_utf8(member.get(..OWNER)?).ok()?;
    ProcessId::is_solent(owner).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_is_stale_when_it_is_seen_twice() {
        let backups = Backups::default();
        let one = vec![(b"1".to_vec(), 1.0)];
        let both = vec![(b"1".to_vec(), 1.0), (b"2".to_vec(), 2.0)];

        assert_eq!(backups.stale(0, "a", &one), []);
        assert_eq!(backups.stale(1, "a", &one), []);
        assert_eq!(backups.stale(0, "a", &both), one);
        assert_eq!(backups.stale(0, "a", &vec![]), []);
        assert_eq!(backups.stale(0, "a", &one), []);
    }
}
