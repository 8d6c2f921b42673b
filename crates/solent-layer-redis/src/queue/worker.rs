//! The tasks that take messages for names that workers listen on.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::future::join_all;
use redis::cmd;
use solent_spec::Chain;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    answer::{bytes, scored},
    listen::Listened,
    pop::{Popped, Popper, Popping},
    shared::Shared,
};
use crate::{error::LinkError, wire::take_channels};

/// How long a message is waited for at a time where the wait cannot be ended early.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// How long a name is left out whose key is something else.
const LEFT_OUT: Duration = Duration::from_secs(5);

/// Takes messages from all hosts.
pub(super) struct Worker {
    shared: Arc<Shared>,
    /// The one name that it takes messages for; all of them, if there is none.
    only: Option<Arc<Listened>>,
    hosts: Vec<Host>,
    /// Which name comes first.
    turn: usize,
    /// Keys that hold something else, and when they are looked at again.
    foreign: HashMap<String, Instant>,
}

/// One host, and the connection that waits there.
struct Host {
    number: usize,
    popper: Option<Popper>,
    failures: u32,
    retry: Instant,
}

/// A message, the name it is for, and the host it comes from.
type Found = (usize, Arc<Listened>, Popping);

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, only: Option<Arc<Listened>>) -> Self {
        let hosts = (0..shared.hosts.links().len()).map(|number| Host {
            number,
            popper: None,
            failures: 0,
            retry: Instant::now(),
        });
        Self {
            hosts: hosts.collect(),
            shared,
            only,
            turn: 0,
            foreign: HashMap::new(),
        }
    }

    /// Works for as long as the layer is there, or the name is listened on.
    pub(super) async fn run(mut self) {
        let listening = Arc::clone(&self.shared.listening);
        while !self.shared.is_closed() {
            let wanted = match &self.only {
                Some(only) if !listening.has(only) => return,
                Some(only) => only
                    .is_wanted()
                    .then(|| Arc::clone(only))
                    .into_iter()
                    .collect(),
                None => listening.wanted(),
            };
            if wanted.is_empty() {
                self.changed().await;
            } else {
                self.work(wanted).await;
            }
        }
    }

    /// A reader waits that did not, or there is nothing to do any more.
    async fn changed(&self) {
        match &self.only {
            Some(only) => only.changed().await,
            None => self.shared.listening.changed.notified().await,
        }
    }

    /// Takes a message, or several, for names that readers wait for.
    async fn work(&mut self, mut wanted: Vec<Arc<Listened>>) {
        self.turn = self.turn.wrapping_add(1);
        self.foreign.retain(|_, until| *until > Instant::now());
        wanted.retain(|listened| !self.foreign.contains_key(&listened.key));
        if wanted.is_empty() {
            let next = self.foreign.values().min().copied();
            return self.rest(next).await;
        }
        let len = wanted.len();
        wanted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        wanted.rotate_left(self.turn % len);
        if self.hosts.len() > 1 {
            for listened in &wanted {
                if self.take_oldest(listened).await {
                    return;
                }
            }
        }
        self.connect().await;
        let mut found = self.wait(&wanted).await;
        // Of several hosts, the one with the older message may have been slower.
        found.sort_by(|(_, _, a), (_, _, b)| a.score.total_cmp(&b.score));
        for (host, listened, popping) in found {
            self.give(host, &listened, popping);
        }
    }

    /// There is nothing that could be waited for until then.
    async fn rest(&self, until: Option<Instant>) {
        let until = until.unwrap_or_else(Instant::now);
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.changed() => {}
        }
    }

    /// Leaves out names whose keys hold something else: one of them would fail the wait for all.
    async fn find_foreign(&mut self, host: usize, wanted: &[Arc<Listened>]) {
        let link = self.shared.hosts.link(host);
        for listened in wanted {
            let mut kind = cmd("TYPE");
            kind.arg(&listened.key);
            let kind = link.send_again(kind).await;
            let kind = kind.as_ref().ok().and_then(bytes);
            if matches!(kind, Some(b"zset" | b"none") | None) {
                continue;
            }
            tracing::warn!(host = %link, channel = %listened.name, "the key of a channel is no queue, nothing is read from it");
            let until = Instant::now() + LEFT_OUT;
            self.foreign.insert(listened.key.clone(), until);
        }
    }

    /// Takes the oldest message on any host, if there is one.
    async fn take_oldest(&self, listened: &Arc<Listened>) -> bool {
        let asked: Vec<_> = self
            .hosts
            .iter()
            .filter(|host| host.popper.is_some())
            .map(|host| {
                let mut first = cmd("ZRANGE");
                first.arg(&listened.key).arg(0).arg(0).arg("WITHSCORES");
                let link = self.shared.hosts.link(host.number);
                (host.number, link.send_again(first))
            })
            .collect();
        let mut oldest: Option<(usize, f64)> = None;
        for (host, reply) in asked {
            let first = reply.await.map(scored).unwrap_or_default();
            if let Some((_, score)) = first.first()
                && oldest.is_none_or(|(_, oldest)| *score < oldest)
            {
                oldest = Some((host, *score));
            }
        }
        let Some((host, _)) = oldest else {
            return false;
        };
        let mut pop = cmd("ZPOPMIN");
        pop.arg(&listened.key);
        // What is taken by a command whose answer does not come is lost.
        let popped = self.shared.hosts.link(host).send(pop).await;
        let Ok(popped) = popped.map(scored) else {
            return false;
        };
        for (payload, score) in popped {
            let payload = payload.into();
            self.give(host, listened, Popping { score, payload });
        }
        true
    }

    /// Connects to hosts that are not connected to, if it is time.
    async fn connect(&mut self) {
        let shared = &self.shared;
        let connecting = self.hosts.iter_mut().map(|host| async {
            if host.popper.is_some() || host.retry > Instant::now() {
                return;
            }
            match shared.popper(host.number).await {
                Ok(popper) => {
                    host.popper = Some(popper);
                    if host.failures > 0 {
                        tracing::info!(
                            host = %shared.hosts.link(host.number),
                            "redis is back, messages may have been missed"
                        );
                        shared.listening.gap();
                    }
                }
                Err(error) => host.failed(shared, &error),
            }
        });
        join_all(connecting).await;
    }

    /// Waits for a message on any host, until a name is wanted that was not.
    async fn wait(&mut self, wanted: &[Arc<Listened>]) -> Vec<Found> {
        let shared = Arc::clone(&self.shared);
        let keys: Vec<_> = wanted.iter().map(|listened| listened.key.clone()).collect();
        let patience = if shared.hosts.is_cluster() {
            SHORT_WAIT.min(shared.heartbeat)
        } else {
            shared.heartbeat
        };
        let stop = watch::Sender::new(false);
        let connected = self
            .hosts
            .iter()
            .filter(|host| host.popper.is_some())
            .count();
        let retry = self.hosts.iter().filter(|host| host.popper.is_none());
        let retry = retry.map(|host| host.retry).min();
        let only = self.only.clone();
        let changed = async {
            match only {
                // It cannot be interrupted, nor need it be: it waits for its name.
                Some(_) => std::future::pending().await,
                None => shared.listening.changed.notified().await,
            }
        };
        // The host that has a key that is something else.
        let foreign = AtomicUsize::new(usize::MAX);
        let waiting = self.hosts.iter_mut().map(|host| async {
            let number = host.number;
            let popper = host.popper.as_mut()?;
            let mut stopped = stop.subscribe();
            let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
            let popped = popper.pop(&keys, 1, patience, stopped).await;
            stop.send_replace(true);
            match popped {
                Ok(popped) => {
                    host.failures = 0;
                    popped.map(|popped| (number, popped))
                }
                Err(error) => {
                    if error.is_wrong_type() {
                        foreign.store(number, Relaxed);
                    }
                    host.failed(&shared, &error);
                    None
                }
            }
        });
        let popped = {
            let waiting = join_all(waiting);
            tokio::pin!(waiting);
            let until_retry = async {
                match retry {
                    Some(retry) => sleep_until(retry).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                popped = &mut waiting, if connected > 0 => popped,
                () = until_retry => {
                    stop.send_replace(true);
                    waiting.await
                }
                () = changed => {
                    stop.send_replace(true);
                    waiting.await
                }
            }
        };
        let foreign = foreign.into_inner();
        if foreign < self.hosts.len() {
            self.find_foreign(foreign, wanted).await;
        }
        let popped = popped.into_iter().flatten();
        popped
            .flat_map(|(host, popped)| found(host, popped, wanted))
            .collect()
    }

    /// Gives a message to a reader, or puts it back.
    fn give(&self, host: usize, listened: &Listened, popping: Popping) {
        let Some(message) = self.shared.read(popping.clone()) else {
            return;
        };
        // A group's message says that this name is a member.
        let (message, _) = take_channels(message);
        let listening = &self.shared.listening;
        if let Err(popping) = listening.give(listened, host, popping, &message) {
            listening.put_back(listened, host, &popping);
        }
    }
}

