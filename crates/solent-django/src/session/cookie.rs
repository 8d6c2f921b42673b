//! `django.contrib.sessions.backends.signed_cookies`.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use solent_session::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

use super::codec::{self, COOKIE_SALT};
use crate::signing::SecretKeys;

/// Sessions in the cookie itself: the engine `signed_cookies`. Cheap to clone.
///
/// The browser can read them, and a copy of the cookie is good until it is too old, also after a logout: that is in the
/// nature of this engine. Nor do requests that a browser sends at the same time see what the others set: the cookie of the response that arrives last
/// stays. A change of the password ends them, as it does all others.
#[derive(Clone, Debug)]
#[must_use]
pub struct SignedCookieSessions {
    keys: SecretKeys,
    salt: Arc<str>,
    age: Duration,
}

impl SignedCookieSessions {
    /// Sessions that are good for 14 days.
    pub fn new(keys: SecretKeys) -> Self {
        Self {
            keys,
            salt: COOKIE_SALT.into(),
            age: super::file::AGE,
        }
    }

    /// Sets `SESSION_COOKIE_AGE`: how long after it was written a session is good. The same as
    /// [`SessionConfig::age`](solent_session::SessionConfig::age).
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets the salt, for projects with an engine of their own.
    pub fn salt(mut self, salt: impl Into<Arc<str>>) -> Self {
        self.salt = salt.into();
        self
    }

    fn key(&self, data: &SessionData) -> Result<SessionKey, StoreError> {
        let value = codec::encode(&self.keys, &self.salt, data, SystemTime::now());
        // It has no character that a cookie cannot have, so only its length can be in the way.
        SessionKey::parse(&value).map_err(|_| StoreError::TooLarge {
            size: value.len(),
            limit: SessionKey::MAX_LEN,
        })
    }
}

impl SessionStore for SignedCookieSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        // What is not even signed is the key of another engine, or forged: no session.
        if !key.as_str().contains(':') {
            return Ok(None);
        }
        let now = SystemTime::now();
        let data = codec::read(&self.keys, &self.salt, key.as_str(), Some(self.age), now)?;
        Ok(data.map(|data| Stored::new(data, Revision::new([]))))
    }

    async fn replace(
        &self,
        _key: &SessionKey,
        _former: &Revision,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.key(data).map(Saved::Moved)
    }

    async fn create(
        &self,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        self.key(data)
    }

    async fn save(
        &self,
        _key: &SessionKey,
        data: &SessionData,
        _expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.key(data).map(Saved::Moved)
    }

    async fn delete(&self, _key: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }
}
