//! Readers to wake once no lock is held.

use std::{fmt, task::Waker};

/// Readers to wake, collected while a layer holds a lock of its own and woken once it has let go.
///
/// Waking runs code that the layer does not know. Dropping the list wakes them as well, so none is forgotten.
#[derive(Default)]
pub struct Wakers {
    /// The first one, so that a single delivery allocates nothing.
    first: Option<Waker>,
    /// Those after it.
    rest: Vec<Waker>,
}

impl Wakers {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes them all, and forgets them.
    pub fn wake(&mut self) {
        if let Some(waker) = self.first.take() {
            waker.wake();
        }
        for waker in self.rest.drain(..) {
            waker.wake();
        }
    }

    pub(super) fn add(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }
}

impl Drop for Wakers {
    fn drop(&mut self) {
        self.wake();
    }
}

impl fmt::Debug for Wakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakers").finish_non_exhaustive()
    }
}
