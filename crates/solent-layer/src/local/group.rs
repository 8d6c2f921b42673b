//! One group and its members.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{GroupName, GroupReport, Inbox, Message, Wakers};

/// The most members that are served in one go, with the group locked. It takes a tenth of a millisecond.
pub(super) const AT_ONCE: usize = 1024;

/// One group.
pub(super) struct Group {
    name: GroupName,
    /// Held while up to [`AT_ONCE`] messages are pushed, never across a wait or a wake-up.
    members: Mutex<Members>,
}

/// A channel's place in a group: when it joined, which also tells it from all others.
///
/// The upper bits are milliseconds of the layer's clock, the rest a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The bits of a [`Place`] that count; what is left for the time is enough for 500 years.
const COUNTER_BITS: u32 = 20;

struct Members {
    /// Ascending by place, so that one is found by bisection and the longest members come first.
    entries: Vec<Member>,
    /// How many entries have an inbox.
    live: usize,
    /// No membership that expires was made before this place.
    first_expiring: Place,
    /// The last place that was given away.
    last: Place,
    /// The last member has left; the table of groups forgets this group, and no channel may join it.
    gone: bool,
}

struct Member {
    place: Place,
    /// Empty once the member has left.
    inbox: Option<Arc<Inbox>>,
    /// Whether the membership ends some time after it was made.
    expires: bool,
}

/// How a message reaches the members.
pub(super) enum Sent {
    /// It has been pushed to all.
    Done(GroupReport),
    /// They are many. These are to be served in portions.
    Many(Vec<Arc<Inbox>>),
}

impl Place {
    const NEVER: Self = Self(u64::MAX);

    /// The first place of a millisecond.
    pub(super) fn at(millis: u64) -> Self {
        Self(millis << COUNTER_BITS)
    }

    fn millis(self) -> u64 {
        self.0 >> COUNTER_BITS
    }
}

impl Group {
    pub(super) fn new(name: GroupName) -> Self {
        let members = Members {
            entries: Vec::new(),
            live: 0,
            first_expiring: Place::NEVER,
            last: Place(0),
            gone: false,
        };
        Self {
            name,
            members: Mutex::new(members),
        }
    }

    pub(super) fn name(&self) -> &GroupName {
        &self.name
    }

    /// Makes a channel a member, or renews the membership it has as `old`. Nothing, if the group is gone.
    pub(super) fn join(
        &self,
        inbox: &Arc<Inbox>,
        old: Option<Place>,
        millis: u64,
        expires: bool,
    ) -> Option<Place> {
        let mut members = self.members.lock();
        if members.gone {
            return None;
        }
        if let Some(old) = old {
            if old.millis() == millis && members.find(old).is_some() {
                return Some(old);
            }
            members.remove(old);
        }
        Some(members.append(Arc::clone(inbox), millis, expires))
    }

    /// Ends a membership, if it has not ended yet. Tells whether the group is gone with it.
    pub(super) fn leave(&self, place: Place) -> bool {
        let mut members = self.members.lock();
        let inbox = members.remove(place);
        let gone = members.close_if_empty();
        drop(members);
        drop(inbox);
        gone
    }

    /// Whether a membership has not ended yet.
    pub(super) fn has(&self, place: Place) -> bool {
        self.members.lock().find(place).is_some()
    }

    /// Pushes a message to every member, and ends the memberships that expire and are from before `oldest`. Tells whether
    /// the group is gone with them.
    pub(super) fn send(
        &self,
        message: &Message,
        now: Instant,
        oldest: Place,
        at_once: usize,
    ) -> (Sent, bool) {
        let mut wakers = Wakers::new();
        let mut members = self.members.lock();
        let expired = members.remove_before(oldest);
        let gone = members.close_if_empty();
        let inboxes = members.entries.iter().filter_map(|m| m.inbox.as_ref());
        let sent = if members.live > at_once {
            Sent::Many(inboxes.cloned().collect())
        } else {
            let mut report = GroupReport::default();
            for inbox in inboxes {
                report.count(inbox.push_quietly(message, now, &mut wakers));
            }
            Sent::Done(report)
        };
        drop(members);
        drop(expired);
        wakers.wake();
        (sent, gone)
    }
}

impl Members {
    fn append(&mut self, inbox: Arc<Inbox>, millis: u64, expires: bool) -> Place {
        self.last = Place::at(millis).max(Place(self.last.0 + 1));
        if expires {
            self.first_expiring = self.first_expiring.min(self.last);
        }
        if self.entries.capacity() == 0 {
            // Many groups have one member: a user's own.
            self.entries.reserve_exact(1);
        }
        self.entries.push(Member {
            place: self.last,
            inbox: Some(inbox),
            expires,
        });
        self.live += 1;
        self.last
    }

    fn find(&self, place: Place) -> Option<usize> {
        let idx = self
            .entries
            .binary_search_by_key(&place, |member| member.place)
            .ok()?;
        self.entries[idx].inbox.is_some().then_some(idx)
    }

    fn remove(&mut self, place: Place) -> Option<Arc<Inbox>> {
        let idx = self.find(place)?;
        let inbox = self.entries[idx].inbox.take();
        self.live -= 1;
        self.compact();
        inbox
    }

    /// Takes out those that expire and joined before `oldest`.
    fn remove_before(&mut self, oldest: Place) -> Vec<Arc<Inbox>> {
        if self.first_expiring >= oldest {
            return Vec::new();
        }
        let old = self.entries.partition_point(|member| member.place < oldest);
        let (old, young) = self.entries.split_at_mut(old);
        let expired: Vec<_> = old
            .iter_mut()
            .filter(|member| member.expires)
            .filter_map(|member| member.inbox.take())
            .collect();
        self.first_expiring = young
            .iter()
            .find(|member| member.expires)
            .map_or(Place::NEVER, |member| member.place);
        self.live -= expired.len();
        self.compact();
        expired
    }

    /// Closes up, once more places are empty than taken.
    fn compact(&mut self) {
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        if len > 8 && self.live * 2 < len {
            self.entries.retain(|member| member.inbox.is_some());
        }
        if capacity > 64 && self.entries.len() < capacity / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    fn close_if_empty(&mut self) -> bool {
        self.gone = self.live == 0;
        self.gone
    }
}
