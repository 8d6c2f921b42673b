//! Sessions in the memory of this process.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;

use super::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

/// Keeps sessions in the memory of this process: for one process, for tests, and where a restart may log all users out.
///
/// Holds a bounded number of sessions, 100,000 by default. A session that comes when it is full displaces the one that would
/// expire first. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    capacity: usize,
    /// Held for a moment, never across a wait.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionKey, Entry>,
    /// All sessions by the time that they expire, then by number.
    order: BTreeSet<(SystemTime, u64)>,
    /// The keys of the numbers in `order`.
    keys: HashMap<u64, SessionKey>,
    /// Numbers given so far.
    count: u64,
}

struct Entry {
    data: SessionData,
    expires: SystemTime,
    number: u64,
}

impl MemoryStore {
    /// A store for at most `capacity` sessions.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Inner {
            capacity: capacity.get(),
            table: Mutex::default(),
        }))
    }

    /// How many sessions it holds, expired ones that were not noticed yet among them.
    pub fn len(&self) -> usize {
        self.0.table.lock().sessions.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();
        Self::new(CAPACITY)
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        let mut table = self.0.table.lock();
        table.forget_expired(SystemTime::now());
        Ok(table.sessions.get(key).map(|entry| entry.data.clone()))
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        let mut table = self.0.table.lock();
        table.forget_expired(SystemTime::now());
        if table.sessions.len() >= self.0.capacity && table.forget_first() {
            tracing::warn!(
                target: "solent::session",
                capacity = self.0.capacity,
                "session store is full, the session that would expire first is lost"
            );
        }
        let key = loop {
            let key = SessionKey::random();
            if !table.sessions.contains_key(&key) {
                break key;
            }
        };
        table.insert(key.clone(), data.clone(), expires);
        Ok(key)
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let mut table = self.0.table.lock();
        table.forget_expired(SystemTime::now());
        if table.remove(key).is_none() {
            return Ok(Saved::Gone);
        }
        table.insert(key.clone(), data.clone(), expires);
        Ok(Saved::Kept)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.table.lock().remove(key);
        Ok(())
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let mut table = self.0.table.lock();
        table.forget_expired(SystemTime::now());
        let entry = table.sessions.get(key);
        Ok(entry
            .map(|entry| Stored::new(entry.data.clone(), entry.revision()).expires(entry.expires)))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let mut table = self.0.table.lock();
        table.forget_expired(SystemTime::now());
        match table.sessions.get(key) {
            None => return Ok(Saved::Gone),
            Some(entry) if entry.revision() != *former => return Ok(Saved::Changed),
            Some(_) => {}
        }
        table.remove(key);
        table.insert(key.clone(), data.clone(), expires);
        Ok(Saved::Kept)
    }
}

impl Entry {
    /// Every write has another number.
    fn revision(&self) -> Revision {
        Revision::new(self.number.to_be_bytes())
    }
}

impl Table {
    fn insert(&mut self, key: SessionKey, data: SessionData, expires: SystemTime) {
        let number = self.count;
        self.count += 1;
        self.order.insert((expires, number));
        self.keys.insert(number, key.clone());
        let entry = Entry {
            data,
            expires,
            number,
        };
        self.sessions.insert(key, entry);
    }

    fn remove(&mut self, key: &SessionKey) -> Option<Entry> {
        let entry = self.sessions.remove(key)?;
        self.order.remove(&(entry.expires, entry.number));
        self.keys.remove(&entry.number);
        Some(entry)
    }

    fn forget_expired(&mut self, now: SystemTime) {
        while self
            .order
            .first()
            .is_some_and(|(expires, _)| *expires <= now)
        {
            self.forget_first();
        }
    }

    /// Whether there was one.
    fn forget_first(&mut self) -> bool {
        let Some((_, number)) = self.order.pop_first() else {
            return false;
        };
        if let Some(key) = self.keys.remove(&number) {
            self.sessions.remove(&key);
        }
        true
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.0.capacity)
            .finish()
    }
}
