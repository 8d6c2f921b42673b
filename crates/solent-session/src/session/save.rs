//! How a session gets into its store while others change it, too.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use super::{Saved, Session, SessionData, SessionError, SessionKey, SessionStore, Stored};

/// How often a save is tried that finds the session changed.
pub(super) const ATTEMPTS: u32 = 24;

impl Session {
    /// Saves what was changed. Where others have saved meanwhile, their changes stay, name by name, unless the same name was
    /// changed here.
    pub(super) async fn save_in_turn(&self) -> Result<(), SessionError> {
        self.read_in_turn().await?;
        for attempt in 0..ATTEMPTS {
            if self.try_to_save().await? {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(SessionError::Contended)
    }

    /// `false` if another request was quicker.
    async fn try_to_save(&self) -> Result<bool, SessionError> {
        let Some(key) = self.key() else {
            return self.create_in_turn().await.map(|()| true);
        };
        let known = self.state().revision.take();
        let revision = match known {
            Some(revision) => revision,
            None => {
                self.merge_in_turn().await?;
                let merged = self.state().revision.take();
                merged.ok_or(SessionError::Vanished)?
            }
        };
        let (_, data, version) = self.state().snapshot();
        let expires = self.expires(&data);
        let replaced = self.store().replace(&key, &revision, &data, expires).await;
        match replaced? {
            Saved::Kept => self.state().saved(version),
            Saved::Moved(_) if self.is_answered() => return Err(SessionError::Answered),
            Saved::Moved(new) => self.state().moved(new, version),
            Saved::Gone => return Err(SessionError::Vanished),
            Saved::Changed => return Ok(false),
        }
        let former = {
            let mut state = self.state();
            state.expires = Some(expires);
            state.former.take()
        };
        // All that it had is gone, a login too.
        if let (Some(former), Some(herald)) = (former, self.herald()) {
            herald.ended(key, *former).await;
        }
        Ok(true)
    }

    /// Takes over what others have changed since the session was read.
    pub(super) async fn merge_in_turn(&self) -> Result<(), SessionError> {
        let Some(key) = self.key() else {
            return Ok(());
        };
        let stored = self.stored_in_turn(&key).await?;
        let mut state = self.state();
        if state.is_cleared() && state.former.is_none() {
            state.former = Some(Box::new(stored.data.clone()));
        }
        state.merge(stored.data);
        state.revision = Some(stored.revision);
        Ok(())
    }

    /// Whether there is nothing in it.
    pub(super) fn is_void(&self) -> bool {
        self.state().data().is_none_or(SessionData::is_empty)
    }

    /// Keeps a session that has no key yet, if there is anything in it.
    async fn create_in_turn(&self) -> Result<(), SessionError> {
        let (_, data, version) = self.state().snapshot();
        self.check_replaceable()?;
        if data.is_empty() {
            return Ok(());
        }
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        let expires = self.expires(&data);
        let key = self.store().create(&data, expires).await?;
        let mut state = self.state();
        state.moved(key, version);
        state.expires = Some(expires);
        Ok(())
    }

    /// Fails where something would be written in the place of a session that cannot be read.
    pub(super) fn check_replaceable(&self) -> Result<(), SessionError> {
        let state = self.state();
        if state.unreadable && state.is_modified() && !self.config().replace_unreadable {
            return Err(SessionError::Unreadable);
        }
        Ok(())
    }

    /// What the store has under a key now.
    pub(super) async fn stored_in_turn(&self, key: &SessionKey) -> Result<Stored, SessionError> {
        let stored = self.store().read(key).await?;
        stored.ok_or(SessionError::Vanished)
    }

    pub(super) async fn move_in_turn(&self, marks: SessionData) -> Result<(), SessionError> {
        if self.is_answered() {
            return Err(SessionError::Answered);
        }
        let old = self.key();
        if let Some(old) = &old {
            // Others may have saved since it was read. What was deleted meanwhile stays deleted.
            let stored = self.stored_in_turn(old).await?;
            self.state().merge(stored.data);
        }
        let (_, mut data, version) = self.state().snapshot();
        data.extend(marks.clone());
        let expires = self.expires(&data);
        let new = self.store().create(&data, expires).await?;
        if let Some(old) = &old
            && let Err(error) = self.store().delete(old).await
        {
            // No other process knows the new key.
            let _ = self.store().delete(&new).await;
            return Err(error.into());
        }
        {
            let mut state = self.state();
            state.moved_with(new.clone(), marks, version);
            state.expires = Some(expires);
        }
        if let (Some(old), Some(herald)) = (old, self.herald()) {
            herald.moved(old, new, data).await;
        }
        Ok(())
    }

    /// Deletes the session, and tells its other connections.
    pub(super) async fn delete_in_turn(&self) -> Result<(), SessionError> {
        let Some(key) = self.key() else {
            return Ok(());
        };
        let known = self.state().former.take();
        let former = match known {
            Some(former) => Some(*former),
            None if self.herald().is_none() => None,
            // Its values have not been read. If that cannot be found out, the session ends nevertheless.
            None => {
                let stored = self.stored_in_turn(&key).await;
                stored.ok().map(|stored| stored.data)
            }
        };
        self.store().delete(&key).await?;
        self.state().key = None;
        if let (Some(herald), Some(former)) = (self.herald(), former) {
            herald.ended(key, former).await;
        }
        Ok(())
    }
}

/// Lets others go first who change the same session, longer each time and not all for the same time.
pub(super) async fn pause(attempt: u32) {
    const MOST: u64 = 32_000;
    let most = MOST.min(250 << attempt.min(16));
    let micros = rand::rng().random_range(most / 2..=most);
    sleep(Duration::from_micros(micros)).await;
}
