//! What a store compares before it replaces a session.

use std::{fmt, time::SystemTime};

use super::{SessionData, StoreError};

/// A session as a store has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The values.
    pub data: SessionData,
    /// Which of the session's contents was read, for [`SessionStore::replace`](super::SessionStore::replace).
    pub revision: Revision,
    /// When the session ends, if the store knows.
    pub expires: Option<SystemTime>,
}

impl Stored {
    /// A session that was read with this revision.
    pub fn new(data: SessionData, revision: Revision) -> Self {
        Self {
            data,
            revision,
            expires: None,
        }
    }

    /// The values that were [read](super::SessionStore::read), if they could be: what
    /// [`SessionStore::load`](super::SessionStore::load) returns.
    ///
    /// # Errors
    ///
    /// The store's, but for [`StoreError::Unreadable`].
    pub fn values(
        read: Result<Option<Self>, StoreError>,
    ) -> Result<Option<SessionData>, StoreError> {
        match read {
            Err(StoreError::Unreadable) => Ok(None),
            read => Ok(read?.map(|stored| stored.data)),
        }
    }

    /// Sets [`expires`](Self::expires).
    pub fn expires(mut self, expires: impl Into<Option<SystemTime>>) -> Self {
        self.expires = expires.into();
        self
    }
}

/// Tells one content of a session from another: the bytes that are stored, or a number that changes with each write. Only
/// the store that made it understands it. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision(Box<[u8]>);

impl Revision {
    /// The revision that these bytes name.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }

    /// The revision of a content in a store that has nothing else to tell contents apart.
    #[expect(clippy::missing_panics_doc, reason = "a map of JSON values is JSON")]
    pub fn of(data: &SessionData) -> Self {
        // The order of names is not the same in every map.
        let sorted: std::collections::BTreeMap<_, _> = data.iter().collect();
        let json = serde_json::to_vec(&sorted).expect("a map of JSON values is JSON");
        Self(json.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revision(..)")
    }
}
