//! The tasks of a layer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use solent_layer::ChannelName;
use tokio::{task::JoinSet, time::timeout};

use super::{
    leave::leave,
    listen::Listened,
    reader::{ReadKeys, read},
    shared::Shared,
    upkeep::keep_up,
    worker::Worker,
};

/// How long tasks may take to end by themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tasks of a layer. They end with this.
#[derive(Default)]
pub(super) struct Tasks(Mutex<State>);

#[derive(Default)]
struct State {
    /// Readers and upkeep, which may end at any moment.
    readers: JoinSet<()>,
    /// Workers, which may have a message in hand.
    workers: JoinSet<()>,
    /// The keys of the readers of each host, once there is one.
    keys: Vec<Arc<ReadKeys>>,
    /// The keys that are read, each with the reader that was made for it, if one was.
    known: HashMap<String, Option<Arc<ReadKeys>>>,
    upkeep: bool,
}

impl Tasks {
    /// Sees to it that what is sent to a channel of this process is read. Returns who reads it: for each host, or the one of
    /// a cluster.
    pub(super) fn read(&self, shared: &Arc<Shared>, channel: &ChannelName) -> Vec<Arc<ReadKeys>> {
        let key = shared.hosts.keys.channel(channel);
        let mut guard = self.0.lock();
        let state = &mut *guard;
        if shared.is_closed() {
            return Vec::new();
        }
        let new = match state.known.entry(key.clone()) {
            Entry::Occupied(known) => match known.get() {
                Some(only) => return vec![Arc::clone(only)],
                None => return state.keys.clone(),
            },
            Entry::Vacant(new) => new,
        };
        let keys = Arc::new(ReadKeys::first(key.clone()));
        if shared.hosts.is_cluster() {
            // A command that waits has the keys of one node.
            new.insert(Some(Arc::clone(&keys)));
            state.keep_up(shared);
            let reading = read(Arc::clone(shared), 0, Arc::clone(&keys));
            state.readers.spawn(reading);
            return vec![keys];
        }
        new.insert(None);
        if state.keys.is_empty() {
            // On all hosts: senders in Python take another than the receiver.
            state.keep_up(shared);
            for host in 0..shared.hosts.links().len() {
                let keys = Arc::new(ReadKeys::first(key.clone()));
                state.keys.push(Arc::clone(&keys));
                state.readers.spawn(read(Arc::clone(shared), host, keys));
            }
        } else {
            for keys in &state.keys {
                keys.add(key.clone());
            }
        }
        state.keys.clone()
    }

    /// Sees to it that messages are taken for a name.
    pub(super) fn work(&self, shared: &Arc<Shared>, listened: Arc<Listened>) {
        let mut guard = self.0.lock();
        let state = &mut *guard;
        if shared.is_closed() {
            return;
        }
        state.keep_up(shared);
        // What has ended is forgotten.
        while state.workers.try_join_next().is_some() {}
        if shared.hosts.is_cluster() {
            let worker = Worker::new(Arc::clone(shared), Some(listened));
            state.workers.spawn(worker.run());
        } else if state.workers.is_empty() {
            let worker = Worker::new(Arc::clone(shared), None);
            state.workers.spawn(worker.run());
        }
    }

    /// The keys of this process, if it ever had channels.
    pub(super) fn known_keys(&self) -> Vec<String> {
        self.0.lock().known.keys().cloned().collect()
    }

    /// Whether there ever was a task.
    pub(super) fn has_begun(&self) -> bool {
        self.0.lock().upkeep
    }

    /// Ends all tasks, and waits for them. The layer is closed.
    pub(super) async fn end(&self) {
        let (mut readers, mut workers) = {
            let mut state = self.0.lock();
            (
                std::mem::take(&mut state.readers),
                std::mem::take(&mut state.workers),
            )
        };
        readers.shutdown().await;
        let ended = async { while workers.join_next().await.is_some() {} };
        if timeout(PATIENCE, ended).await.is_err() {
            workers.shutdown().await;
        }
    }
}

impl State {
    fn keep_up(&mut self, shared: &Arc<Shared>) {
        if !self.upkeep {
            self.upkeep = true;
            self.readers.spawn(keep_up(Arc::clone(shared)));
            self.readers.spawn(leave(Arc::clone(shared)));
        }
    }
}
