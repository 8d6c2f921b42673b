//! One browser's session.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use parking_lot::{Mutex, MutexGuard};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use solent_spec::RequestScope;
use tokio::sync;

use super::{
    DynSessionStore, Expiry, Herald, SessionConfig, SessionData, SessionError, SessionKey,
    SessionStore, StoreError, state::State, value::kept,
};

/// A browser's session: values that are remembered from one request to the next.
///
/// It is read when it is first looked into, once for all clones, and a session that is not looked into costs no access to the store.
/// What was changed is saved when the response leaves: the start of an HTTP response, unless its status is 500 or above,
/// and the accept of a WebSocket. Later changes have to be [saved](Self::save) explicitly, on a WebSocket for example; and a
/// session that does not exist by then can not be made any more, since there is no way to tell the browser its key.
///
/// Writes are noticed name by name: a value is read, changed and inserted again. Requests of one browser run at the same time:
/// where another one has saved meanwhile, its names stay, and only those that were set or removed here are written. Of
/// two requests that change the same name the last one wins; [`update`](Self::update) is for counters. What cannot be merged are
/// sessions that were [cleared](Self::clear), which are empty but for what was set afterwards, and sessions in cookies: each
/// response sets what its own request had. A session that was deleted meanwhile stays deleted.
///
/// A session that cannot be read, because it was written with another key or serializer, looks empty and is never written over:
/// [`SessionError::Unreadable`] says so when it is saved, and the response becomes a 400.
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
    /// Who is told when the session ends or moves; set before the application has the session.
    herald: OnceLock<Arc<dyn Herald>>,
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
            herald: OnceLock::new(),
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
    /// [`SessionError::Shape`] for a value that JSON does not have, such as NaN, or that is nested
    /// more than 120 deep, [`SessionError::Store`] if the session cannot be read.
    pub async fn insert(
        &self,
        name: impl Into<String>,
        value: impl Serialize,
    ) -> Result<(), SessionError> {
        let name = name.into();
        let value = kept(&name, value)?;
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
        self.delete_in_turn().await?;
        self.state().unreadable = false;
        Ok(())
    }

    /// Moves the session to a new key, so that the old one is of no use. To be done whenever a user gains
    /// rights, as by logging in. Values that are inserted before are saved along with it, in one go.
    ///
    /// # Errors
    ///
    /// [`SessionError::Answered`] once the response has left, [`SessionError::Store`] if the session cannot be read or
    /// written.
    pub async fn cycle_key(&self) -> Result<(), SessionError> {
        let _turn = self.0.turn.lock().await;
        self.read_in_turn().await?;
        if self.state().unreadable {
            return Err(SessionError::Unreadable);
        }
        // A session that has no key gets one when it is saved.
        if self.key().is_none() && !self.is_answered() {
            return Ok(());
        }
        self.move_in_turn(SessionData::new()).await
    }

    /// Saves the session, changed or not, which also renews it. A session without values that was never saved is not. What
    /// others have changed since it was read stays, unless it was changed here as well.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unreadable`] if there is a session that cannot be read, [`SessionError::Contended`] if others changed it
    /// each time that it was to be saved, [`SessionError::Vanished`] if it was deleted meanwhile, [`SessionError::Answered`] if it is new and the response
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
        let stored = self.0.store.read(&key).await?;
        let there = stored.is_some();
        self.state().loaded(stored);
        Ok(there)
    }

    /// What the store has now, without a change to this session, so that a connection that lives long can look whether the
    /// session ended elsewhere. `None` if it is not there any more, never was, or cannot be read.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store is out of reach.
    pub async fn stored(&self) -> Result<Option<SessionData>, SessionError> {
        let Some(key) = self.key() else {
            return Ok(None);
        };
        let stored = match self.0.store.read(&key).await {
            Err(StoreError::Unreadable) => None,
            stored => stored?,
        };
        let mut state = self.state();
        if state.key.as_ref() == Some(&key) {
            state.expires = stored.as_ref().and_then(|stored| stored.expires);
        }
        Ok(stored.map(|stored| stored.data))
    }

    /// Sets who is told when the session ends or moves. The first one stays.
    pub fn set_herald(&self, herald: Arc<dyn Herald>) {
        let _ = self.0.herald.set(herald);
    }

    /// The store that the session is kept in.
    pub fn store(&self) -> &DynSessionStore {
        &self.0.store
    }

    pub(super) fn herald(&self) -> Option<&Arc<dyn Herald>> {
        self.0.herald.get()
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
        let read = match &key {
            Some(key) => self.0.store.read(key).await,
            None => Ok(None),
        };
        let stored = match read {
            Err(StoreError::Unreadable) => {
                let mut state = self.state();
                if state.data().is_none() {
                    state.not_readable();
                }
                return Ok(());
            }
            read => read?,
        };
        if key.is_some() && stored.is_none() {
            tracing::debug!(
                target: "solent::session",
                "there is no session of the key that was shown: it expired, was ended, or never was"
            );
        }
        let mut state = self.state();
        // It may have been cleared meanwhile, which needs no reading.
        if state.data().is_none() {
            state.loaded(stored);
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
        self.0.state.lock()
    }

    pub(super) fn expires(&self, data: &SessionData) -> SystemTime {
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
