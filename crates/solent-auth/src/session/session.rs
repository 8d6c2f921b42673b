//! One browser's session.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use solent_spec::RequestScope;
use tokio::sync;

use super::{
    DynSessionStore, Expiry, Saved, SessionConfig, SessionData, SessionError, SessionKey,
    SessionStore, state::State,
};

/// A browser's session: values that are remembered from one request to the next.
///
/// It is read when it is first looked into, once for all clones, and a session that nobody looks into costs no access to the store.
/// What was changed is saved when the response leaves: the start of an HTTP response, unless its status is 500 or above,
/// and the accept of a WebSocket. Later changes have to be [saved](Self::save) explicitly, on a WebSocket for example; and a
/// session that does not exist by then can not be made any more, since there is no way to tell the browser its key.
///
/// Writes are noticed name by name: a value is read, changed and inserted again.
///
/// Cheap to clone; all clones are the same session.
///
/// # Cancel safety
///
/// What is done to the session itself is done or not done. A dropped [`save`](Self::save), [`flush`](Self::flush) or
/// [`cycle_key`](Self::cycle_key) may have reached the store; doing it again is right in each case.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    store: DynSessionStore,
    config: Arc<SessionConfig>,
    /// Whose turn it is with the store, so that reading happens once and saves do not overtake each other. Tasks queue for
    /// it; it guards no data.
    turn: sync::Mutex<()>,
    /// Held for a moment, never across a wait.
    state: Mutex<State>,
}

impl Session {
    /// The session of a connection, if it came through [`Sessions`](crate::Sessions).
    pub fn of(scope: &impl RequestScope) -> Option<Self> {
        scope.state().cloned()
    }

    pub(super) fn new(store: DynSessionStore, config: Arc<SessionConfig>, state: State) -> Self {
        Self(Arc::new(Inner {
            store,
            config,
            turn: sync::Mutex::default(),
            state: Mutex::new(state),
        }))
    }

