//! The tasks that read what is sent to channels of this process.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use solent_spec::Chain;
use tokio::{sync::Notify, time::sleep};

use super::{pop::Popper, shared::Shared};
use crate::error::LinkError;

/// The most messages that are taken at once.
const AT_ONCE: usize = 128;

/// How long a message is waited for at a time in a cluster.
const WAIT: Duration = Duration::from_secs(10);

/// The keys that a reader reads: one for each prefix that channels are opened with.
#[derive(Default)]
pub(super) struct ReadKeys {
    /// Held for a moment.
    keys: Mutex<Vec<String>>,
    added: Notify,
    /// Whether there are keys that the reader does not know of yet.
    news: AtomicBool,
}

impl ReadKeys {
    /// Keys that will not change.
    pub(super) fn only(key: String) -> Self {
        Self {
            keys: Mutex::new(vec![key]),
            ..Self::default()
        }
    }

    pub(super) fn add(&self, key: String) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(key);
        drop(keys);
        self.news.store(true, Relaxed);
        self.added.notify_one();
    }

    /// The keys, the one after `last` first, so that each gets its turn.
    fn after(&self, last: usize) -> Vec<String> {
        self.news.store(false, Relaxed);
        let mut keys = self
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
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
        link.forget();
        sleep(shared.backoff.wait(failures)).await;
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
    let mut popper = Popper::connect(shared.hosts.link(host)).await?;
    shared.restore(host).await?;
    *failures = 0;
    if was_away {
        tracing::info!(host = %shared.hosts.link(host), "redis is back, messages may have been missed");
        shared.local.gap();
    }
    // Where it is not told that the connection is lost, it looks from time to time.
    let patience = shared.hosts.is_cluster().then_some(WAIT);
    let mut turn = 0_usize;
    loop {
        let popped = popper
            .pop(&keys.after(turn), AT_ONCE, patience, keys.changed())
            .await?;
        turn = turn.wrapping_add(1);
        if let Some(popped) = popped {
            shared.deliver(popped.messages).await;
        }
    }
}
