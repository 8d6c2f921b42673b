//! What an inbox keeps behind its lock.

use std::{collections::VecDeque, task::Poll, time::Duration};

use solent_spec::websocket::{FrameSinkHandle, SinkRefusal};
use tokio::time::Instant;

use super::{Pushed, Readers};
use crate::{Delivery, DropCause, Gap, Message};

/// What an inbox keeps behind its lock.
///
/// Methods hand out what they remove: messages and sinks are dropped without the lock, since what their owners do then
/// is not ours to know.
pub(super) struct State {
    /// The oldest message; most mailboxes never hold more than one.
    first: Option<Entry>,
    /// The messages after it. Owns no buffer while it is empty.
    rest: VecDeque<Entry>,
    /// Who is woken when something arrives.
    pub(super) readers: Readers,
    /// Takes ready frames in the reader's place while nothing waits to be read.
    sink: Option<FrameSinkHandle>,
    /// The reader has taken something, or has a sink, and has not asked for the next message since. Ready frames then
    /// queue, so that they do not overtake what it sends meanwhile.
    handling: bool,
    /// Messages have been missed, and the reader has not heard of it.
    /// In a box, since hardly any mailbox ever has one.
    missed: Option<Box<Missed>>,
    /// The bytes of the messages after the oldest.
    bytes: u32,
    /// Nothing more is taken.
    pub(super) closed: bool,
    /// The policy closed the inbox.
    pub(super) overflowed: bool,
}

/// A gap that is to be told.
struct Missed {
    /// How many of the waiting messages come before it.
    ahead: u32,
    /// How many messages were lost.
    lost: u32,
    /// Whether there may be more.
    uncounted: bool,
}

/// A waiting message.
pub(super) struct Entry {
    pub(super) message: Message,
    /// When it was pushed.
    since: Instant,
}

/// What left the queue, to be dropped without the lock.
pub(super) type Removed = Vec<Entry>;

impl Missed {
    fn add(&mut self, messages: usize) {
        self.lost = self.lost.saturating_add(saturated(messages));
    }
}

fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl State {
    pub(super) fn new(readers: Readers) -> Self {
        Self {
            first: None,
            rest: VecDeque::new(),
            readers,
            sink: None,
            handling: false,
            missed: None,
            bytes: 0,
            closed: false,
            overflowed: false,
        }
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(super) fn append(&mut self, message: Message, since: Instant) {
        let entry = Entry { message, since };
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.bytes = self.bytes.saturating_add(saturated(entry.message.size()));
            self.rest.push_back(entry);
        }
    }

    /// Takes the oldest message.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let first = self.first.take()?;
        if let Some(next) = self.rest.pop_front() {
            self.bytes = self.bytes.saturating_sub(saturated(next.message.size()));
            self.first = Some(next);
        }
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
            self.bytes = 0;
        }
        if let Some(missed) = &mut self.missed {
            missed.ahead = missed.ahead.saturating_sub(1);
        }
        Some(first)
    }

    /// Takes the oldest messages that have waited for `expiry`.
    pub(super) fn pop_expired(&mut self, now: Instant, expiry: Duration) -> Removed {
        let mut expired = Vec::new();
        while let Some(first) = &self.first
            && now.saturating_duration_since(first.since) >= expiry
        {
            expired.extend(self.pop());
        }
        expired
    }

    /// Takes all that waits, oldest first.
    pub(super) fn pop_all(&mut self) -> Removed {
        if let Some(missed) = &mut self.missed {
            missed.ahead = 0;
        }
        self.bytes = 0;
        let first = self.first.take();
        let rest = std::mem::take(&mut self.rest);
        first.into_iter().chain(rest).collect()
    }

    /// What the reader gets next, expired messages being gone already.
    pub(super) fn next(&mut self) -> Poll<Option<Delivery>> {
        self.handling = false;
        if self.overflowed {
            return Poll::Ready(None);
        }
        let delivery = if let Some(missed) = self.missed.take_if(|missed| missed.ahead == 0) {
            Delivery::Gap(Gap {
                lost: missed.lost.into(),
                uncounted: missed.uncounted,
            })
        } else if let Some(entry) = self.pop() {
            Delivery::Message(entry.message)
        } else if self.closed {
            return Poll::Ready(None);
        } else {
            return Poll::Pending;
        };
        self.handling = true;
        Poll::Ready(Some(delivery))
    }

    /// Notes a gap of unknown size, behind all that waits. One behind fewer is part of it: who is told
    /// later has missed both.
    pub(super) fn push_gap(&mut self) {
        let ahead = saturated(self.len());
        let missed = self.missed_at(ahead);
        missed.ahead = ahead;
        missed.uncounted = true;
    }

    /// Notes lost messages that came after all that waits. They are part of a gap that is to be told already: were it put off,
    /// a reader that is always too slow would never hear of it.
    pub(super) fn lose_newest(&mut self, messages: usize) {
        let ahead = saturated(self.len());
        self.missed_at(ahead).add(messages);
    }

    /// Notes lost messages that came before all that waits.
    pub(super) fn lose_oldest(&mut self, messages: usize) {
        let missed = self.missed_at(0);
        missed.ahead = 0;
        missed.add(messages);
    }

    /// The gap that is to be told, or a new one.
    fn missed_at(&mut self, ahead: u32) -> &mut Missed {
        self.missed.get_or_insert_with(|| {
            Box::new(Missed {
                ahead,
                lost: 0,
                uncounted: false,
            })
        })
    }

    /// The bytes of the messages after the oldest.
    pub(super) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Sets the sink; it is used from when the reader asks for the next message.
    pub(super) fn set_sink(&mut self, sink: Option<FrameSinkHandle>) -> Option<FrameSinkHandle> {
        self.handling = true;
        std::mem::replace(&mut self.sink, sink)
    }

    /// Writes a ready frame straight to the client, if that keeps the order.
    pub(super) fn divert(&self, message: &Message) -> Option<Pushed> {
        let sink = self.sink.as_ref()?;
        if self.handling || self.first.is_some() || self.missed.is_some() {
            return None;
        }
        match sink.send_frame(message.ready_frame()?) {
            Ok(()) => Some(Pushed::Delivered),
            Err(SinkRefusal::Full) => Some(Pushed::Dropped(DropCause::Full)),
            Err(SinkRefusal::Closed) => Some(Pushed::Dropped(DropCause::Closed)),
            // Not accepted yet: the reader knows what to do.
            Err(_) => None,
        }
    }

    /// Takes nothing more.
    pub(super) fn close(&mut self) -> Option<FrameSinkHandle> {
        self.closed = true;
        self.sink.take()
    }

    /// Gives up on a reader that is too slow.
    pub(super) fn overflow(&mut self) -> (Option<FrameSinkHandle>, Removed) {
        self.overflowed = true;
        (self.close(), self.pop_all())
    }
}
