//! Sessions in Redis.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_layer_redis::store::{Condition, Exchanged, StoreFailure, StoreLink};
use solent_spec::{BoxError, json};

use super::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};
use crate::Spent;

/// Keeps sessions in Redis, or what speaks its protocol: each as JSON under `solent:session:` and its key, with its expiry.
///
/// All commands share one connection, which is made when it is first needed and again when it breaks. Each is given up after
/// [a time](Self::patience), also while a server is frozen, and the next one connects anew. An answer that will not change,
/// such as a wrong password or a missing right, is an error at once; [`check`](SessionStore::check) finds it at the start. The
/// user of the URL needs the commands `GET`, `PTTL`, `SET`, `DEL`, `EVAL` and `PING`. Redis 6 or later. Cheap to clone.
#[derive(Clone)]
#[must_use]
pub struct RedisStore {
    prefix: Arc<str>,
    link: Arc<StoreLink>,
}

/// How often a new key is tried that turns out to be taken.
const ATTEMPTS: usize = 4;

impl RedisStore {
    /// Sessions in the Redis of a URL, which is read as those of the channel layers: `redis://:password@host:6379/0`,
    /// `rediss://…` with TLS, `redis+unix:///path`, `redis+sentinel://host:26379/master` or `redis+cluster://host`. The
    /// options of a layer may be there and are not used, so that one URL serves both; of several hosts the first
    /// one is taken. Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`InvalidStoreUrl`] says what is wrong with the URL.
    pub fn new(url: &str) -> Result<Self, InvalidStoreUrl> {
        let link = StoreLink::open(url).map_err(|cause| InvalidStoreUrl(cause.into()))?;
        Ok(Self {
            prefix: "solent:session:".into(),
            link: Arc::new(link),
        })
    }

    /// Sets how long a command may take in all, connecting included. Default: the `response_timeout` of the URL, or 5 s. To be
    /// set before the store is cloned or used.
    pub fn patience(mut self, patience: Duration) -> Self {
        if let Some(link) = Arc::get_mut(&mut self.link) {
            link.set_patience(patience);
        }
        self
    }

    /// Sets what the names of sessions begin with in Redis.
    pub fn prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &SessionKey) -> String {
        [&self.prefix, key.as_str()].concat()
    }

    async fn set(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
        condition: Condition,
    ) -> Result<bool, StoreError> {
        let (name, data) = (self.name(key), text(data)?);
        Ok(self.link.set(&name, &data, expires, condition).await?)
    }
}

fn text(data: &SessionData) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(data).map_err(StoreError::unavailable)
}

impl Spent for RedisStore {
    /// Under the prefix, `spent:` and the name.
    async fn spend(&self, name: &str, until: SystemTime) -> Result<bool, StoreError> {
        let name = [&self.prefix, "spent:", name].concat();
        Ok(self.link.claim(&name, until).await?)
    }
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let Some(entry) = self.link.get(&self.name(key)).await? else {
            return Ok(None);
        };
        // What is no session of ours, or would be another one when it is written back.
        let Ok(data) = json::from_slice(&entry.value) else {
            tracing::debug!(target: "solent::session", "stored session cannot be read");
            return Err(StoreError::Unreadable);
        };
        let stored = Stored::new(data, Revision::new(entry.value));
        Ok(Some(stored.expires(entry.expires)))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let (name, data) = (self.name(key), text(data)?);
        let exchange = self.link.exchange(&name, former.as_bytes(), &data, expires);
        Ok(match exchange.await? {
            Exchanged::Kept => Saved::Kept,
            Exchanged::Gone => Saved::Gone,
            Exchanged::Changed => Saved::Changed,
        })
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            if self.set(&key, data, expires, Condition::New).await? {
                return Ok(key);
            }
        }
        Err(StoreError::unavailable("every new key is taken"))
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let kept = self.set(key, data, expires, Condition::Present).await?;
        Ok(if kept { Saved::Kept } else { Saved::Gone })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        Ok(self.link.remove(&self.name(key)).await?)
    }

    /// A session is kept, replaced and deleted, so that every right is known to be there. One without values may be left for a
    /// minute if the check is cancelled.
    async fn check(&self) -> Result<(), StoreError> {
        let expires = SystemTime::now() + Duration::from_secs(60);
        let data = SessionData::new();
        let key = self.create(&data, expires).await?;
        if let Some(stored) = self.read(&key).await? {
            self.replace(&key, &stored.revision, &data, expires).await?;
        }
        self.delete(&key).await
    }
}

impl From<StoreFailure> for StoreError {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Refused(cause) => Self::Refused(cause),
            failure => Self::unavailable(failure),
        }
    }
}

/// The URL of a session store cannot be used. The cause says why, without its secrets.
#[derive(Debug, thiserror::Error)]
#[error("URL of the session store cannot be used, write it as redis://host:port/database")]
pub struct InvalidStoreUrl(#[source] BoxError);

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
