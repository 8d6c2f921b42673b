//! Where things are.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use redis::cmd;
use solent_layer::{ChannelName, GroupName};

use crate::{
    ConfigError, RedisConfig,
    link::{Link, Reply},
    wire::{Keys, ProcessId, Ring},
};

/// The hosts of a layer, and the keys that are on them.
#[derive(Debug)]
pub(super) struct Hosts {
    links: Vec<Link>,
    ring: Ring,
    pub(super) keys: Keys,
    /// The host that has the next message for a name that any process may read.
    next: AtomicUsize,
}

impl Hosts {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let links = config
            .hosts
            .iter()
            .map(|host| Link::new(host, config))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            ring: Ring::new(NonZeroUsize::new(links.len()).unwrap_or(NonZeroUsize::MIN)),
            links,
            keys: Keys::new(config.prefix.as_str()),
            next: AtomicUsize::new(0),
        })
    }

    /// All hosts, in their order.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    pub(super) fn link(&self, host: usize) -> &Link {
        &self.links[host]
    }

    /// The number of the host that has a group's members.
    pub(super) fn of_group(&self, group: &GroupName) -> usize {
        self.ring.shard(group.as_str())
    }

    /// The number of the host that has messages filed under the [non-local](ChannelName::non_local) part of a name.
    pub(super) fn of_non_local(&self, non_local: &str) -> usize {
        self.ring.shard(non_local)
    }

    /// The hosts that may take a message for a channel, and how much of its capacity each has.
    ///
    /// Messages for a name that any process may read go to the hosts in turn, as readers in Python take them. Each has its
    /// share of the capacity; when one is full, the next is tried.
    pub(super) fn for_send(
        &self,
        channel: &ChannelName,
        capacity: usize,
    ) -> impl Iterator<Item = (&Link, usize)> {
        let all = self.links.len();
        let (first, tries) = if channel.is_process_specific() {
            (self.of_non_local(channel.non_local()), 1)
        } else if all == 1 {
            (0, 1)
        } else {
            (self.next.fetch_add(1, Relaxed), all)
        };
        (first..first.saturating_add(tries)).map(move |turn| {
            let host = turn % all;
            let share = capacity / tries + usize::from(host < capacity % tries);
            (&self.links[host], share)
        })
    }

    /// Whether a script may have keys of several channels at once.
    pub(super) fn is_cluster(&self) -> bool {
        self.links.iter().any(Link::is_cluster)
    }

    /// Takes channels out of a group.
    pub(super) fn leave<'a>(
        &self,
        group: &GroupName,
        channels: impl IntoIterator<Item = &'a ChannelName>,
    ) -> Reply {
        let mut command = cmd("ZREM");
        command.arg(self.keys.group(group));
        for channel in channels {
            command.arg(channel.as_str());
        }
        self.link(self.of_group(group)).send_again(command)
    }

    /// What says that a process lives. It expires soon after the process has.
    pub(super) fn lease(&self, process: &str) -> String {
        [self.keys.prefix(), ":solent:process:", process].concat()
    }

    /// The sorted set of messages that processes of Solent have taken from `key`, and whose readers have not taken yet. In
    /// a cluster it is where `key` is.
    pub(super) fn taken(key: &str) -> String {
        ["{", key, "}:solent:taken"].concat()
    }
}

/// The process of Solent that reads what is filed under the non-local part of a name, if one of Solent does.
pub(super) fn solent_process(channel: &ChannelName) -> Option<&str> {
    ProcessId::of(channel).filter(|process| ProcessId::is_solent(process))
}
