//! `django.core.cache.backends.redis.RedisCache`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rand::RngExt;
use redis::Cmd;
use solent_auth::{SessionData, SessionKey, StoreError};

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

    pub(in crate::session) async fn get(
        &self,
        prefix: &str,
        key: &SessionKey,
    ) -> Result<Option<SessionData>, StoreError> {
        let value: Option<Vec<u8>> = self
            .reader()
            .query(&self.command("GET", prefix, key))
            .await?;
        Ok(value.and_then(|value| self.serializer.read(&value)))
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
