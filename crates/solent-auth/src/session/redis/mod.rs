//! Sessions in Redis.

mod link;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_spec::BoxError;

use self::link::Link;
use super::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};
use crate::Spent;

/// Keeps sessions in Redis, or what speaks its protocol: each as JSON under `solent:session:` and its key, with its expiry.
///
/// All commands go over one connection, which is made when it is first needed and again when it breaks. Each is given up after
/// [a time](Self::patience), also while a server is frozen, and the next one connects anew. An answer that will not change,
/// such as a wrong password or a missing right, is an error at once; [`check`](Self::check) finds it at the start. The user
/// of the URL needs the commands `GET`, `PTTL`, `SET`, `DEL`, `EVAL` and `PING`. Cheap to clone.
#[derive(Clone)]
#[must_use]
pub struct RedisStore {
    prefix: Arc<str>,
    link: Arc<Link>,
}

/// Replaces a session if it is what it was. One step for everybody else.
const REPLACE: &str = "\
local now = redis.call('GET', KEYS[1]) \
if not now then return 'gone' end \
if now ~= ARGV[1] then return 'changed' end \
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
return 'kept'";

/// How often a new key is tried that turns out to be taken.
const ATTEMPTS: usize = 4;

impl RedisStore {
    /// Sessions in the server of a URL such as `redis://:password@host:6379/0`, `rediss://…` with TLS, or
    /// `redis+unix:///path`. Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`InvalidStoreUrl`] for a URL that is none of these.
    pub fn new(url: &str) -> Result<Self, InvalidStoreUrl> {
        Ok(Self {
            prefix: "solent:session:".into(),
            link: Arc::new(Link::new(url)?),
        })
    }

    /// Sets how long a command may take in all, connecting included. Default: 5 s. To be set before the store is cloned or
    /// used.
    pub fn patience(mut self, patience: Duration) -> Self {
        if let Some(link) = Arc::get_mut(&mut self.link) {
            link.patience = patience;
        }
        self
    }

    /// Finds out whether Redis answers and lets sessions be kept: a session is kept, replaced and deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it does not answer, [`StoreError::Refused`] if it answers that it will not.
    ///
    /// # Cancel safety
    ///
    /// A session without values may be left for a minute.
    pub async fn check(&self) -> Result<(), StoreError> {
        let expires = SystemTime::now() + Duration::from_secs(60);
        let data = SessionData::new();
        let key = self.create(&data, expires).await?;
        if let Some(stored) = self.read(&key).await? {
            self.replace(&key, &stored.revision, &data, expires).await?;
        }
        self.delete(&key).await
    }

    /// Sets what the names of sessions begin with in Redis.
    pub fn prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &SessionKey) -> String {
        [&self.prefix, key.as_str()].concat()
    }

    /// Sets a value on `condition`, that there is one (`XX`) or that there is none (`NX`). Whether it was met.
    async fn set(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
        condition: &str,
    ) -> Result<bool, StoreError> {
        let json = serde_json::to_vec(data).map_err(StoreError::unavailable)?;
        let mut set = redis::cmd("SET");
        set.arg(self.name(key))
            .arg(json)
            .arg("PX")
            .arg(remaining(expires))
            .arg(condition);
        let reply: Option<String> = self.link.query(&set).await?;
        Ok(reply.is_some())
    }
}

impl Spent for RedisStore {
    /// Under the prefix, `spent:` and the name.
    async fn spend(&self, name: &str, until: SystemTime) -> Result<bool, StoreError> {
        let mut set = redis::cmd("SET");
        set.arg([&self.prefix, "spent:", name].concat())
            .arg(1)
            .arg("PX")
            .arg(remaining(until))
            .arg("NX");
        // Sent twice, the second one would find the first.
        let reply: Option<String> = self.link.query_once(&set).await?;
        Ok(reply.is_some())
    }
}

/// Milliseconds until `expires`, at least one: what has expired is gone as soon as it is there.
fn remaining(expires: SystemTime) -> u64 {
    /// A hundred years.
    const MOST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
    let left = expires
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    u64::try_from(left.as_millis())
        .unwrap_or(MOST)
        .clamp(1, MOST)
}

impl SessionStore for RedisStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let name = self.name(key);
        let mut both = redis::pipe();
        both.cmd("GET").arg(&name).cmd("PTTL").arg(&name);
        let (json, left): (Option<Vec<u8>>, i64) = self.link.query_all(&both).await?;
        let Some(json) = json else {
            return Ok(None);
        };
        let Ok(data) = serde_json::from_slice(&json) else {
            tracing::debug!(target: "solent::auth", "stored session cannot be read");
            return Err(StoreError::Unreadable);
        };
        let left = u64::try_from(left).ok().map(Duration::from_millis);
        let expires = left.and_then(|left| SystemTime::now().checked_add(left));
        Ok(Some(
            Stored::new(data, Revision::new(json)).expires(expires),
        ))
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let json = serde_json::to_vec(data).map_err(StoreError::unavailable)?;
        let mut replace = redis::cmd("EVAL");
        replace
            .arg(REPLACE)
            .arg(1)
            .arg(self.name(key))
            .arg(former.as_bytes())
            .arg(json)
            .arg(remaining(expires));
        let outcome: String = self.link.query_once(&replace).await?;
        Ok(match &*outcome {
            "kept" => Saved::Kept,
            "gone" => Saved::Gone,
            _ => Saved::Changed,
        })
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        for _ in 0..ATTEMPTS {
            let key = SessionKey::random();
            if self.set(&key, data, expires, "NX").await? {
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
        let kept = self.set(key, data, expires, "XX").await?;
        Ok(if kept { Saved::Kept } else { Saved::Gone })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let mut delete = redis::cmd("DEL");
        delete.arg(self.name(key));
        let _: u64 = self.link.query(&delete).await?;
        Ok(())
    }
}

/// A URL that names no Redis server.
#[derive(Debug, thiserror::Error)]
#[error(
    "URL of the session store is none of a Redis server, write it as redis://host:port/database"
)]
pub struct InvalidStoreUrl(#[source] BoxError);

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
