//! Sessions in the stores of tower-sessions.

use std::{fmt, sync::Arc, time::SystemTime};

use time::OffsetDateTime;
use tokio::sync::{Mutex, MutexGuard};
use tower_sessions_core::{
    SessionStore as Tower,
    session::{Id, Record},
    session_store::Error,
};

use super::{Expiry, Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

/// Keeps sessions in any store of tower-sessions: in SQL databases, Redis, MongoDB and whatever else there is one for.
///
/// Key and values are those of tower-sessions, so an axum application with its `SessionManagerLayer` has the same sessions
/// as the sockets, if both have the same store and the same name of the cookie (and the cookie is not signed or encrypted there):
///
/// ```
/// use solent_session::{SessionConfig, Sessions, TowerStore};
/// # fn sessions(store: impl tower_sessions_core::SessionStore + Clone) -> Sessions {
/// // `SessionManagerLayer::new(store.clone()).with_name("sessionid")` on axum's side, and here:
/// Sessions::new(TowerStore::new(store)).config(SessionConfig::default().cookie_name("sessionid"))
/// # }
/// ```
///
/// Saving reads first, since stores of tower-sessions would make a session again that was deleted meanwhile, and write over what
/// others have saved. What is deleted or saved by this store, or a clone of it, is never lost; somebody else who deletes or
/// saves a session between the two, such as another process, may find it saved again, or without their change.
pub struct TowerStore<S>(Arc<Inner<S>>);

struct Inner<S> {
    store: S,
    /// Whose turn it is to save or delete a session, some sessions each. They guard no data.
    turns: [Mutex<()>; 64],
}

impl<S: Tower> TowerStore<S> {
    /// Keeps sessions in `store`.
    pub fn new(store: S) -> Self {
        Self(Arc::new(Inner {
            store,
            turns: std::array::from_fn(|_| Mutex::default()),
        }))
    }

    /// Waits until no other task saves or deletes the session.
    async fn turn(&self, id: &Id) -> MutexGuard<'_, ()> {
        let turns = &self.0.turns;
        turns[id.0.unsigned_abs() as usize % turns.len()]
            .lock()
            .await
    }

    /// The record of an id, if it is there and has not expired.
    async fn record(&self, id: &Id) -> Result<Option<Record>, StoreError> {
        match self.0.store.load(id).await {
            Ok(record) => {
                Ok(record.filter(|record| record.expiry_date > OffsetDateTime::now_utc()))
            }
            Err(Error::Decode(_)) => {
                tracing::debug!(target: "solent::session", "stored session cannot be read");
                Err(StoreError::Unreadable)
            }
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }
}

/// The id that a key stands for.
fn id(key: &SessionKey) -> Option<Id> {
    let id = key.as_str().parse().ok();
    if id.is_none() {
        tracing::debug!(target: "solent::session", "session key is none of tower-sessions");
    }
    id
}

fn stored(record: Record) -> Stored {
    let data: SessionData = record.data.into_iter().collect();
    let revision = Revision::of(&data);
    Stored::new(data, revision).expires(SystemTime::from(record.expiry_date))
}

fn record(id: Id, data: &SessionData, expires: SystemTime) -> Record {
    Record {
        id,
        data: data.clone().into_iter().collect(),
        expiry_date: expires.min(Expiry::never()).into(),
    }
}

impl<S: Tower> SessionStore for TowerStore<S> {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        // The store gives it another id where this one is taken.
        let mut record = record(Id::default(), data, expires);
        let created = self.0.store.create(&mut record).await;
        created.map_err(StoreError::unavailable)?;
        SessionKey::parse(&record.id.to_string()).map_err(StoreError::unavailable)
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let Some(id) = id(key) else {
            return Ok(Saved::Gone);
        };
        let _turn = self.turn(&id).await;
        if self.record(&id).await?.is_none() {
            return Ok(Saved::Gone);
        }
        let saved = self.0.store.save(&record(id, data, expires)).await;
        saved.map_err(StoreError::unavailable)?;
        Ok(Saved::Kept)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let Some(id) = id(key) else { return Ok(None) };
        let record = self.record(&id).await?;
        Ok(record.map(stored))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let Some(id) = id(key) else {
            return Ok(Saved::Gone);
        };
        let _turn = self.turn(&id).await;
        match self.record(&id).await?.map(stored) {
            None => return Ok(Saved::Gone),
            Some(stored) if stored.revision != *former => return Ok(Saved::Changed),
            Some(_) => {}
        }
        let saved = self.0.store.save(&record(id, data, expires)).await;
        saved.map_err(StoreError::unavailable)?;
        Ok(Saved::Kept)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(id) = id(key) else { return Ok(()) };
        let _turn = self.turn(&id).await;
        let deleted = self.0.store.delete(&id).await;
        deleted.map_err(StoreError::unavailable)
    }
}

impl<S> Clone for TowerStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: fmt::Debug> fmt::Debug for TowerStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TowerStore").field(&self.0.store).finish()
    }
}
