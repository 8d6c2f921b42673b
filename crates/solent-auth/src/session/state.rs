//! What is known of a session in this process.

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

    /// Changes the values by `change`, which tells whether it did.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut SessionData) -> bool) {
        if change(self.data.get_or_insert_default()) {
            self.version = self.version.wrapping_add(1);
        }
    }

    pub(super) fn clear(&mut self) {
        self.accessed = true;
        self.data = Some(SessionData::new());
        self.version = self.version.wrapping_add(1);
    }

    /// Takes what the store has. Without anything there, the key is nobody's.
    pub(super) fn loaded(&mut self, data: Option<SessionData>) {
        if data.is_none() {
            self.key = None;
        }
        self.data = Some(data.unwrap_or_default());
        self.saved = self.version;
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
    }

    /// It is another session from now on, that has been saved.
    pub(super) fn replaced(&mut self, key: SessionKey, data: SessionData) {
        self.key = Some(key);
        self.data = Some(data);
        self.saved = self.version;
        self.untold = false;
    }

    /// A change has been saved under a new key.
    pub(super) fn moved(&mut self, key: SessionKey, version: u32) {
        self.key = Some(key);
        self.saved(version);
    }
}
