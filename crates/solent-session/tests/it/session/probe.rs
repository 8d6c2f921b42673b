//! A store that counts, fails and waits as it is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::SystemTime,
};

use solent_session::{
    MemoryStore, Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored,
};
use tokio::sync::{RwLock, RwLockWriteGuard};

#[derive(Clone, Default)]
pub(crate) struct Probe(Arc<Inner>);

#[derive(Default)]
struct Inner {
    memory: MemoryStore,
    loads: AtomicUsize,
    writes: AtomicUsize,
    down: AtomicBool,
    /// Whoever holds it for writing holds up everybody.
    gate: RwLock<()>,
}

impl Probe {
    /// Reads and writes since the last time.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.0.loads.swap(0, SeqCst), self.0.writes.swap(0, SeqCst))
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.0.down.store(down, SeqCst);
    }

    /// Makes everybody wait until the guard is dropped.
    pub(crate) async fn hold_up(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.gate.write().await
    }

    pub(crate) fn memory(&self) -> &MemoryStore {
        &self.0.memory
    }

    /// A session that is there already.
    pub(crate) async fn with(&self, name: &str, value: &str) -> SessionKey {
        let data = SessionData::from_iter([(name.to_owned(), value.into())]);
        let expires = SystemTime::now() + std::time::Duration::from_secs(60);
        self.0.memory.create(&data, expires).await.unwrap()
    }

    async fn access(&self, count: &AtomicUsize) -> Result<&MemoryStore, StoreError> {
        count.fetch_add(1, SeqCst);
        // A real store lets others go on meanwhile.
        tokio::task::yield_now().await;
        let _open = self.0.gate.read().await;
        if self.0.down.load(SeqCst) {
            return Err(StoreError::unavailable("unplugged"));
        }
        Ok(&self.0.memory)
    }
}

impl SessionStore for Probe {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        self.access(&self.0.loads).await?.load(key).await
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        self.access(&self.0.writes)
            .await?
            .create(data, expires)
            .await
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.access(&self.0.writes)
            .await?
            .save(key, data, expires)
            .await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.access(&self.0.writes).await?.delete(key).await
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.access(&self.0.loads).await?.read(key).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let memory = self.access(&self.0.writes).await?;
        memory.replace(key, former, data, expires).await
    }
}
