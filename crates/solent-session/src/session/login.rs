//! What those need of a session that log users in.

use std::time::SystemTime;

use super::{Session, SessionData, SessionError, SessionKey, SessionStore as _};

/// For logins: the key changes, and others learn of it.
impl Session {
    /// Moves the session to a new key together with `marks`, which are never seen under the old one, whatever becomes of this
    /// future. A session without a key gets one.
    ///
    /// # Errors
    ///
    /// As [`cycle_key`](Self::cycle_key).
    pub async fn cycle_key_with(&self, marks: SessionData) -> Result<(), SessionError> {
        let _turn = self.turn().await;
        self.read_in_turn().await?;
        self.move_in_turn(marks).await
    }

    /// Keeps `data` under a new key that the browser is not told, and is that session from now on. What was kept under the
    /// old key stays there.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store fails; then nothing changes.
    pub async fn branch(&self, data: SessionData) -> Result<SessionKey, SessionError> {
        let _turn = self.turn().await;
        let key = self.store().create(&data, self.expires(&data)).await?;
        self.state().replaced(key.clone(), data);
        Ok(key)
    }

    /// Is the session of `key` from now on, and tells the browser with the response. What was kept under the old key is
    /// deleted. `false` if there is no session of that key, which changes nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::Answered`] if the response has left, [`SessionError::Store`] if the store fails.
    pub async fn adopt(&self, key: SessionKey) -> Result<bool, SessionError> {
        let _turn = self.turn().await;
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        let Some(stored) = self.store().read(&key).await? else {
            return Ok(false);
        };
        if self.key().is_some_and(|old| old != key) {
            self.state().clear();
            self.delete_in_turn().await?;
        }
        let mut state = self.state();
        state.replaced(key, stored.data);
        state.expires = stored.expires;
        state.untold = true;
        Ok(true)
    }

    /// Is the session of `key` from now on, which another request has moved it to.
    pub fn follow(&self, key: SessionKey) {
        let mut state = self.state();
        state.key = Some(key);
        state.revision = None;
    }

    /// When the session ends, as far as it is known.
    pub fn ends(&self) -> Option<SystemTime> {
        self.state().expires
    }

    /// Notes that what is answered depends upon the session.
    pub fn look(&self) {
        self.state().accessed = true;
    }
}
