//! Names that workers listen on.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use redis::cmd;
use solent_layer::{
    Capacities, ChannelName, Inbox, InboxSettings, InboxWatch, LayerError, Mailbox, MailboxOwner,
    Message, Pushed, Wakers,
};
use tokio::{sync::Notify, time::Instant};

use super::{hosts::Hosts, pop::Popping};
use crate::wire::{ProcessId, score_text};

/// The names that this process listens on.
pub(super) struct Listening {
    pub(super) hosts: Arc<Hosts>,
    process: ProcessId,
    settings: Arc<InboxSettings>,
    capacities: Capacities,
    /// Held for a few instructions at a time, never across a wait or a wake-up.
    table: Mutex<Table>,
    /// Something is wanted that was not, or the layer is closed.
    pub(super) changed: Arc<Notify>,
}

#[derive(Default)]
struct Table {
    names: HashMap<ChannelName, Arc<Listened>>,
    closed: bool,
}

/// A name with a mailbox, or several.
pub(super) struct Listened {
    pub(super) name: ChannelName,
    pub(super) key: String,
    inbox: Arc<Inbox>,
    taken: Arc<Taken>,
}

impl Listening {
    pub(super) fn new(
        hosts: Arc<Hosts>,
        process: ProcessId,
        settings: Arc<InboxSettings>,
        capacities: Capacities,
    ) -> Self {
        Self {
            hosts,
            process,
            settings,
            capacities,
            table: Mutex::default(),
            changed: Arc::default(),
        }
    }

    /// Adds a reader to a name. Tells whether it is the first.
    pub(super) fn listen(
        self: &Arc<Self>,
        name: &ChannelName,
    ) -> Result<(Mailbox, Option<Arc<Listened>>), LayerError> {
        let mut table = self.table.lock();
        if table.closed {
            return Err(LayerError::Closed);
        }
        let known = table.names.get(name).cloned();
        let listened = known.clone().unwrap_or_else(|| {
            let listened = Arc::new(self.listened(name));
            table.names.insert(name.clone(), Arc::clone(&listened));
            listened
        });
        // Counted as a reader before the lock is let go, so that the name is not forgotten.
        let mailbox = Mailbox::new(
            name.clone(),
            Arc::clone(&listened.inbox),
            Arc::clone(self) as _,
        );
        Ok((mailbox, known.is_none().then_some(listened)))
    }

    fn listened(&self, name: &ChannelName) -> Listened {
        let key = self.hosts.keys.channel(name);
        let taken = Arc::new(Taken {
            hosts: Arc::clone(&self.hosts),
            process: self.process.clone(),
            set: Hosts::taken(&key),
            key: key.clone(),
            unread: Mutex::default(),
            asked: AtomicBool::new(false),
            changed: Arc::clone(&self.changed),
            changed_here: Notify::new(),
            expiry: self.settings.expiry.as_secs(),
        });
        let watch = Arc::clone(&taken) as _;
        let capacity = self.capacities.of(name);
        Listened {
            name: name.clone(),
            key,
            inbox: Inbox::watched(capacity, Arc::clone(&self.settings), watch),
            taken,
        }
    }

    /// The names that a reader waits for. Of the others, this hears when one does.
    pub(super) fn wanted(&self) -> Vec<Arc<Listened>> {
        let names = self.all();
        names.into_iter().filter(|name| name.is_wanted()).collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Listened>> {
        self.table.lock().names.values().cloned().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.lock().names.is_empty()
    }

    /// Whether the name is still listened on here.
    pub(super) fn has(&self, listened: &Arc<Listened>) -> bool {
        let table = self.table.lock();
        let known = table.names.get(&listened.name);
        known.is_some_and(|known| Arc::ptr_eq(known, listened))
    }

    /// Gives a message to a waiting reader; back, if there is none.
    pub(super) fn give(
        &self,
        listened: &Listened,
        host: usize,
        popping: Popping,
        message: &Message,
    ) -> Result<(), Popping> {
        let mut wakers = Wakers::new();
        let table = self.table.lock();
        let known = table.names.get(&listened.name);
        // Under the lock, so that the last reader does not go meanwhile.
        let is_here = known.is_some_and(|known| Arc::ptr_eq(&known.inbox, &listened.inbox));
        if !is_here || !listened.inbox.has_waiting_reader() {
            return Err(popping);
        }
        listened.taken.note(host, &popping);
        // What finds no room goes back to Redis.
        let pushed = listened
            .inbox
            .offer_quietly(message, Instant::now(), &mut wakers);
        if matches!(pushed, Pushed::Dropped(_)) {
            listened.taken.drop_backup(&popping, host);
            return Err(popping);
        }
        listened
            .taken
            .unread
            .lock()
            .push_back(Unread { host, popping });
        drop(table);
        listened.taken.confirm(listened.inbox.len());
        Ok(())
    }

    /// Puts a message back to where it was taken from.
    pub(super) fn put_back(&self, listened: &Listened, host: usize, popping: &Popping) {
        listened.taken.put_back(host, popping);
    }

    pub(super) fn gap(&self) {
        self.all().iter().for_each(|name| name.inbox.push_gap());
    }

    pub(super) fn clear(&self) {
        for name in self.all() {
            name.inbox.clear();
            name.taken.confirm(0);
        }
    }

    /// Ends all mailboxes, and puts back what was not read.
    pub(super) fn close(&self) {
        let mut table = self.table.lock();
        table.closed = true;
        let names = std::mem::take(&mut table.names);
        drop(table);
        for name in names.values() {
            name.end();
        }
        self.changed.notify_one();
    }
}

impl MailboxOwner for Listening {
    fn closed(&self, name: &ChannelName, inbox: &Arc<Inbox>) {
        let mut table = self.table.lock();
        if inbox.readers() > 0 {
            return;
        }
        let Some(listened) = table.names.get(name) else {
            return;
        };
        if !Arc::ptr_eq(&listened.inbox, inbox) {
            return;
        }
        let gone = table.names.remove(name);
        drop(table);
        if let Some(gone) = gone {
            gone.end();
        }
    }
}

impl Listened {
    /// Whether a reader waits. If none does, the worker is told when one does.
    pub(super) fn is_wanted(&self) -> bool {
        // Before it is looked at, so that nothing is missed in between.
        self.taken.asked.store(false, Relaxed);
        let wanted = self.inbox.has_waiting_reader();
        self.taken.asked.store(wanted, Relaxed);
        wanted
    }

