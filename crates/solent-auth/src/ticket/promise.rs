//! What a ticket stands for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;
use solent_session::{
    DynSessionStore, Saved, SessionData, SessionError, SessionKey, SessionStore, StoreError,
};

use super::{SpentTickets, Ticket};

/// Where the session of a ticket keeps what it is for. A browser that shows a ticket as its session cookie has an
/// anonymous session.
const NAME: &str = "_login_ticket";

/// The end of the year 9999, in seconds since 1970.
const END: u64 = 253_402_300_799;

/// A session that a browser may have.
///
/// It is kept where the sessions are, so that any process with the same store can keep it, and under a key of its own, which
/// is the ticket.
#[derive(Deserialize)]
pub(crate) struct Promise {
    /// The key of the session.
    session: String,
    /// Until when, in seconds since 1970. Not every store keeps to the time it is told.
    until: u64,
}

impl Promise {
    pub(crate) fn new(session: &SessionKey, until: SystemTime) -> Self {
        Self {
            session: session.as_str().to_owned(),
            until: seconds(until),
        }
    }

    /// Makes a ticket.
    pub(crate) async fn issue(self, store: &DynSessionStore) -> Result<Ticket, SessionError> {
        let until = UNIX_EPOCH + Duration::from_secs(self.until.min(END));
        let mut data = SessionData::new();
        let promise = json!({ "session": self.session, "until": self.until });
        data.insert(NAME.to_owned(), promise);
        let key = store.create(&data, until).await?;
        Ok(Ticket::new(key))
    }

    /// The session that a ticket is for. The ticket is used up.
    pub(crate) async fn claim(
        ticket: &str,
        store: &DynSessionStore,
        spent: &SpentTickets,
    ) -> Result<Option<SessionKey>, SessionError> {
        let Ok(key) = SessionKey::parse(ticket) else {
            return Ok(None);
        };
        let stored = match store.read(&key).await {
            Err(StoreError::Unreadable) => None,
            stored => stored?,
        };
        let Some(stored) = stored else {
            return Ok(None);
        };
        let mut data = stored.data;
        let Some(promise) = data.remove(NAME) else {
            return Ok(None);
        };
        let Ok(promise) = serde_json::from_value::<Self>(promise) else {
            return Ok(None);
        };
        if seconds(SystemTime::now()) >= promise.until || !spent.spend(&key, promise.until) {
            return Ok(None);
        }
        // Of all processes that read it, one replaces it. No other process reads cookies, so they are spent in this process only.
        let until = UNIX_EPOCH + Duration::from_secs(promise.until.min(END));
        let nothing = SessionData::new();
        let replaced = store.replace(&key, &stored.revision, &nothing, until);
        if matches!(replaced.await?, Saved::Changed | Saved::Gone) {
            return Ok(None);
        }
        store.delete(&key).await?;
        Ok(SessionKey::parse(&promise.session).ok())
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