    /// The value of a name, as a `T`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Shape`] for a value that is no `T`, [`SessionError::Store`] if the session cannot be read.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        self.read().await?;
        let state = self.state();
        let value = state.data().and_then(|data| data.get(name));
        value
            .map(T::deserialize)
            .transpose()
            .map_err(|cause| SessionError::shape(name, cause))
    }

    /// Sets the value of a name. Setting what is there already changes nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::Shape`] for a value that is no JSON, [`SessionError::Store`] if the session cannot be read.
    pub async fn insert(
        &self,
        name: impl Into<String>,
        value: impl Serialize,
    ) -> Result<(), SessionError> {
        let name = name.into();
        let value =
            serde_json::to_value(value).map_err(|cause| SessionError::shape(&name, cause))?;
        self.read().await?;
        self.state().change(&name, |data| {
            let former = data.insert(name.clone(), value);
            former.as_ref() != data.get(&name)
        });
        Ok(())
    }

    /// Removes a name, and returns its value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn remove(&self, name: &str) -> Result<Option<Value>, SessionError> {
        self.read().await?;
        let mut removed = None;
        self.state().change(name, |data| {
            removed = data.remove(name);
            removed.is_some()
        });
        Ok(removed)
    }

    /// Whether there is a value of the name.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn contains(&self, name: &str) -> Result<bool, SessionError> {
        self.read().await?;
        Ok(self
            .state()
            .data()
            .is_some_and(|data| data.contains_key(name)))
    }

    /// All names and values, Django's and Solent's own among them, which begin with an underscore.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn data(&self) -> Result<SessionData, SessionError> {
        self.read().await?;
        Ok(self.state().data().cloned().unwrap_or_default())
    }

    /// Whether there are no values.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn is_empty(&self) -> Result<bool, SessionError> {
        self.read().await?;
        Ok(self.state().data().is_none_or(SessionData::is_empty))
    }

    /// Removes all values. The key stays until the response, which then has nothing to keep it for.
    pub fn clear(&self) {
        self.state().clear();
    }

    /// Ends the session: removes all values, deletes it from the store and forgets its key. What is set afterwards begins
    /// a session with a new one.
    ///
    /// Where cookies hold the session, nothing but the browser can forget it: a copy of the cookie stays good until it
    /// expires.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if it may still be in the store; the response then tries again.
    pub async fn flush(&self) -> Result<(), SessionError> {
        let _turn = self.0.turn.lock().await;
        self.state().clear();
        self.delete_in_turn().await
    }

    /// Moves the session to a new key, so that whoever knows the old one has nothing. To be done whenever a user gains
    /// rights, as by logging in. Values that are inserted before are saved along with it, in one go.
    ///
    /// # Errors
    ///
    /// [`SessionError::Answered`] once the response has left, [`SessionError::Store`] if the session cannot be read or
    /// written.
    pub async fn cycle_key(&self) -> Result<(), SessionError> {
        let _turn = self.0.turn.lock().await;
        self.read_in_turn().await?;
        // A session that has no key gets one when it is saved.
        if self.key().is_none() && !self.is_answered() {
            return Ok(());
        }
        self.move_in_turn(SessionData::new()).await
    }

    /// Moves the session to a new key together with `marks`, which are never seen under the old one, whatever becomes of this
    /// future. A session without a key gets one.
    pub(crate) async fn cycle_key_with(&self, marks: SessionData) -> Result<(), SessionError> {
        let _turn = self.0.turn.lock().await;
        self.read_in_turn().await?;
        self.move_in_turn(marks).await
    }

    /// Saves the session, changed or not, which also renews it. A session without values that was never saved is not.
    ///
    /// After the response, when much time may have passed since the session was read, it is read again first, and what
    /// others have changed meanwhile stays, unless it was changed here as well.
    ///
    /// # Errors
    ///
    /// [`SessionError::Vanished`] if it was deleted meanwhile, [`SessionError::Answered`] if it is new and the response
    /// has left, [`SessionError::Store`] if the store fails.
    pub async fn save(&self) -> Result<(), SessionError> {
        let _turn = self.0.turn.lock().await;
        self.save_in_turn().await
    }

    /// Reads the session again, in place of what is known and was changed. `false` if it is not there any more; it is empty
    /// then, and what is set in it begins a new one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if it cannot be read; then nothing changes.
    pub async fn reload(&self) -> Result<bool, SessionError> {
        let _turn = self.0.turn.lock().await;
        let Some(key) = self.key() else {
            self.state().loaded(None);
            return Ok(false);
        };
        let data = self.0.store.load(&key).await?;
        let there = data.is_some();
        self.state().loaded(data);
        Ok(there)
    }

    /// What the store has now, without a change to this session, so that a connection that lives long can look whether the
    /// session ended elsewhere. `None` if it is not there any more, or never was.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if it cannot be read.
    pub async fn stored(&self) -> Result<Option<SessionData>, SessionError> {
        match self.key() {
            Some(key) => Ok(self.0.store.load(&key).await?),
            None => Ok(None),
        }
    }

    /// Keeps `data` under a new key that the browser is not told, and is that session from now on. What was kept under the
    /// old key stays there.
    pub(crate) async fn branch(&self, data: SessionData) -> Result<SessionKey, SessionError> {
        let _turn = self.0.turn.lock().await;
        let key = self.0.store.create(&data, self.expires(&data)).await?;
        self.state().replaced(key.clone(), data);
        Ok(key)
    }

    /// Is the session of `key` from now on, and tells the browser with the response. What was kept under the old key is
    /// deleted. `false` if there is no session of that key, which changes nothing.
    pub(crate) async fn adopt(&self, key: SessionKey) -> Result<bool, SessionError> {
        let _turn = self.0.turn.lock().await;
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        let Some(data) = self.0.store.load(&key).await? else {
            return Ok(false);
        };
        let old = self.key().filter(|old| *old != key);
        {
            let mut state = self.state();
            state.replaced(key, data);
            state.untold = true;
        }
        if let Some(old) = old {
            self.0.store.delete(&old).await?;
        }
        Ok(true)
    }

    /// Notes that what is answered depends upon the session.
    pub(crate) fn look(&self) {
        self.state().accessed = true;
    }

    pub(crate) fn store(&self) -> &DynSessionStore {
        &self.0.store
    }

    /// When the session ends: what was [set](Self::set_expiry) for it, or else what the settings say.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn expiry(&self) -> Result<Expiry, SessionError> {
        self.read().await?;
        let state = self.state();
        Ok(match state.data() {
            Some(data) => self.0.config.expiry(data),
            None => self.0.config.expiry(&SessionData::new()),
        })
    }

    /// Sets when this session ends; with `None`, when the settings say.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the session cannot be read.
    pub async fn set_expiry(&self, expiry: impl Into<Option<Expiry>>) -> Result<(), SessionError> {
        let expiry = expiry.into();
        self.read().await?;
        self.state()
            .change(Expiry::NAME, |data| Expiry::write(expiry, data));
        Ok(())
    }

    /// The key, if there is one: that of the browser's cookie until the session is read, and none if it then turns out that
    /// there is no such session.
    pub fn key(&self) -> Option<SessionKey> {
        self.state().key.clone()
    }

    /// Whether anything was changed that is not saved.
    pub fn is_modified(&self) -> bool {
        self.state().is_modified()
    }

    /// Whether the response has left, so that no new key can be told to the browser.
    pub fn is_answered(&self) -> bool {
        self.state().answered
    }

    /// Sees to it that the values are known.
    async fn read(&self) -> Result<(), SessionError> {
        self.state().accessed = true;
        if self.state().data().is_some() {
            return Ok(());
        }
        let _turn = self.0.turn.lock().await;
        self.read_in_turn().await
    }

    pub(super) async fn read_in_turn(&self) -> Result<(), SessionError> {
        let (key, known) = {
            let state = self.state();
            (state.key.clone(), state.data().is_some())
        };
        if known {
            return Ok(());
        }
        let data = match &key {
            Some(key) => self.0.store.load(key).await?,
            None => None,
        };
        if key.is_some() && data.is_none() {
            tracing::debug!(
                target: "solent::auth",
                "there is no session of the key that was shown: it expired, was ended, or never was"
            );
        }
        let mut state = self.state();
        // It may have been cleared meanwhile, which needs no reading.
        if state.data().is_none() {
            state.loaded(data);
        }
        Ok(())
    }

    pub(super) async fn save_in_turn(&self) -> Result<(), SessionError> {
        self.merge_in_turn().await?;
        self.read_in_turn().await?;
        let (key, data, version) = self.state().snapshot();
        let answered = self.state().answered;
        let expires = self.expires(&data);
        let store = &self.0.store;
        match key {
            None if data.is_empty() => return Ok(()),
            None if answered => return Err(SessionError::Answered),
            None => {
                let key = store.create(&data, expires).await?;
                self.state().moved(key, version);
            }
            Some(key) => match store.save(&key, &data, expires).await? {
                Saved::Kept => self.state().saved(version),
                Saved::Moved(_) if answered => return Err(SessionError::Answered),
                Saved::Moved(key) => self.state().moved(key, version),
                Saved::Gone => return Err(SessionError::Vanished),
            },
        }
        Ok(())
    }

    async fn move_in_turn(&self, marks: SessionData) -> Result<(), SessionError> {
        let (key, mut data, version) = self.state().snapshot();
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        data.extend(marks.clone());
        let store = &self.0.store;
        let new = store.create(&data, self.expires(&data)).await?;
        if let Some(old) = key
            && let Err(error) = store.delete(&old).await
        {
            // Nobody knows the new key.
            let _ = store.delete(&new).await;
            return Err(error.into());
        }
        self.state().moved_with(new, marks, version);
        Ok(())
    }

    /// Takes over what others have changed since a session was read that is older than its response.
    async fn merge_in_turn(&self) -> Result<(), SessionError> {
        let key = {
            let state = self.state();
            let wanted = state.answered && state.is_mergeable();
            state.key.clone().filter(|_| wanted)
        };
        if let Some(key) = key {
            let fresh = self.0.store.load(&key).await?;
            self.state().merge(fresh.ok_or(SessionError::Vanished)?);
        }
        Ok(())
    }

    pub(super) async fn delete_in_turn(&self) -> Result<(), SessionError> {
        if let Some(key) = self.key() {
            self.0.store.delete(&key).await?;
            self.state().key = None;
        }
        Ok(())
    }

    pub(super) async fn turn(&self) -> sync::MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    pub(super) fn config(&self) -> &SessionConfig {
        &self.0.config
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expires(&self, data: &SessionData) -> SystemTime {
        self.0.config.expires(data, SystemTime::now())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither key nor values.
        let state = self.state();
        f.debug_struct("Session")
            .field("read", &state.data().is_some())
            .field("modified", &state.is_modified())
            .finish_non_exhaustive()
    }
}
