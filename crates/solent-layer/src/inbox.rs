//! The bounded queue behind a mailbox.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use solent_spec::websocket::{FrameSinkHandle, SinkRefusal};
use tokio::time::Instant;

use crate::{Delivery, DropCause, DropCounts, Gap, Message};

/// What happens to a message for a full channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullPolicy {
    /// The message is refused, as in Channels: `send` fails, `group_send` counts it.
    #[default]
    RefuseNewest,
    /// The channel's oldest message makes room for it.
    DropOldest,
    /// The channel is closed, for a consumer that rather reconnects than misses something; a WebSocket consumer closes
    /// with code 1013.
    Disconnect,
}

/// The settings that the inboxes of a layer have in common.
#[derive(Debug)]
#[non_exhaustive]
pub struct InboxSettings {
    /// How long an unread message is kept.
    pub expiry: Duration,
    /// What happens to a message for a full channel.
    pub policy: FullPolicy,
    /// Where drops are counted.
    pub drops: Arc<DropCounts>,
}

impl InboxSettings {
    /// Settings that count drops in `drops`.
    pub fn new(expiry: Duration, policy: FullPolicy, drops: Arc<DropCounts>) -> Self {
        Self {
            expiry,
            policy,
            drops,
        }
    }
}

/// What became of a message that was pushed into an [`Inbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Pushed {
    /// It waits to be read, or was written to the client at once.
    Delivered,
    /// It waits to be read, and the oldest message was dropped for it.
    MadeRoom,
    /// It was dropped.
    Dropped(DropCause),
}

/// The queue behind a [`Mailbox`](crate::Mailbox): what a layer delivers into.
///
/// An inbox without messages owns no buffer.
pub struct Inbox {
    settings: Arc<InboxSettings>,
    capacity: u32,
    /// Held for a few instructions at a time, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The oldest message; most mailboxes never hold more than one.
    first: Option<Entry>,
    /// The messages after it.
    rest: VecDeque<Entry>,
    /// Wakes the reader.
    waker: Option<Waker>,
    /// Takes ready frames in the reader's place while nothing waits to be read.
    sink: Option<FrameSinkHandle>,
    /// Set from when the reader takes a message until it asks for the next one. Ready frames then queue behind it, so
    /// that they do not overtake what it sends while it handles the message.
    handling: bool,
    /// Messages may have been missed since the reader last asked.
    gap: Option<Gap>,
    closed: bool,
    overflowed: bool,
}

struct Entry {
    message: Message,
    deadline: Instant,
}

impl Inbox {
    /// An empty inbox for up to `capacity` messages, at least one.
    pub fn new(capacity: usize, settings: Arc<InboxSettings>) -> Arc<Self> {
        let capacity = u32::try_from(capacity.max(1)).unwrap_or(u32::MAX);
        Arc::new(Self {
            settings,
            capacity,
            state: Mutex::default(),
        })
    }

