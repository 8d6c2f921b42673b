//! What is known of a session in this process.

use std::{collections::BTreeSet, time::SystemTime};

use super::{Revision, SessionData, SessionKey, Stored};

/// What is known of a session in this process.
#[derive(Default)]
pub(super) struct State {
    /// What the browser showed, or what the store has given since.
    pub(super) key: Option<SessionKey>,
    /// Whether the browser showed anything, be it a key or not.
    pub(super) shown: bool,
    /// Whether the application looked into it.
    pub(super) accessed: bool,
    /// Whether the browser has to be told the key: it is new, or its expiry was renewed.
    pub(super) untold: bool,
    /// Whether the response has left.
    pub(super) answered: bool,
    /// Whether the browser has a session that cannot be read. It then looks empty, and is not written over.
    pub(super) unreadable: bool,
    /// When the session ends, as far as it is known.
    pub(super) expires: Option<SystemTime>,
    /// What the store had when it was read. Taken by the first save, and dropped once the response has left: whoever saves
    /// later reads again, and an open socket does not hold it.
    pub(super) revision: Option<Revision>,
    /// What the session had before it was cleared, for those who are told that it ended. Gone once they were.
    pub(super) former: Option<Box<SessionData>>,
    /// The values, once they were read or cleared.
    data: Option<SessionData>,
    /// Counts changes.
    version: u32,
    /// The change that was saved last.
    saved: u32,
    /// What has changed since the values were read or saved.
    changed: Changed,
}

#[derive(Default)]
struct Changed {
    /// Everything, since all was cleared.
    all: bool,
    names: BTreeSet<Box<str>>,
}

impl State {
    /// Nothing is known but what the browser showed.
    pub(super) fn shown(key: Option<SessionKey>, shown: bool) -> Self {
        Self {
            key,
            shown,
            ..Self::default()
        }
    }

    pub(super) fn data(&self) -> Option<&SessionData> {
        self.data.as_ref()
    }

    pub(super) fn is_modified(&self) -> bool {
        self.version != self.saved
    }

    /// Whether anything has been changed, saved or not.
    pub(super) fn was_changed(&self) -> bool {
        self.version != 0
    }

    /// Changes the value of a name by `change`, which tells whether it did.
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut SessionData) -> bool) {
        if change(self.data.get_or_insert_default()) {
            self.version = self.version.wrapping_add(1);
            self.changed.names.insert(name.into());
        }
    }

    pub(super) fn clear(&mut self) {
        self.accessed = true;
        let former = self.data.replace(SessionData::new());
        if let Some(former) = former.filter(|data| !data.is_empty()) {
            self.former = Some(Box::new(former));
        }
        self.version = self.version.wrapping_add(1);
        self.changed.all = true;
    }

    /// Whether all was cleared, so that nothing of what others saved meanwhile is to stay.
    pub(super) fn is_cleared(&self) -> bool {
        self.changed.all
    }

    /// Whether the value of a name was changed and not saved.
    pub(super) fn is_changed(&self, name: &str) -> bool {
        self.changed.names.contains(name)
    }

    /// The value of a name has been saved on its own, along with what else the store has.
    pub(super) fn updated(&mut self, name: &str, data: SessionData) {
        self.changed.names.remove(name);
        self.merge(data);
        self.untold = true;
        if self.changed.names.is_empty() {
            self.saved = self.version;
        }
    }

    /// Makes the changes to what the store has by now.
    pub(super) fn merge(&mut self, mut fresh: SessionData) {
        if self.changed.all {
            return;
        }
        let mut mine = self.data.take().unwrap_or_default();
        for name in &self.changed.names {
            match mine.remove(&**name) {
                Some(value) => fresh.insert(name.to_string(), value),
                None => fresh.remove(&**name),
            };
        }
        self.data = Some(fresh);
    }

    /// Takes what the store has. Without anything there, the key belongs to no session.
    pub(super) fn loaded(&mut self, stored: Option<Stored>) {
        self.unreadable = false;
        self.saved = self.version;
        self.changed = Changed::default();
        let Some(stored) = stored else {
            self.key = None;
            self.expires = None;
            self.revision = None;
            self.data = Some(SessionData::new());
            return;
        };
        self.expires = stored.expires;
        self.revision = (!self.answered).then_some(stored.revision);
        self.data = Some(stored.data);
    }

    /// The store has a session that cannot be read.
    pub(super) fn not_readable(&mut self) {
        self.loaded(None);
        self.unreadable = true;
    }

    /// The response has left.
    pub(super) fn answer(&mut self) {
        self.answered = true;
        self.revision = None;
    }

    /// Key, values and the number of the change that they are of.
    pub(super) fn snapshot(&self) -> (Option<SessionKey>, SessionData, u32) {
        let data = self.data.clone().unwrap_or_default();
        (self.key.clone(), data, self.version)
    }

    /// A change has been saved; there may have been others since.
    pub(super) fn saved(&mut self, version: u32) {
        self.saved = version;
        self.untold = true;
        if !self.is_modified() {
            self.changed = Changed::default();
        }
    }

    /// It is another session from now on, that has been saved.
    pub(super) fn replaced(&mut self, key: SessionKey, data: SessionData) {
        self.unreadable = false;
        self.revision = None;
        self.key = Some(key);
        self.data = Some(data);
        self.saved = self.version;
        self.changed = Changed::default();
        self.untold = false;
    }

    /// A change has been saved under a new key.
    pub(super) fn moved(&mut self, key: SessionKey, version: u32) {
        self.unreadable = false;
        self.revision = None;
        self.key = Some(key);
        self.saved(version);
    }

    /// The same along with `marks`, which are not known here yet.
    pub(super) fn moved_with(&mut self, key: SessionKey, marks: SessionData, version: u32) {
        self.data.get_or_insert_default().extend(marks);
        self.moved(key, version);
    }
}
