//! From Redis to the mailboxes of this process.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use parking_lot::Mutex;
use solent_layer::{ChannelName, DropCause, Inbox, Message, Pushed};
use solent_spec::Chain;
use tokio::{task::yield_now, time::Instant};

use super::{pop::Popping, shared::Shared};
use crate::wire::{Addressees, take_channels};

/// The most lists of addressees that are remembered, and the shortest and longest in bytes that is worth it.
const MOST: usize = 64;
const LEAST: usize = 256;
const LONGEST: usize = 1 << 20;

/// After so many mailboxes, other tasks of the thread get their turn.
const AT_ONCE: usize = 1000;

/// Whose inboxes the addressees of recent group messages are. A group that stays the same has the same list each time.
#[derive(Default)]
pub(super) struct Resolved {
    /// By the bytes of the list. Held for a moment.
    lists: Mutex<Lists>,
}

type Lists = HashMap<Box<[u8]>, Arc<[Arc<Inbox>]>>;

impl Resolved {
    fn get(&self, list: &[u8]) -> Option<Arc<[Arc<Inbox>]>> {
        self.lists.lock().get(list).cloned()
    }

    /// The list stays right: no name is used twice, and an inbox that is closed takes nothing.
    fn remember(&self, list: &[u8], inboxes: Vec<Arc<Inbox>>) {
        if !(LEAST..LONGEST).contains(&list.len()) {
            return;
        }
        let mut lists = self.lists.lock();
        if lists.len() >= MOST {
            lists.clear();
        }
        lists.insert(list.into(), inboxes.into());
    }

    /// Forgets lists with closed inboxes, which they would keep alive.
    pub(super) fn tidy(&self) {
        let alive = |inboxes: &Arc<[Arc<Inbox>]>| !inboxes.iter().any(|inbox| inbox.is_closed());
        self.lists.lock().retain(|_, inboxes| alive(inboxes));
    }
}

impl Shared {
    /// Delivers messages for channels of this process.
    pub(super) async fn deliver(&self, messages: Vec<Popping>) {
        let mut pushed = 0;
        for popping in messages {
            if self.is_flushed(popping.score) {
                continue;
            }
            let is_expired = self.is_expired(popping.score);
            let Some(message) = self.decode(popping) else {
                continue;
            };
            let (message, addressees) = take_channels(message);
            let Some(addressees) = addressees else {
                self.local.drops().add(DropCause::Unreadable);
                self.unreadable
                    .warn("queue", "it names no channel of this process");
                continue;
            };
            if is_expired {
                self.expire(&addressees);
                continue;
            }
            pushed += self.push(&message, &addressees);
            if pushed >= AT_ONCE {
                pushed = 0;
                yield_now().await;
            }
        }
    }

    /// The message of a payload, if it is to be delivered.
    pub(super) fn read(&self, popping: Popping) -> Option<Message> {
        if self.is_flushed(popping.score) {
            return None;
        }
        if self.is_expired(popping.score) {
            self.local.drops().add(DropCause::Expired);
            return None;
        }
        self.decode(popping)
    }

    /// Tells the addressees of a message that it waited in Redis for too long.
    fn expire(&self, addressees: &Addressees) {
        for name in addressees.iter() {
            self.local.drops().add(DropCause::Expired);
            let channel = name.parse::<ChannelName>().ok();
            if let Some(inbox) = channel.and_then(|channel| self.local.inbox(&channel)) {
                inbox.push_lost(1);
            }
        }
    }

    fn decode(&self, popping: Popping) -> Option<Message> {
        match self.payloads.decode(popping.payload, SystemTime::now()) {
            Ok(message) => Some(message),
            Err(error) => {
                self.local.drops().add(DropCause::Unreadable);
                self.unreadable.warn("queue", Chain(&error));
                None
            }
        }
    }

    fn push_one(&self, inbox: &Inbox, message: &Message, name: &str, now: Instant) {
        let pushed = inbox.push(message, now);
        if pushed != Pushed::Delivered
            && let Ok(channel) = name.parse()
        {
            self.local.note(&channel, pushed);
        }
    }

    /// Pushes a message to its addressees. Answers how many there were.
    fn push(&self, message: &Message, addressees: &Addressees) -> usize {
        let now = Instant::now();
        let list = addressees.bytes();
        if let Some(inboxes) = self.resolved.get(list) {
            for (inbox, name) in inboxes.iter().zip(addressees.iter()) {
                self.push_one(inbox, message, name, now);
            }
            return inboxes.len();
        }
        let mut inboxes = Vec::new();
        let mut names = 0;
        for name in addressees.iter() {
            names += 1;
            let channel = name.parse::<ChannelName>().ok();
            match channel.and_then(|channel| self.local.inbox(&channel)) {
                Some(inbox) => {
                    self.push_one(&inbox, message, name, now);
                    inboxes.push(inbox);
                }
                None => self.local.drops().add(DropCause::Closed),
            }
        }
        if inboxes.len() == names {
            self.resolved.remember(list, inboxes);
        }
        names
    }
}
