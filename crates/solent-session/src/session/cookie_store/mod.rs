//! Sessions in the browser's own hands.

mod payload;
mod seal;
mod secret;

use std::{fmt, sync::Arc, time::SystemTime};

use self::seal::Seal;
pub use self::secret::{CookieSecret, WeakSecret};
use super::{Revision, Saved, SessionData, SessionKey, SessionStore, StoreError, Stored};

/// Keeps each session in its browser's cookie: no store to run, and none to ask.
///
/// [`signed`](Self::signed) cookies can be read by the user of the browser, but not changed;
/// [`encrypted`](Self::encrypted) ones not be read either. The expiry is sealed along with the values.
///
/// What this kind of store cannot do: take anything back. A copy of a cookie stays good until it expires, also after a
/// log-out, and an older copy can be put back in place of a newer one; so values that matter, such as an account's
/// balance, are not for it. Nor can requests that a browser sends at the same time see what the others set: the cookie of the
/// response that arrives last stays, with what its own request had and set. A session has a limited size (3,800 bytes as they are sent, after compression), and cannot be changed once
/// the response has left.
#[derive(Clone)]
#[must_use]
pub struct CookieStore(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    seal: Seal,
    current: CookieSecret,
    /// Secrets whose cookies are still taken.
    former: Vec<CookieSecret>,
    limit: usize,
}

impl CookieStore {
    /// Cookies that are signed with HMAC-SHA256.
    pub fn signed(secret: CookieSecret) -> Self {
        Self::sealed(Seal::Signed, secret)
    }

    /// Cookies that are encrypted with AES-256-GCM, each with a key of its own.
    pub fn encrypted(secret: CookieSecret) -> Self {
        Self::sealed(Seal::Encrypted, secret)
    }

    fn sealed(seal: Seal, current: CookieSecret) -> Self {
        Self(Arc::new(Inner {
            seal,
            current,
            former: Vec::new(),
            limit: 3_800,
        }))
    }

    /// Still takes cookies that were sealed with a former secret. What is saved is sealed with the current one.
    pub fn former(mut self, secret: CookieSecret) -> Self {
        Arc::make_mut(&mut self.0).former.push(secret);
        self
    }

    /// Sets how large a cookie's value may be, in bytes. Browsers take 4096 for a cookie with its name and attributes.
    pub fn limit(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.0).limit = bytes.min(SessionKey::MAX_LEN);
        self
    }

    /// What is in a cookie. One that looks sealed may be good where there is another secret; any other text is no session.
    fn open(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        let inner = &*self.0;
        let mut secrets = std::iter::once(&inner.current).chain(&inner.former);
        let payload = secrets.find_map(|secret| inner.seal.open(secret, key.as_str()));
        let Some(payload) = payload else {
            if Seal::looks_closed(key.as_str()) {
                tracing::debug!(target: "solent::session", "session cookie was sealed with another secret, or forged");
                return Err(StoreError::Unreadable);
            }
            tracing::debug!(target: "solent::session", "session cookie was not sealed");
            return Ok(None);
        };
        let read = payload::read(&payload, SystemTime::now());
        if read.is_none() {
            tracing::debug!(target: "solent::session", "session cookie has expired or cannot be read");
        }
        Ok(read)
    }

    fn seal(&self, data: &SessionData, expires: SystemTime) -> Result<SessionKey, StoreError> {
        let inner = &*self.0;
        let payload = payload::write(data, expires).map_err(StoreError::unavailable)?;
        let value = inner.seal.close(&inner.current, &payload);
        let size = value.len();
        SessionKey::parse(&value)
            .ok()
            .filter(|_| size <= inner.limit)
            .ok_or(StoreError::TooLarge {
                size,
                limit: inner.limit,
            })
    }
}

impl SessionStore for CookieStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        Stored::values(self.read(key).await)
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        self.seal(data, expires)
    }

    async fn save(
        &self,
        _key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.seal(data, expires).map(Saved::Moved)
    }

    async fn delete(&self, _key: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        // The cookie does not change in the browser's request.
        let stored = |data| Stored::new(data, Revision::new([]));
        Ok(self.open(key)?.map(stored))
    }

    async fn replace(
        &self,
        _key: &SessionKey,
        _former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.seal(data, expires).map(Saved::Moved)
    }
}

impl fmt::Debug for CookieStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieStore")
            .field("seal", &self.0.seal)
            .finish_non_exhaustive()
    }
}
