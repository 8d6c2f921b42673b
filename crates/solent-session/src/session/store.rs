//! Where sessions are kept.

use std::{any::Any, fmt, sync::Arc, time::SystemTime};

use serde_json::{Map, Value};

use super::{Revision, SessionKey, StoreError, Stored};

/// What is kept in a session.
pub type SessionData = Map<String, Value>;

/// A place to keep sessions.
///
/// The key is all that a browser shows, so a store issues keys that cannot be guessed: [`SessionKey::random`] has enough
/// of chance. Everything a browser sends may be forged: a key that the store did not issue is no session. Content
/// that is there and cannot be read, because it was written with another key or serializer, is none to [`load`](Self::load), and
/// [`StoreError::Unreadable`] to [`read`](Self::read), so that it is not taken for absent and written over.
///
/// Requests of one browser run at the same time. [`read`](Self::read) and [`replace`](Self::replace) let a
/// [`Session`](crate::Session) notice that another request has saved meanwhile; stores that can compare and write in one step
/// implement both.
///
/// # Cancel safety
///
/// A dropped future may or may not have changed the store, but never by half.
pub trait SessionStore: Send + Sync + 'static {
    /// Reads a session; `None` if there is none, it has expired, or it cannot be read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if that cannot be told.
    fn load(
        &self,
        key: &SessionKey,
    ) -> impl Future<Output = Result<Option<SessionData>, StoreError>> + Send;

    /// Keeps `data` until `expires` under a new key, one that no other session has or had.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not kept.
    fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> impl Future<Output = Result<SessionKey, StoreError>> + Send;

    /// Keeps `data` until `expires` in place of what was kept under `key`. A session that is not there any more is not
    /// made again: that is [`Saved::Gone`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not kept.
    fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;

    /// Deletes a session. One that is not there is none the worse.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it may still be there.
    fn delete(&self, key: &SessionKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads a session and its revision; `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if there is one that cannot be read; otherwise as [`load`](Self::load).
    fn read(
        &self,
        key: &SessionKey,
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send {
        async {
            let data = self.load(key).await?;
            Ok(data.map(|data| {
                let revision = Revision::of(&data);
                Stored::new(data, revision)
            }))
        }
    }

    /// Keeps `data` until `expires` if what is kept under `key` still is `former`; [`Saved::Changed`] if it is not.
    ///
    /// Unless a store says otherwise, it reads, compares and saves: somebody who saves or deletes between these steps is not
    /// noticed.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send {
        async move {
            match self.read(key).await? {
                None => Ok(Saved::Gone),
                Some(stored) if stored.revision != *former => Ok(Saved::Changed),
                Some(_) => self.save(key, data, expires).await,
            }
        }
    }

    /// Finds out whether the store can be used, with the credentials and rights that it has. Applications
    /// [check](solent_spec::Middleware::startup) it before they listen. Unless a store says otherwise, it always can.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the store does not answer, [`StoreError::Refused`] if it answers that it will not.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }
}

/// What became of a session that was [saved](SessionStore::save).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers have to act on each of them"
)]
pub enum Saved {
    /// It is kept under its key.
    Kept,
    /// It is kept under another key, which the browser has to be told: the key *is* the session where cookies hold it.
    Moved(SessionKey),
    /// It is not there any more, and nothing was kept.
    Gone,
    /// It is not what was to be [replaced](SessionStore::replace), or not there any more, and nothing was kept.
    Changed,
}

/// Any store. Cheap to clone; one allocation for each call.
#[derive(Clone)]
pub struct DynSessionStore(Arc<dyn Erased>);

impl DynSessionStore {
    /// Forgets the type of `store`. One that is a `DynSessionStore` already is not wrapped again.
    pub fn new(store: impl SessionStore) -> Self {
        match (&store as &dyn Any).downcast_ref::<Self>() {
            Some(store) => store.clone(),
            None => Self(Arc::new(store)),
        }
    }
}

impl SessionStore for DynSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionData>, StoreError> {
        self.0.load(key).await
    }

    async fn create(
        &self,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<SessionKey, StoreError> {
        self.0.create(data, expires).await
    }

    async fn save(
        &self,
        key: &SessionKey,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.0.save(key, data, expires).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.delete(key).await
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        self.0.read(key).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        former: &Revision,
        data: &SessionData,
        expires: SystemTime,
    ) -> Result<Saved, StoreError> {
        self.0.replace(key, former, data, expires).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }
}

impl fmt::Debug for DynSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynSessionStore")
    }
}

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Erased: Send + Sync {
    fn load<'a>(
        &'a self,
        key: &'a SessionKey,
    ) -> BoxFuture<'a, Result<Option<SessionData>, StoreError>>;
    fn create<'a>(
        &'a self,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>>;
    fn save<'a>(
        &'a self,
        key: &'a SessionKey,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>>;
    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>>;
    fn read<'a>(&'a self, key: &'a SessionKey)
    -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;
    fn replace<'a>(
        &'a self,
        key: &'a SessionKey,
        former: &'a Revision,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>>;
    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: SessionStore> Erased for S {
    fn load<'a>(
        &'a self,
        key: &'a SessionKey,
    ) -> BoxFuture<'a, Result<Option<SessionData>, StoreError>> {
        Box::pin(SessionStore::load(self, key))
    }

    fn create<'a>(
        &'a self,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>> {
        Box::pin(SessionStore::create(self, data, expires))
    }

    fn save<'a>(
        &'a self,
        key: &'a SessionKey,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(SessionStore::save(self, key, data, expires))
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(SessionStore::delete(self, key))
    }

    fn read<'a>(
        &'a self,
        key: &'a SessionKey,
    ) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(SessionStore::read(self, key))
    }

    fn replace<'a>(
        &'a self,
        key: &'a SessionKey,
        former: &'a Revision,
        data: &'a SessionData,
        expires: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(SessionStore::replace(self, key, former, data, expires))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(SessionStore::check(self))
    }
}
