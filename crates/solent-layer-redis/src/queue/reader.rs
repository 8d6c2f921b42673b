//! The tasks that read what is sent to channels of this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use redis::cmd;
use solent_spec::Chain;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use super::{answer::bytes, pop::Popper, shared::Shared};
use crate::{error::LinkError, link::Patience};

/// The most messages that are taken at once.
const AT_ONCE: usize = 128;

/// How long a message is waited for at first.
const FIRST: Duration = Duration::from_millis(10);

/// The keys that a reader reads: one for each prefix that channels are opened with.
pub(super) struct ReadKeys {
    /// Held for a moment.
    keys: Mutex<Vec<String>>,
    added: Notify,
    /// Whether there are keys that the reader does not know of yet.
    news: AtomicBool,
    /// Whether what is sent arrives. Written by the reader.
    reading: watch::Sender<Reading>,
}

#[derive(Clone, Debug)]
enum Reading {
    Beginning,
    /// There is a connection, over which Redis answers.
    Connected,
    Live,
    Failed(LinkError),
}

impl Reading {
    /// Whether waiting changes nothing.
    fn is_settled(&self) -> bool {
        match self {
            Self::Beginning | Self::Connected => false,
            Self::Live => true,
            Self::Failed(error) => !error.is_away(),
        }
    }
}

impl ReadKeys {
    /// Keys, the first of which is this one.
    pub(super) fn first(key: String) -> Self {
        Self {
            keys: Mutex::new(vec![key]),
            added: Notify::new(),
            news: AtomicBool::new(false),
            reading: watch::Sender::new(Reading::Beginning),
        }
    }

    /// Resolves when what is sent arrives here.
    ///
    /// # Errors
    ///
    /// Redis has been away for that long, or refuses.
    pub(super) async fn live(&self, patience: Patience) -> Result<(), LinkError> {
        let begun = Instant::now();
        let mut reading = self.reading.subscribe();
        let settled = reading.wait_for(Reading::is_settled);
        let in_time = timeout(patience.connection, settled).await.is_ok();
        if !in_time && matches!(*self.reading.borrow(), Reading::Connected) {
            // A Redis that is slow is not away.
            let answered = reading.wait_for(|reading| !matches!(reading, Reading::Connected));
            drop(timeout(patience.answer, answered).await);
        }
        let reading = self.reading.borrow().clone();
        match reading {
            Reading::Live => Ok(()),
            Reading::Failed(LinkError::Away { cause, .. }) => Err(LinkError::Away {
                waited: begun.elapsed(),
                cause,
            }),
            Reading::Failed(error) => Err(error),
            Reading::Beginning | Reading::Connected => Err(LinkError::Away {
                waited: begun.elapsed(),
                cause: None,
            }),
        }
    }

    /// Why nothing will ever be read, if Redis has said so.
    pub(super) fn refusal(&self) -> Result<(), LinkError> {
        match &*self.reading.borrow() {
            Reading::Failed(error) if !error.is_away() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    pub(super) fn add(&self, key: String) {
        let mut keys = self.keys.lock();
        keys.push(key);
        drop(keys);
        self.news.store(true, Relaxed);
        self.added.notify_one();
    }

    /// The keys, the one after `last` first, so that each gets its turn.
    fn after(&self, last: usize) -> Vec<String> {
        self.news.store(false, Relaxed);
        let mut keys = self.keys.lock().clone();
        if !keys.is_empty() {
            let len = keys.len();
            keys.rotate_left(last % len);
        }
        keys
    }

    async fn changed(&self) {
        while !self.news.load(Relaxed) {
            self.added.notified().await;
        }
    }
}

/// Reads from one host, for as long as the layer is there.
pub(super) async fn read(shared: Arc<Shared>, host: usize, keys: Arc<ReadKeys>) {
    let mut failures = 0;
    let mut was_away = false;
    while !shared.is_closed() {
        let Err(error) = read_on(&shared, host, &keys, &mut failures, was_away).await else {
            return;
        };
        let link = shared.hosts.link(host);
        if failures == 0 {
            tracing::warn!(
                error = %Chain(&error),
                host = %link,
                "redis cannot be read from"
            );
        }
        was_away = true;
        if error.is_elsewhere() {
            link.leave();
        } else {
            link.forget();
        }
        if error.is_wrong_type() {
            shared.remove_foreign(host, &keys).await;
        }
        keys.reading.send_replace(Reading::Failed(error));
        link.pause(&shared.backoff, failures).await;
        failures = failures.saturating_add(1);
    }
}

/// Reads until the connection breaks.
async fn read_on(
    shared: &Shared,
    host: usize,
    keys: &ReadKeys,
    failures: &mut u32,
    was_away: bool,
) -> Result<(), LinkError> {
    let link = shared.hosts.link(host);
    let connection = link.waiting().await?;
    keys.reading.send_replace(Reading::Connected);
    let mut popper = Popper::over(connection, link, shared.heartbeat).await?;
    shared.restore(host).await?;
    if was_away {
        tracing::info!(host = %link, "redis is back, messages may have been missed");
        shared.local.gap();
    }
    let mut turn = 0_usize;
    loop {
        // The first wait is short: its end shows that the keys can be read.
        let patience = if turn == 0 { FIRST } else { shared.heartbeat };
        let popped = popper
            .pop(&keys.after(turn), AT_ONCE, patience, keys.changed())
            .await?;
        if turn == 0 {
            *failures = 0;
            keys.reading.send_replace(Reading::Live);
        }
        turn = turn.wrapping_add(1).max(1);
        if let Some(popped) = popped {
            shared.deliver(popped.messages).await;
        }
    }
}

impl Shared {
    /// Removes what stands in the place of this process's own keys and is no queue: no other process can need it.
    async fn remove_foreign(&self, host: usize, keys: &ReadKeys) {
        let link = self.hosts.link(host);
        for key in keys.after(0) {
            let mut kind = cmd("TYPE");
            kind.arg(&key);
            let Ok(kind) = link.send_again(kind).await else {
                return;
            };
            if matches!(bytes(&kind), Some(b"zset" | b"none") | None) {
                continue;
            }
            tracing::warn!(host = %link, key, "a key of this process was overwritten and is removed");
            let mut remove = cmd("UNLINK");
            remove.arg(&key);
            drop(link.send_again(remove).await);
        }
    }
}