    /// Delivers a message. `now` is the current time; a layer asks for it once per group.
    ///
    /// A message with a [ready frame](Message::ready_frame) is written straight to the client, if the reader has a
    /// [sink](crate::Mailbox::divert) and nothing else is under way.
    pub fn push(&self, message: &Message, now: Instant) -> Pushed {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return self.dropped(DropCause::Closed);
        }
        if let Some(pushed) = state.divert(message) {
            drop(state);
            return match pushed {
                Pushed::Dropped(cause) => self.refused(cause),
                pushed => pushed,
            };
        }
        let made_room = if state.len() >= self.capacity as usize {
            match self.make_room(&mut state, now) {
                Ok(made_room) => made_room,
                Err(cause) => {
                    let waker = state.waker.take_if(|_| cause == DropCause::Overflowed);
                    drop(state);
                    waker.inspect(Waker::wake_by_ref);
                    return self.dropped(cause);
                }
            }
        } else {
            false
        };
        state.append(Entry {
            message: message.clone(),
            deadline: now + self.settings.expiry,
        });
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        if made_room {
            Pushed::MadeRoom
        } else {
            Pushed::Delivered
        }
    }

    /// Polls for the next message, as the one reader does; `None` once the inbox is closed and, unless it overflowed,
    /// empty.
    pub fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.lock();
        state.handling = false;
        if let Some(gap) = state.gap.take() {
            return Poll::Ready(Some(Delivery::Gap(gap)));
        }
        if state.overflowed {
            return Poll::Ready(None);
        }
        if state.first.is_some()
            && let Some(message) = self.pop_fresh(&mut state, Instant::now())
        {
            state.handling = true;
            return Poll::Ready(Some(Delivery::Message(message)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Tells the reader that it may have missed messages.
    pub fn push_gap(&self, gap: Gap) {
        let mut state = self.lock();
        state.gap = Some(gap);
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    /// Closes the inbox. What waits can still be read; nothing more is taken.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.sink = None;
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    /// Drops what waits, as a layer's flush does.
    pub fn clear(&self) {
        let mut state = self.lock();
        let dropped = (state.first.take(), std::mem::take(&mut state.rest));
        drop(state);
        drop(dropped);
    }

    /// Takes back what nobody has read, oldest first, for another reader of the same channel.
    pub fn take_unread(&self) -> Vec<Message> {
        let mut state = self.lock();
        let first = state.first.take();
        let rest = std::mem::take(&mut state.rest);
        first
            .into_iter()
            .chain(rest)
            .map(|entry| entry.message)
            .collect()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a reader waits for the next message.
    pub fn has_waiting_reader(&self) -> bool {
        self.lock().waker.is_some()
    }

    /// Whether the inbox is closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether the policy closed the inbox because its reader was too slow.
    pub fn overflowed(&self) -> bool {
        self.lock().overflowed
    }

    /// Drops messages that have expired; returns how many.
    pub fn purge(&self, now: Instant) -> usize {
        let mut state = self.lock();
        self.drop_expired(&mut state, now)
    }

    pub(crate) fn set_sink(&self, sink: Option<FrameSinkHandle>) {
        self.lock().sink = sink;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop_fresh(&self, state: &mut State, now: Instant) -> Option<Message> {
        self.drop_expired(state, now);
        state.pop().map(|entry| entry.message)
    }

    /// Makes room in a full inbox, if its policy or the clock allows.
    fn make_room(&self, state: &mut State, now: Instant) -> Result<bool, DropCause> {
        if self.drop_expired(state, now) > 0 {
            return Ok(false);
        }
        match self.settings.policy {
            FullPolicy::RefuseNewest => Err(DropCause::Full),
            FullPolicy::DropOldest => {
                state.pop();
                self.settings.drops.add(DropCause::Oldest);
                Ok(true)
            }
            FullPolicy::Disconnect => {
                state.overflow();
                Err(DropCause::Overflowed)
            }
        }
    }

    fn drop_expired(&self, state: &mut State, now: Instant) -> usize {
        let mut dropped = 0;
        while state
            .first
            .as_ref()
            .is_some_and(|entry| entry.deadline <= now)
        {
            state.pop();
            self.settings.drops.add(DropCause::Expired);
            dropped += 1;
        }
        dropped
    }

    /// A client's own unread output is full.
    fn refused(&self, cause: DropCause) -> Pushed {
        if cause == DropCause::Full && self.settings.policy == FullPolicy::Disconnect {
            let mut state = self.lock();
            state.overflow();
            let waker = state.waker.take();
            drop(state);
            waker.inspect(Waker::wake_by_ref);
            return self.dropped(DropCause::Overflowed);
        }
        self.dropped(cause)
    }

    fn dropped(&self, cause: DropCause) -> Pushed {
        self.settings.drops.add(cause);
        Pushed::Dropped(cause)
    }
}

impl State {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    fn append(&mut self, entry: Entry) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.push_back(entry);
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let first = self.first.take();
        self.first = self.rest.pop_front();
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        first
    }

    /// Writes a ready frame straight to the client, if that keeps the order.
    fn divert(&self, message: &Message) -> Option<Pushed> {
        let sink = self.sink.as_ref()?;
        if self.handling || self.first.is_some() {
            return None;
        }
        match sink.send_frame(message.ready_frame()?) {
            Ok(()) => Some(Pushed::Delivered),
            Err(SinkRefusal::Full) => Some(Pushed::Dropped(DropCause::Full)),
            Err(SinkRefusal::Closed) => Some(Pushed::Dropped(DropCause::Closed)),
            Err(_) => None,
        }
    }

    fn overflow(&mut self) {
        self.closed = true;
        self.overflowed = true;
        self.sink = None;
        self.first = None;
        self.rest = VecDeque::new();
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
