//! The bounded queue behind a mailbox.

mod readers;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod wakers;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::{Mutex, MutexGuard};
use solent_spec::websocket::FrameSinkHandle;
use tokio::time::Instant;

pub(crate) use self::settings::BACKLOG;
use self::{
    readers::Readers,
    state::{Removed, State},
};
pub use self::{
    settings::{FullPolicy, InboxSettings},
    wakers::Wakers,
};
use crate::{Delivery, DropCause, Message, Room};

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

/// Who hears that there was no room for a message.
#[derive(Clone, Copy)]
enum Told {
    /// Its reader, by a gap.
    Reader,
    /// Its sender, which gets it back.
    Sender,
}

/// Told when the readers of a [shared inbox](Inbox::watched) read: the moment to ask a broker for a message, if
/// [`Inbox::has_waiting_reader`], and to acknowledge those that have been taken.
pub trait InboxWatch: Send + Sync + 'static {
    /// A reader has taken something, or waits for something. Called without a lock, from the poll of the reader: it must not
    /// wait.
    fn read(&self, inbox: &Inbox);
}

/// The queue behind a [`Mailbox`](crate::Mailbox): what a layer delivers into.
///
/// It keeps to the capacity, the expiry and the [policy](FullPolicy) of the layer, counts what it drops, and never gives
/// a message to two readers. An inbox without messages owns no buffer.
///
/// A channel of its own ([`new`](Self::new)) has one reader and ends with it. A [`shared`](Self::shared) one, for a name
/// that workers listen on, has any number of competing readers, or none for a while: messages then wait.
pub struct Inbox {
    settings: Arc<InboxSettings>,
    room: Room,
    /// Held for a few instructions at a time, never across a wait or a wake-up.
    state: Mutex<State>,
}

impl Inbox {
    /// An empty inbox with one reader: a number is a room for so many messages, at least one.
    pub fn new(room: impl Into<Room>, settings: Arc<InboxSettings>) -> Arc<Self> {
        Self::with_readers(room.into(), settings, Readers::One(None))
    }

    /// An empty inbox for competing readers, each message going to one of them. It stays open without readers.
    pub fn shared(room: impl Into<Room>, settings: Arc<InboxSettings>) -> Arc<Self> {
        Self::with_readers(room.into(), settings, Readers::Many(Box::default()))
    }

    /// A [shared](Self::shared) inbox that tells `watch` when it is read, for a layer that takes a message from a broker only
    /// when somebody waits for it.
    pub fn watched(
        room: impl Into<Room>,
        settings: Arc<InboxSettings>,
        watch: Arc<dyn InboxWatch>,
    ) -> Arc<Self> {
        Self::with_readers(room.into(), settings, Readers::watched(watch))
    }

    fn with_readers(room: Room, settings: Arc<InboxSettings>, readers: Readers) -> Arc<Self> {
        Arc::new(Self {
            settings,
            room,
            state: Mutex::new(State::new(readers)),
        })
    }

    /// Delivers a message. `now` is the current time; a layer asks for it once per group.
    ///
    /// What finds no room is lost, and the reader hears of it by a [gap](crate::Gap). If the sender hears of it instead,
    /// [offer](Self::offer) the message.
    ///
    /// A message with a [ready frame](Message::ready_frame) is written straight to the client, if the reader has a
    /// [sink](crate::Mailbox::divert) and nothing else is under way.
    pub fn push(&self, message: &Message, now: Instant) -> Pushed {
        let mut wakers = Wakers::new();
        self.push_quietly(message, now, &mut wakers)
    }

    /// [Delivers](Self::push) a message and leaves it to the caller to wake the reader, for a layer that holds a lock.
    pub fn push_quietly(&self, message: &Message, now: Instant, wakers: &mut Wakers) -> Pushed {
        self.deliver(message, now, wakers, Told::Reader)
    }

    /// Delivers a message as [`push`](Self::push) does, for a sender that gets it back when there is no room. It is not lost then,
    /// and the reader hears nothing of it.
    pub fn offer(&self, message: &Message, now: Instant) -> Pushed {
        let mut wakers = Wakers::new();
        self.offer_quietly(message, now, &mut wakers)
    }

    /// [Offers](Self::offer) a message and leaves it to the caller to wake the reader.
    pub fn offer_quietly(&self, message: &Message, now: Instant, wakers: &mut Wakers) -> Pushed {
        self.deliver(message, now, wakers, Told::Sender)
    }

