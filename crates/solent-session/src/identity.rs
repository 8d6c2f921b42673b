//! Who it is, whatever the type of users.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// Who a connection's user is, for those that do not know the type of users: limits, logs, counts.
///
/// It is in the state of a scope inside an `AuthStack` of `solent-auth`, and follows logins and logouts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Identity(Arc<Mutex<State>>);

/// Locked for a few instructions, never across a wait.
#[derive(Default)]
struct State {
    /// The user, as far as it is known.
    id: Option<Arc<str>>,
    /// How many times the user has become known, changed or left.
    changes: u64,
    /// Who waits for the next change: the guard of the connection.
    waker: Option<Waker>,
}

impl Identity {
    /// The id of the user who is logged in; `None` for an anonymous client, or if the user was not asked for yet.
    pub fn id(&self) -> Option<Arc<str>> {
        self.0.lock().id.clone()
    }

    /// Notes who it is from now on.
    pub fn set(&self, id: Option<Arc<str>>) {
        let waker = {
            let mut state = self.0.lock();
            if state.id == id {
                return;
            }
            state.id = id;
            state.changes += 1;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until there have been other than `seen` changes, and tells how many.
    pub fn poll_changes(&self, seen: u64, cx: &Context<'_>) -> Poll<u64> {
        let mut state = self.0.lock();
        if state.changes != seen {
            return Poll::Ready(state.changes);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            waker => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.id()).finish()
    }
}