impl Shared {
    /// A connection to take messages over.
    ///
    /// Before the first one is taken, the host knows that this process lives: its backup would else be found by another process, which
    /// would think that its taker has died, and the message would be delivered twice.
    async fn popper(&self, host: usize) -> Result<Popper, LinkError> {
        self.introduce(host).await?;
        Popper::connect(self.hosts.link(host), self.heartbeat).await
    }
}

impl Host {
    fn failed(&mut self, shared: &Shared, error: &LinkError) {
        if self.failures == 0 {
            tracing::warn!(
                error = %Chain(error),
                host = %shared.hosts.link(self.number),
                "redis cannot be read from"
            );
        }
        self.popper = None;
        let link = shared.hosts.link(self.number);
        if error.is_elsewhere() {
            link.leave();
        } else {
            link.forget();
        }
        self.retry = Instant::now() + shared.backoff.wait(self.failures);
        self.failures = self.failures.saturating_add(1);
    }
}

fn found(host: usize, popped: Popped, wanted: &[Arc<Listened>]) -> Vec<Found> {
    let Popped { key, messages } = popped;
    let Some(listened) = wanted.iter().find(|name| name.key.as_bytes() == key) else {
        return Vec::new();
    };
    let messages = messages.into_iter();
    messages
        .map(|popping| (host, Arc::clone(listened), popping))
        .collect()
}
