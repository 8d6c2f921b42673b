//! `django.contrib.sessions.backends.file`.

mod expiry;
mod folder;
mod lock;

use std::{
    env, io,
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_session::{
    Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored, Threads,
};

use self::folder::Folder;
use super::{
    ALL_TAKEN, ATTEMPTS,
    codec::{self, STORE_SALT},
};
use crate::signing::SecretKeys;

/// `SESSION_COOKIE_AGE`, unless a project says otherwise: 14 days.
pub(super) const AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Sessions in files: the engine `file`. Cheap to clone.
///
/// A file does not say when its session ends. It ends [`age`](Self::age) after it was last written, or when the session
/// itself says, be that a moment or a time after it was last written.
///
/// Who replaces or deletes a file holds a lock, another file beside it, so that processes of ours lose nothing of each other.
/// Django knows no such lock: what it writes in the same instant may be lost.
#[derive(Clone, Debug)]
#[must_use]
pub struct FileSessions {
    folder: Folder,
    keys: SecretKeys,
    salt: Arc<str>,
    age: Duration,
    /// Those of the runtime may all wait for a session.
    threads: Threads,
}

/// Threads that read and write files, and what may wait for one.
const THREADS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
const QUEUE: usize = 4096;

impl FileSessions {
    /// Sessions in the system's folder for temporary files, which is Django's default.
    pub fn new(keys: SecretKeys) -> Self {
        Self {
            folder: Folder {
                path: env::temp_dir().into(),
                prefix: "sessionid".into(),
            },
            keys,
            salt: STORE_SALT.into(),
            age: AGE,
            threads: Threads::new("sessions", THREADS, QUEUE),
        }
    }

    /// Sets `SESSION_FILE_PATH`, the folder.
    pub fn path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder.path = folder.into().into();
        self
    }

    /// Sets `SESSION_COOKIE_NAME`, which the names of files begin with. The same as
    /// [`SessionConfig::cookie_name`](solent_session::SessionConfig::cookie_name).
    pub fn cookie_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.folder.prefix = name.into();
        self
    }

    /// Sets `SESSION_COOKIE_AGE`: how long after it was last written a session ends that does not say itself. The same as
    /// [`SessionConfig::age`](solent_session::SessionConfig::age).
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets the salt, for projects with an engine of their own whose class is not called `SessionStore`.
    pub fn salt(mut self, salt: impl Into<Arc<str>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Does what blocks, on a thread that may.
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = self.folder.clone();
        let done = self.threads.run(move || act(&folder)).await;
        done.map_err(StoreError::unavailable)?
            .map_err(StoreError::unavailable)
    }

    fn encode(&self, data: &SessionData) -> Arc<str> {
        codec::encode(&self.keys, &self.salt, data, SystemTime::now()).into()
    }
}

impl SessionStore for FileSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let key = key.clone();
        let Some(file) = self.with(move |folder| folder.read(&key)).await? else {
            return Ok(None);
        };
        let revision = Revision::new(&file.content);
        // Django makes a file before it writes it.
        if file.content.is_empty() {
            return Ok(Some(Stored::new(SessionData::new(), revision)));
        }
        let now = SystemTime::now();
        let Some(data) = codec::read(&self.keys, &self.salt, &file.content, None, now)? else {
            return Ok(None);
        };
        let expires = expiry::of(&data, file.modified, self.age);
        let stored = Stored::new(data, revision).expires(expires);
        Ok(Some(stored).filter(|_| expires > now))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let (key, content, former) = (key.clone(), self.encode(data), former.clone());
        let exchange = move |folder: &Folder| folder.exchange(&key, former.as_bytes(), &content);
        Ok(match self.with(exchange).await? {
            None => Saved::Gone,
            Some(false) => Saved::Changed,
            Some(true) => Saved::Kept,
        })
    }

    async fn create(
        &self,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        let content = self.encode(data);
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            let (name, content) = (key.clone(), Arc::clone(&content));
            let create = move |folder: &Folder| folder.create(&name, &content);
            if self.with(create).await? {
                return Ok(key);
            }
        }
        Err(StoreError::unavailable(ALL_TAKEN))
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let (key, content) = (key.clone(), self.encode(data));
        let replaced = self.with(move |folder| folder.replace(&key, &content));
        Ok(if replaced.await? {
            Saved::Kept
        } else {
            Saved::Gone
        })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.with(move |folder| folder.remove(&key)).await
    }
}
