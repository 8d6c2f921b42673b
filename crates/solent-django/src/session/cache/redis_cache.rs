//! `django.core.cache.backends.redis.RedisCache`.

use std::{fmt, sync::Arc, time::SystemTime};

use rand::RngExt;
use solent_layer_redis::store::{Condition, Exchanged, StoreLink};
use solent_session::{Revision, Saved, SessionData, SessionKey, StoreError, Stored};

use super::{CacheSerializer, InvalidLocation, location};

/// A cache of a Django project that is kept in Redis: an entry of `CACHES`. Cheap to clone.
///
/// One whose `BACKEND` is `django.core.cache.backends.redis.RedisCache`; the package `django-redis` has ways of its own. A
/// project that sets `KEY_FUNCTION` names its keys differently, and cannot be understood.
#[derive(Clone)]
#[must_use]
pub struct RedisCache {
    /// The first is written to; the others, if there are any, are read from.
    servers: Arc<[StoreLink]>,
    key_prefix: Arc<str>,
    version: i64,
    serializer: CacheSerializer,
}

impl RedisCache {
    /// The cache at a `LOCATION`: a URL, or several with commas between, the first of which is written to. URLs are read as
    /// those of the [channel layers](solent_session::RedisStore::new), so that they may name Sentinels; a `socket_timeout` of
    /// the URL is how long a command may take in all, 5 s without one. Does not connect yet.
    ///
    /// # Errors
    ///
    /// [`InvalidLocation`] for what are no URLs of Redis servers.
    pub fn open(location: &str) -> Result<Self, InvalidLocation> {
        let servers = location::servers(location)?;
        Ok(Self {
            servers: servers.into(),
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
        let Some(entry) = self.reader().get(&self.name(prefix, key)).await? else {
            return Ok(None);
        };
        let data = self.serializer.read(&entry.value)?;
        let stored = Stored::new(data, Revision::new(entry.value));
        Ok(Some(stored.expires(entry.expires)))
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
        let (name, value) = (self.name(prefix, key), self.serializer.write(data));
        let exchange = self
            .writer()
            .exchange(&name, former.as_bytes(), &value, expires);
        Ok(match exchange.await? {
            Exchanged::Kept => Saved::Kept,
            Exchanged::Gone => Saved::Gone,
            Exchanged::Changed => Saved::Changed,
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
            server.get(&name).await?;
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
        self.set(prefix, key, data, expires, Condition::New).await
    }

    /// Keeps an entry in place of another, if there is one.
    pub(in crate::session) async fn replace(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<bool, StoreError> {
        self.set(prefix, key, data, expires, Condition::Present)
            .await
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(in crate::session) async fn put(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<bool, StoreError> {
        self.set(prefix, key, data, expires, Condition::Always)
            .await
    }

    pub(in crate::session) async fn remove(
        &self,
        prefix: &str,
        key: &SessionKey,
    ) -> Result<(), StoreError> {
        Ok(self.writer().remove(&self.name(prefix, key)).await?)
    }

    async fn set(
        &self,
        prefix: &str,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
        condition: Condition,
    ) -> Result<bool, StoreError> {
        let (name, value) = (self.name(prefix, key), self.serializer.write(data));
        Ok(self.writer().set(&name, &value, expires, condition).await?)
    }

    fn name(&self, prefix: &str, key: &SessionKey) -> String {
        format!(
            "{}:{}:{prefix}{}",
            self.key_prefix,
            self.version,
            key.as_str()
        )
    }

    fn writer(&self) -> &StoreLink {
        &self.servers[0]
    }

    fn reader(&self) -> &StoreLink {
        match &*self.servers {
            [_, replicas @ ..] if !replicas.is_empty() => {
                &replicas[rand::rng().random_range(0..replicas.len())]
            }
            _ => self.writer(),
        }
    }
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