    /// A reader waits that did not, or none is left.
    pub(super) async fn changed(&self) {
        self.taken.changed_here.notified().await;
    }

    /// The last reader is gone.
    fn end(&self) {
        self.taken.changed_here.notify_one();
        self.inbox.close();
        let unread = self.inbox.take_unread().len();
        self.taken.confirm(unread);
        let unread = std::mem::take(&mut *self.taken.unread.lock());
        for unread in unread {
            self.taken.put_back(unread.host, &unread.popping);
            self.taken.drop_backup(&unread.popping, unread.host);
        }
    }
}

/// What was taken from Redis for a name and has not been read, with a backup of it in Redis.
struct Taken {
    hosts: Arc<Hosts>,
    process: ProcessId,
    key: String,
    /// The sorted set of backups.
    set: String,
    /// In the order of the inbox. Held for a moment, never under another lock but that of the table.
    unread: Mutex<VecDeque<Unread>>,
    /// Whether it is known that a reader waits.
    asked: AtomicBool,
    changed: Arc<Notify>,
    /// The same for this name alone.
    changed_here: Notify,
    /// In seconds.
    expiry: u64,
}

/// A message that was taken.
struct Unread {
    host: usize,
    popping: Popping,
}

impl Taken {
    /// Leaves a backup, for others to find should this process die.
    fn note(&self, host: usize, popping: &Popping) {
        let link = self.hosts.link(host);
        let mut add = cmd("ZADD");
        add.arg(&self.set)
            .arg(score_text(popping.score))
            .arg(self.member(popping));
        let mut keep = cmd("EXPIRE");
        keep.arg(&self.set).arg(self.expiry);
        // They are on their way, and no task waits for them.
        drop((link.send_again(add), link.send_again(keep)));
    }

    /// All but the last so many have been read.
    fn confirm(&self, unread: usize) {
        loop {
            let read = {
                let mut known = self.unread.lock();
                if known.len() <= unread {
                    return;
                }
                known.pop_front()
            };
            if let Some(read) = read {
                self.drop_backup(&read.popping, read.host);
            }
        }
    }

    fn drop_backup(&self, popping: &Popping, host: usize) {
        let mut remove = cmd("ZREM");
        remove.arg(&self.set).arg(self.member(popping));
        drop(self.hosts.link(host).send_again(remove));
    }

    fn put_back(&self, host: usize, popping: &Popping) {
        let link = self.hosts.link(host);
        let mut add = cmd("ZADD");
        add.arg(&self.key)
            .arg(score_text(popping.score))
            .arg(&popping.payload[..]);
        let mut keep = cmd("EXPIRE");
        keep.arg(&self.key).arg(self.expiry);
        drop((link.send_again(add), link.send_again(keep)));
    }

    /// A backup: who has the message, and the message.
    fn member(&self, popping: &Popping) -> Vec<u8> {
        [self.process.as_str().as_bytes(), &popping.payload].concat()
    }
}

impl InboxWatch for Taken {
    fn read(&self, inbox: &Inbox) {
        self.confirm(inbox.len());
        if !self.asked.load(Relaxed) && inbox.has_waiting_reader() {
            self.changed.notify_one();
            self.changed_here.notify_one();
        }
    }
}
