//! Who is in a group.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;
use redis::Value;
use solent_layer::{ChannelName, GroupName};

use super::{
    answer::{bytes, items},
    hosts::{Hosts, solent_process},
};
use crate::wire::AddressList;

/// The most lists that are remembered, and the shortest that is worth it.
const MOST: usize = 512;
const LEAST: usize = 8;

/// The members of a group, by who reads them.
pub(super) struct Members {
    /// The names as Redis gave them, one after the other, and where each ends.
    names: Vec<u8>,
    ends: Vec<usize>,
    pub(super) targets: Vec<Target>,
}

/// Members whose messages wait under one key: those of one process and name prefix, or one name that any process may read.
pub(super) struct Target {
    pub(super) key: String,
    pub(super) host: usize,
    /// A member; capacity is looked up by it, as Python does by the first.
    pub(super) first: ChannelName,
    /// The process that reads, if it is one of Solent.
    pub(super) process: Option<Box<str>>,
    /// The names of the members, as they stand in a message.
    pub(super) channels: AddressList,
    pub(super) count: usize,
}

impl Members {
    /// Reads Redis's list. What is no name of a channel is left out.
    fn read(answer: &Value, hosts: &Hosts) -> Self {
        let mut names = Vec::new();
        let mut ends = Vec::with_capacity(items(answer).len());
        for name in items(answer)
            .iter()
            .map(|name| bytes(name).unwrap_or_default())
        {
            names.extend_from_slice(name);
            ends.push(names.len());
        }
        let mut by_reader: HashMap<&str, usize> = HashMap::new();
        let mut found: Vec<(ChannelName, Vec<&str>)> = Vec::new();
        for name in split(&names, &ends).filter_map(|name| str::from_utf8(name).ok()) {
            let non_local = name.find('!').map_or(name, |at| &name[..=at]);
            match by_reader.entry(non_local) {
                Entry::Occupied(known) => found[*known.get()].1.push(name),
                Entry::Vacant(place) => {
                    if let Ok(first) = name.parse() {
                        place.insert(found.len());
                        found.push((first, vec![name]));
                    }
                }
            }
        }
        let targets = found
            .into_iter()
            .map(|(first, names)| Target {
                key: hosts.keys.channel(&first),
                host: hosts.of_non_local(first.non_local()),
                process: solent_process(&first).map(Into::into),
                channels: AddressList::new(names.iter().copied()),
                count: names.len(),
                first,
            })
            .collect();
        Self {
            names,
            ends,
            targets,
        }
    }

    /// Whether Redis's list is the same one.
    fn is(&self, answer: &Value) -> bool {
        let items = items(answer);
        items.len() == self.ends.len()
            && split(&self.names, &self.ends)
                .zip(items)
                .all(|(name, item)| bytes(item) == Some(name))
    }
}

/// The parts of `names` that end at `ends`.
fn split<'a>(names: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(&0).chain(ends);
    starts.zip(ends).map(|(start, end)| &names[*start..*end])
}

/// The lists of groups that were sent to, so that a list that has not changed is not sorted again.
#[derive(Default)]
pub(super) struct MemberLists {
    /// Held for a moment.
    lists: Mutex<HashMap<GroupName, Arc<Members>>>,
}

impl MemberLists {
    /// The members in Redis's list.
    pub(super) fn read(&self, group: &GroupName, answer: &Value, hosts: &Hosts) -> Arc<Members> {
        let known = self.lists.lock().get(group).cloned();
        if let Some(known) = known.filter(|known| known.is(answer)) {
            return known;
        }
        let members = Arc::new(Members::read(answer, hosts));
        let mut lists = self.lists.lock();
        if members.ends.len() < LEAST {
            lists.remove(group);
        } else {
            if lists.len() >= MOST {
                lists.clear();
            }
            lists.insert(group.clone(), Arc::clone(&members));
        }
        members
    }
}
