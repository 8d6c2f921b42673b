//! Who reads an inbox.

use std::{sync::Arc, task::Waker};

use super::{InboxWatch, Wakers};

/// The one reader of a channel of its own, or the competing readers of a shared one.
pub(super) enum Readers {
    /// One reader; set while it waits.
    One(Option<Waker>),
    /// Any number of readers. In a box, since most inboxes have one reader, and pay for this.
    Many(Box<Competing>),
}

/// The readers of a shared inbox.
#[derive(Default)]
pub(super) struct Competing {
    /// By the number that each was given.
    slots: Vec<Slot>,
    /// Who is told when they read.
    watch: Option<Arc<dyn InboxWatch>>,
}

/// A place for a reader of a shared inbox.
pub(super) enum Slot {
    /// Given back.
    Free,
    /// Its reader is doing something else.
    Busy,
    /// Its reader waits.
    Waiting(Waker),
}

impl Readers {
    /// No readers yet, of whom `watch` is told.
    pub(super) fn watched(watch: Arc<dyn InboxWatch>) -> Self {
        Self::Many(Box::new(Competing {
            slots: Vec::new(),
            watch: Some(watch),
        }))
    }

    /// Who is told when they read.
    pub(super) fn watch(&self) -> Option<Arc<dyn InboxWatch>> {
        match self {
            Self::One(_) => None,
            Self::Many(readers) => readers.watch.clone(),
        }
    }

    /// How many there are. The one reader always counts.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(readers) => readers
                .slots
                .iter()
                .filter(|slot| !matches!(slot, Slot::Free))
                .count(),
        }
    }

    /// Whether one of them waits.
    pub(super) fn any_waiting(&self) -> bool {
        match self {
            Self::One(waker) => waker.is_some(),
            Self::Many(readers) => {
                let mut slots = readers.slots.iter();
                slots.any(|slot| matches!(slot, Slot::Waiting(_)))
            }
        }
    }

    /// Adds a reader and returns its number.
    pub(super) fn add(&mut self) -> u32 {
        let Self::Many(readers) = self else {
            return 0;
        };
        let slots = &mut readers.slots;
        let free = slots.iter().position(|slot| matches!(slot, Slot::Free));
        let number = free.unwrap_or_else(|| {
            slots.push(Slot::Free);
            slots.len() - 1
        });
        slots[number] = Slot::Busy;
        // There are no four thousand million mailboxes in one process.
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Takes a reader out; what comes back is to be dropped without a lock.
    pub(super) fn remove(&mut self, reader: u32) -> Option<Waker> {
        self.replace(reader, Slot::Free)
    }

    /// Notes that a reader waits; what comes back is to be dropped without a lock.
    pub(super) fn wait(&mut self, reader: u32, waker: &Waker) -> Option<Waker> {
        let current = match self {
            Self::One(waker) => waker.as_ref(),
            Self::Many(readers) => match readers.slots.get(reader as usize) {
                Some(Slot::Waiting(waker)) => Some(waker),
                _ => None,
            },
        };
        if current.is_some_and(|current| current.will_wake(waker)) {
            return None;
        }
        self.replace(reader, Slot::Waiting(waker.clone()))
    }

    /// Moves those that wait to `wakers`.
    ///
    /// All the readers of a shared inbox are woken for one message: one that was woken alone might never ask again, and
    /// the message would wait beside an idle reader.
    pub(super) fn take(&mut self, wakers: &mut Wakers) {
        match self {
            Self::One(waker) => {
                if let Some(waker) = waker.take() {
                    wakers.add(waker);
                }
            }
            Self::Many(readers) => {
                for slot in &mut readers.slots {
                    if matches!(slot, Slot::Waiting(_))
                        && let Slot::Waiting(waker) = std::mem::replace(slot, Slot::Busy)
                    {
                        wakers.add(waker);
                    }
                }
            }
        }
    }

    fn replace(&mut self, reader: u32, new: Slot) -> Option<Waker> {
        match self {
            Self::One(waker) => match new {
                Slot::Waiting(new) => waker.replace(new),
                Slot::Free | Slot::Busy => waker.take(),
            },
            Self::Many(readers) => {
                match std::mem::replace(readers.slots.get_mut(reader as usize)?, new) {
                    Slot::Waiting(waker) => Some(waker),
                    Slot::Free | Slot::Busy => None,
                }
            }
        }
    }
}
