//! What is known of a session in this process.

use std::collections::BTreeSet;

use super::{SessionData, SessionKey};

/// What is known of a session in this process.
#[derive(Default)]
pub(super) struct State {
    /// What the browser showed, or what the store has given since.
    pub(super) key: Option<SessionKey>,
    /// Whether the browser showed anything, be it a key or not.
    pub(super) shown: bool,
    /// Whether anybody looked into it.
    pub(super) accessed: bool,
    /// Whether the browser has to be told the key: it is new, or its expiry was renewed.
    pub(super) untold: bool,
    /// Whether the response has left.
    pub(super) answered: bool,
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
        self.data = Some(SessionData::new());
        self.version = self.version.wrapping_add(1);
        self.changed.all = true;
    }

    /// Whether what others saved meanwhile is to stay.
    pub(super) fn is_mergeable(&self) -> bool {
        self.data.is_some() && !self.changed.all
    }

    /// Makes the changes to what the store has by now.
    pub(super) fn merge(&mut self, mut fresh: SessionData) {
        let mut mine = self.data.take().unwrap_or_default();
        for name in &self.changed.names {
            match mine.remove(&**name) {
                Some(value) => fresh.insert(name.to_string(), value),
                None => fresh.remove(&**name),
            };
        }
        self.data = Some(fresh);
    }

    /// Takes what the store has. Without anything there, the key is nobody's.
    pub(super) fn loaded(&mut self, data: Option<SessionData>) {
        if data.is_none() {
            self.key = None;
        }
        self.data = Some(data.unwrap_or_default());
        self.saved = self.version;
        self.changed = Changed::default();
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
        self.key = Some(key);
        self.data = Some(data);
        self.saved = self.version;
        self.changed = Changed::default();
        self.untold = false;
    }

    /// A change has been saved under a new key.
    pub(super) fn moved(&mut self, key: SessionKey, version: u32) {
        self.key = Some(key);
        self.saved(version);
    }

    /// The same along with `marks`, which are not known here yet.
    pub(super) fn moved_with(&mut self, key: SessionKey, marks: SessionData, version: u32) {
        self.data.get_or_insert_default().extend(marks);
        self.moved(key, version);
    }
}