    fn deliver(&self, message: &Message, now: Instant, wakers: &mut Wakers, told: Told) -> Pushed {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            return self.dropped(DropCause::Closed);
        }
        match state.divert(message) {
            Some(Pushed::Dropped(DropCause::Full)) => {
                return self.client_full(state, wakers, told);
            }
            Some(Pushed::Dropped(cause)) => {
                drop(state);
                return self.dropped(cause);
            }
            Some(pushed) => return pushed,
            None if self.has_room(&state, message) => {}
            None => return self.push_into_full(state, message, now, wakers, told),
        }
        state.append(message.clone(), now);
        state.readers.take(wakers);
        Pushed::Delivered
    }

    /// Tells the reader, after what already waits, that it may have missed messages. Of several, one is told.
    pub fn push_gap(&self) {
        let mut wakers = Wakers::new();
        let mut state = self.state.lock();
        state.push_gap();
        state.readers.take(&mut wakers);
    }

    /// Tells the reader that it has lost messages, after what already waits, for a layer that had to drop them before they came
    /// here. They are counted by the layer.
    pub fn push_lost(&self, messages: usize) {
        let mut wakers = Wakers::new();
        let mut state = self.state.lock();
        state.lose_newest(messages);
        state.readers.take(&mut wakers);
    }

    /// Closes the inbox. What waits can still be read; nothing more is taken.
    pub fn close(&self) {
        let mut wakers = Wakers::new();
        let mut state = self.state.lock();
        let sink = state.close();
        state.readers.take(&mut wakers);
        drop(state);
        drop(sink);
    }

    /// Drops what waits, as a layer's flush does.
    pub fn clear(&self) {
        drop(self.take_unread());
    }

    /// Takes back what was not read, oldest first.
    pub fn take_unread(&self) -> Vec<Message> {
        let removed = self.state.lock().pop_all();
        self.give_back(removed.len(), 0);
        removed.into_iter().map(|entry| entry.message).collect()
    }

    /// Drops messages that have expired; returns how many.
    pub fn purge(&self, now: Instant) -> usize {
        let mut state = self.state.lock();
        let expired = self.expire(&mut state, now);
        drop(state);
        expired.len()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.state.lock().len()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many mailboxes read a shared inbox; 1 for one that is not shared.
    pub fn readers(&self) -> usize {
        self.state.lock().readers.len()
    }

    /// Whether a reader waits for the next message.
    pub fn has_waiting_reader(&self) -> bool {
        self.state.lock().readers.any_waiting()
    }

    /// Whether the inbox is closed.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether the policy closed the inbox because its reader was too slow.
    pub fn overflowed(&self) -> bool {
        self.state.lock().overflowed
    }

    /// Adds a reader and returns its number.
    pub(crate) fn add_reader(&self) -> u32 {
        self.state.lock().readers.add()
    }

    /// Takes a reader out. An inbox of its own closes with it, and what it has not read is lost.
    pub(crate) fn remove_reader(&self, reader: u32) {
        let mut state = self.state.lock();
        let waker = state.readers.remove(reader);
        if matches!(state.readers, Readers::Many(_)) {
            drop(state);
            drop(waker);
            return;
        }
        let (sink, unread) = (state.close(), state.pop_all());
        drop(state);
        self.give_back(unread.len(), 0);
        self.count(DropCause::Closed, unread.len());
        drop((waker, sink, unread));
    }

    /// Polls for the next message on behalf of a reader; `None` once the inbox is closed and, unless it overflowed,
    /// empty. Also tells whether others wait behind it.
    pub(crate) fn poll_pop(
        &self,
        reader: u32,
        cx: &mut Context<'_>,
    ) -> (Poll<Option<Delivery>>, bool) {
        let mut state = self.state.lock();
        let expired = if state.len() > 0 {
            self.expire(&mut state, Instant::now())
        } else {
            Vec::new()
        };
        let before = state.len();
        let next = state.next();
        self.give_back(before, state.len());
        let stale = next
            .is_pending()
            .then(|| state.readers.wait(reader, cx.waker()));
        let watch = state.readers.watch();
        let more = state.len() > 0;
        drop(state);
        drop((expired, stale));
        if let Some(watch) = watch {
            watch.read(self);
        }
        (next, more)
    }

    pub(crate) fn set_sink(&self, sink: Option<FrameSinkHandle>) {
        let old = self.state.lock().set_sink(sink);
        drop(old);
    }

    /// Whether there is room for a message; takes it, if it is a place of the backlog.
    fn has_room(&self, state: &State, message: &Message) -> bool {
        let (len, room) = (state.len(), self.room);
        if len < room.capacity as usize {
            return true;
        }
        len < room.burst as usize
            && state.bytes().saturating_add(message.size()) <= room.bytes as usize
            && self.settings.take_place()
    }

    /// Gives places of the backlog back, when of `before` messages `after` are left.
    fn give_back(&self, before: usize, after: usize) {
        let capacity = self.room.capacity as usize;
        if before > capacity {
            self.settings.give_places(before - after.max(capacity));
        }
    }

    /// Takes out what has expired, and notes that the reader has lost it.
    fn expire(&self, state: &mut State, now: Instant) -> Removed {
        let before = state.len();
        let expired = state.pop_expired(now, self.settings.expiry);
        if !expired.is_empty() {
            self.give_back(before, state.len());
            self.count(DropCause::Expired, expired.len());
            state.lose_oldest(expired.len());
        }
        expired
    }

    /// Delivers a message to a full inbox, if its policy or the clock allows.
    #[cold]
    fn push_into_full(
        &self,
        mut state: MutexGuard<'_, State>,
        message: &Message,
        now: Instant,
        wakers: &mut Wakers,
        told: Told,
    ) -> Pushed {
        let mut removed = self.expire(&mut state, now);
        let mut pushed = Pushed::Delivered;
        if removed.is_empty() || !self.has_room(&state, message) {
            match self.settings.policy {
                FullPolicy::DropOldest => {
                    pushed = Pushed::MadeRoom;
                    self.make_room(&mut state, message, &mut removed);
                }
                FullPolicy::Disconnect if matches!(state.readers, Readers::One(_)) => {
                    return self.overflow(state, wakers);
                }
                FullPolicy::RefuseNewest | FullPolicy::Disconnect => {
                    if matches!(told, Told::Reader) {
                        state.lose_newest(1);
                    }
                    drop(state);
                    drop(removed);
                    return self.dropped(DropCause::Full);
                }
            }
        }
        state.append(message.clone(), now);
        state.readers.take(wakers);
        drop(state);
        drop(removed);
        pushed
    }

    /// Drops the oldest messages until there is room for another.
    fn make_room(&self, state: &mut State, message: &Message, removed: &mut Removed) {
        let mut lost = 0;
        loop {
            let before = state.len();
            removed.extend(state.pop());
            self.give_back(before, state.len());
            lost += 1;
            if self.has_room(state, message) {
                break;
            }
        }
        self.count(DropCause::Oldest, lost);
        state.lose_oldest(lost);
    }

    /// A client's own unread output is full, so a ready frame found no room there.
    #[cold]
    fn client_full(
        &self,
        mut state: MutexGuard<'_, State>,
        wakers: &mut Wakers,
        told: Told,
    ) -> Pushed {
        if self.settings.policy == FullPolicy::Disconnect {
            return self.overflow(state, wakers);
        }
        if matches!(told, Told::Reader) {
            // What comes after it waits in line until the reader has heard of it.
            state.lose_newest(1);
            state.readers.take(wakers);
        }
        drop(state);
        self.dropped(DropCause::Full)
    }

    /// Closes the inbox on a reader that is too slow; the message at hand and all that wait are lost.
    fn overflow(&self, mut state: MutexGuard<'_, State>, wakers: &mut Wakers) -> Pushed {
        let (sink, unread) = state.overflow();
        state.readers.take(wakers);
        drop(state);
        self.give_back(unread.len(), 0);
        self.count(DropCause::Overflowed, unread.len());
        drop((sink, unread));
        self.dropped(DropCause::Overflowed)
    }

    fn dropped(&self, cause: DropCause) -> Pushed {
        self.count(cause, 1);
        Pushed::Dropped(cause)
    }

    fn count(&self, cause: DropCause, messages: usize) {
        if messages > 0 {
            self.settings.drops.add_many(cause, messages as u64);
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let left = state.len();
        self.give_back(left, 0);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("len", &self.len())
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
