//! Values that depend upon what they were.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Saved, Session, SessionData, SessionError, SessionStore,
    save::{ATTEMPTS, pause},
    value::kept,
};

impl Session {
    /// Replaces the value of a name with what `change` makes of it, and stores it at once: a counter, or a list that grows.
    /// `None` stands for no value, before and after. Returns the new value.
    ///
    /// Of requests that update the same value at the same time, each sees what the one before it made: `change` is called
    /// again if another one was quicker, so it should do nothing but compute. This holds for all processes that share the
    /// store, except for these:
    ///
    /// - [`TowerStore`](crate::TowerStore), for one process only, and stores without a
    ///   [`replace`](crate::SessionStore::replace) of their own, for none;
    /// - stores that keep sessions in cookies: each request has the cookie that it came with.
    ///
    /// A session that the browser has no key of yet is known to no other request. It is saved with the response, as after
    /// [`insert`](Self::insert), and so is one that was [cleared](Self::clear).
    ///
    /// # Errors
    ///
    /// [`SessionError::Shape`] for a value that is no `T`; those of [`save`](Self::save).
    ///
    /// # Cancel safety
    ///
    /// The value may or may not have been stored.
    pub async fn update<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, SessionError> {
        let _turn = self.turn().await;
        self.read_in_turn().await?;
        for attempt in 0..ATTEMPTS {
            let Some(key) = self.key().filter(|_| !self.state().is_cleared()) else {
                return self.update_here(name, &mut change);
            };
            let stored = self.stored_in_turn(&key).await?;
            let mut data = stored.data;
            self.take_pending(name, &mut data);
            let value = changed(name, &mut data, &mut change)?;
            let expires = self.expires(&data);
            let replaced = self.store().replace(&key, &stored.revision, &data, expires);
            match replaced.await? {
                Saved::Kept => {}
                Saved::Moved(_) if self.is_answered() => return Err(SessionError::Answered),
                Saved::Moved(key) => self.state().key = Some(key),
                Saved::Gone => return Err(SessionError::Vanished),
                Saved::Changed => {
                    pause(attempt).await;
                    continue;
                }
            }
            let mut state = self.state();
            state.updated(name, data);
            state.revision = None;
            state.expires = Some(expires);
            return Ok(value);
        }
        Err(SessionError::Contended)
    }

    /// Changes a session that is not stored yet.
    fn update_here<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        change: &mut impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, SessionError> {
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        let mut outcome = Ok(None);
        self.state().change(name, |data| {
            let before = data.get(name).cloned();
            outcome = changed(name, data, change);
            before.as_ref() != data.get(name)
        });
        outcome
    }

    /// Makes the change of a name that was not saved yet to `data`.
    fn take_pending(&self, name: &str, data: &mut SessionData) {
        let state = self.state();
        if !state.is_changed(name) {
            return;
        }
        match state.data().and_then(|mine| mine.get(name)) {
            Some(value) => drop(data.insert(name.to_owned(), value.clone())),
            None => drop(data.remove(name)),
        }
    }
}

/// Changes the value of a name in `data`.
fn changed<T: Serialize + DeserializeOwned>(
    name: &str,
    data: &mut SessionData,
    change: &mut impl FnMut(Option<T>) -> Option<T>,
) -> Result<Option<T>, SessionError> {
    let shape = |cause| SessionError::shape(name, cause);
    let before: Option<&Value> = data.get(name);
    let before = before.map(T::deserialize).transpose().map_err(shape)?;
    let after = change(before);
    match &after {
        Some(value) => {
            data.insert(name.to_owned(), kept(name, value)?);
        }
        None => drop(data.remove(name)),
    }
    Ok(after)
}
