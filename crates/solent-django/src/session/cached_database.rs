//! `django.contrib.sessions.backends.cached_db`.

use std::time::SystemTime;

use solent_session::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};
use solent_spec::Chain;

use super::{DatabaseSessions, RedisCache};

/// Sessions in the database, with copies in a cache: the engine `cached_db`. Cheap to clone.
///
/// The rows are the truth, and only they are read: that is one query, and no pickle. The copies, which Django looks at first,
/// are kept up to date.
#[derive(Clone, Debug)]
#[must_use]
pub struct CachedDatabaseSessions {
    rows: DatabaseSessions,
    cache: RedisCache,
}

/// What the names of the copies begin with.
const PREFIX: &str = "django.contrib.sessions.cached_db";

impl CachedDatabaseSessions {
    /// The sessions in `rows`, with copies in `cache`.
    pub fn new(rows: DatabaseSessions, cache: RedisCache) -> Self {
        Self { rows, cache }
    }

    /// Keeps a copy, as Django does: a cache that is away is no reason to lose what is in the database already.
    async fn copy(&self, key: &SessionKey, data: &SessionData, expires: SystemTime) {
        let copied = self.cache.put(PREFIX, key, data, expires).await;
        if let Err(error) = copied {
            tracing::error!(error = %Chain(&error), "cached copy of a session could not be written");
        }
    }
}

impl CachedDatabaseSessions {
    /// Keeps a copy of a row that others may be changing, too. Who comes last with the row may come first with the copy, and
    /// Django would go on to believe the older one: so the row is looked at again until it is what was copied.
    async fn copy_row(&self, key: &SessionKey, data: &SessionData, expires: SystemTime) {
        /// By then others have copied as often, and the last of them has the last word.
        const ATTEMPTS: usize = 8;
        let mut copied = data.clone();
        let mut until = expires;
        for _ in 0..ATTEMPTS {
            self.copy(key, &copied, until).await;
            match self.rows.read(key).await {
                Ok(Some(row)) if row.data == copied => return,
                Ok(Some(row)) => {
                    until = row.expires.unwrap_or(expires);
                    copied = row.data;
                }
                // It was ended meanwhile.
                Ok(None) => {
                    let removed = self.cache.remove(PREFIX, key).await;
                    return drop(removed);
                }
                Err(_) => return,
            }
        }
    }
}

impl SessionStore for CachedDatabaseSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        self.rows.load(key).await
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        let key = self.rows.create(data, expires).await?;
        self.copy(&key, data, expires).await;
        Ok(key)
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let saved = self.rows.save(key, data, expires).await?;
        if saved == Saved::Kept {
            self.copy_row(key, data, expires).await;
        }
        Ok(saved)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.rows.read(key).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let saved = self.rows.replace(key, former, data, expires).await?;
        if saved == Saved::Kept {
            self.copy_row(key, data, expires).await;
        }
        Ok(saved)
    }

    /// Fails if the copy may still be there, since Django would go on to believe it.
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.rows.delete(key).await?;
        self.cache.remove(PREFIX, key).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.rows.check().await?;
        self.cache.check().await
    }
}
