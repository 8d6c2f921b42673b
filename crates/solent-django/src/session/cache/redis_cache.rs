//! `django.core.cache.backends.redis.RedisCache`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rand::RngExt;
use redis::Cmd;
use solent_auth::{Revision, Saved, SessionData, SessionKey, StoreError, Stored};

use super::{CacheSerializer, InvalidLocation, link::Link, location};

/// A cache of a Django project that is kept in Redis: an entry of `CACHES`. Cheap to clone.
///
/// One whose `BACKEND` is `django.core.cache.backends.redis.RedisCache`; the package `django-redis` has ways of its own. A
/// project that sets `KEY_FUNCTION` names its keys differently, and cannot be understood.
#[derive(Clone)]
#[must_use]
pub struct RedisCache {
    /// The first is written to; the others, if there are any, are read from.
    servers: Arc<[Link]>,
    key_prefix: Arc<str>,
    version: i64,
    serializer: CacheSerializer,
}

/// Replaces an entry if it is what it was. One step for everybody else.
const EXCHANGE: &str = "\
local now = redis.call('GET', KEYS[1]) \
if not now then return 'gone' end \
if now ~= ARGV[1] then return 'changed' end \
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
return 'kept'";

impl RedisCache {
    /// The cache at a `LOCATION`: a URL, or several with commas between, the first of which is written to. Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`InvalidLocation`] for what are no URLs of Redis servers.
    pub fn open(location: &str) -> Result<Self, InvalidLocation> {
        let servers = location::servers(location)?;
        Ok(Self {
            servers: servers
                .into_iter()
                .map(Link::new)
                .collect::<Result<_, _>>()?,
            key_prefix: "".into(),
            version: 1,
            serializer: CacheSerializer::default(),
        })
    }

    /// Sets `KEY_PREFIX`. Default: empty.
    pub fn key_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Sets `VERSION`. Default: 1.
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Sets what `OPTIONS["serializer"]` does. Default: it pickles.
    pub fn serializer(mut self, serializer: CacheSerializer) -> Self {
        self.serializer = serializer;
        self
    }

    /// Reads an entry; `None` if there is none.
    pub(in crate::session) async fn get(
        &self,
        prefix: &str,
        key: &SessionKey,
    ) -> Result<Option<Stored>, StoreError> {
        let name = self.name(prefix, key);
        let mut both = redis::pipe();
        both.cmd("GET").arg(&name).cmd("PTTL").arg(&name);
        let (value, left): (Option<Vec<u8>>, i64) = self.reader().query_all(&both).await?;
        let Some(value) = value else {
            return Ok(None);
        };
        let data = self.serializer.read(&value)?;
        let left = u64::try_from(left).ok().map(Duration::from_millis);
        let expires = left.and_then(|left| SystemTime::now().checked_add(left));
        Ok(Some(
            Stored::new(data, Revision::new(value)).expires(expires),
        ))
    }

    /// Keeps an entry in place of another, if that is what it was.
    pub(in crate::session) async fn exchange(
        &self,
        prefix: &str,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        let mut exchange = redis::cmd("EVAL");
        exchange
            .arg(EXCHANGE)
            .arg(1)
            .arg(self.name(prefix, key))
            .arg(former.as_bytes())
            .arg(self.serializer.write(data))
            .arg(remaining(expires));
        let outcome: String = self.writer().query_once(&exchange).await?;
        Ok(match &*outcome {
            "kept" => Saved::Kept,
            "gone" => Saved::Gone,
            _ => Saved::Changed,
        })
    }

    /// Finds out whether the servers answer, and let this user read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if one does not answer, [`StoreError::Refused`] if one answers that it will not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn check(&self) -> Result<(), StoreError> {
        let name = [&*self.key_prefix, ":solent.check"].concat();
        for server in &*self.servers {
            let mut exists = redis::cmd("GET");
            exists.arg(&name);
            server.query::<redis::Value>(&exists).await?;
        }
        Ok(())
    }

    /// Keeps an entry, unless there is one.
    pub(in crate::session) async fn add(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<bool, StoreError> {
        self.set(prefix, key, data, expires, Some("NX")).await
    }

    /// Keeps an entry in place of another, if there is one.
    pub(in crate::session) async fn replace(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<bool, StoreError> {
        self.set(prefix, key, data, expires, Some("XX")).await
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(in crate::session) async fn put(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<bool, StoreError> {
        self.set(prefix, key, data, expires, None).await
    }

    pub(in crate::session) async fn remove(
        &self,
        prefix: &str,
        key: &SessionKey,
    ) -> Result<(), StoreError> {
        let delete = self.command("DEL", prefix, key);
        self.writer().query::<u64>(&delete).await.map(drop)
    }

    async fn set(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
        condition: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut set = self.command("SET", prefix, key);
        set.arg(self.serializer.write(data))
            .arg("PX")
            .arg(remaining(expires))
            .arg(condition);
        let reply: Option<String> = self.writer().query(&set).await?;
        Ok(reply.is_some())
    }

    fn command(&self, name: &str, prefix: &str, key: &SessionKey) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(self.name(prefix, key));
        command
    }

    fn name(&self, prefix: &str, key: &SessionKey) -> String {
        format!(
            "{}:{}:{prefix}{}",
            self.key_prefix,
            self.version,
            key.as_str()
        )
    }

    fn writer(&self) -> &Link {
        &self.servers[0]
    }

    fn reader(&self) -> &Link {
        match &*self.servers {
            [_, replicas @ ..] if !replicas.is_empty() => {
                &replicas[rand::rng().random_range(0..replicas.len())]
            }
            _ => self.writer(),
        }
    }
}

/// Milliseconds until `expires`, at least one: what has expired is gone as soon as it is there.
fn remaining(expires: SystemTime) -> u64 {
    /// A hundred years.
    const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let left = expires.duration_since(SystemTime::now());
    let left = left.unwrap_or_default().min(MOST);
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The locations may hold passwords.
        f.debug_struct("RedisCache")
            .field("key_prefix", &self.key_prefix)
            .field("version", &self.version)
            .field("serializer", &self.serializer)
            .finish_non_exhaustive()
    }
}
