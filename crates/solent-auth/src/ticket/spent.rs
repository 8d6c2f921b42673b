//! Tickets that have been used.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use solent_session::SessionKey;

/// The tickets that were exchanged in this process and would still be good.
///
/// A store deletes a ticket that has been used, but two requests may read it before either deletes it, and a store that keeps
/// sessions in cookies deletes nothing.
#[derive(Debug, Default)]
pub(crate) struct SpentTickets {
    /// Until when they would be good, in seconds since 1970, by fingerprint. Held for a moment, never across a wait.
    spent: Mutex<HashMap<String, u64>>,
}

impl SpentTickets {
    /// How many there may be. Each was a login, some seconds ago.
    const MAX: usize = 65_536;

    /// Notes that a ticket is used; `false` if it was before, or if too many are.
    pub(super) fn spend(&self, ticket: &SessionKey, until: u64) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut spent = self.spent.lock();
        if spent.len() == spent.capacity() || spent.len() >= Self::MAX {
            spent.retain(|_, until| *until > now);
        }
        spent.len() < Self::MAX && spent.insert(ticket.fingerprint(), until).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_is_spent_once() {
        let spent = SpentTickets::default();
        let ticket = SessionKey::parse("ticket-one").unwrap();

        assert!(spent.spend(&ticket, u64::MAX));
        assert!(!spent.spend(&ticket, u64::MAX));
        assert!(spent.spend(&SessionKey::parse("ticket-two").unwrap(), u64::MAX));
    }

    #[test]
    fn tickets_that_have_expired_are_forgotten() {
        let spent = SpentTickets::default();
        for n in 0..10_000 {
            let ticket = SessionKey::parse(&format!("ticket-{n:05}")).unwrap();
            assert!(spent.spend(&ticket, 1));
        }

        assert!(spent.spent.lock().capacity() < 1000);
    }
}
