//! Sessions in a cache.

use std::time::SystemTime;

use solent_session::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

use super::RedisCache;
use crate::session::{ALL_TAKEN, ATTEMPTS};

/// Sessions in a cache and nowhere else: the engine `cache`. Cheap to clone.
///
/// Where replicas are read from, a request may find a session older than it is; what others set meanwhile then stays all the
/// same, or the save fails as [contended](solent_session::SessionError::Contended) if a replica is far behind.
#[derive(Clone, Debug)]
#[must_use]
pub struct CacheSessions(RedisCache);

/// What the names of sessions begin with.
const PREFIX: &str = "django.contrib.sessions.cache";

impl CacheSessions {
    /// The sessions in `cache`, the one that `SESSION_CACHE_ALIAS` names.
    pub fn new(cache: RedisCache) -> Self {
        Self(cache)
    }
}

impl SessionStore for CacheSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.0.get(PREFIX, key).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.0.exchange(PREFIX, key, former, data, expires).await
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            if self.0.add(PREFIX, &key, data, expires).await? {
                return Ok(key);
            }
        }
        Err(StoreError::unavailable(ALL_TAKEN))
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let replaced = self.0.replace(PREFIX, key, data, expires).await?;
        Ok(if replaced { Saved::Kept } else { Saved::Gone })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.remove(PREFIX, key).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }
}
