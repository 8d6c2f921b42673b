//! Which processes live.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use redis::cmd;
use tokio::time::Instant;

use super::{answer::number, shared::Shared};
use crate::error::LinkError;

/// A process counts as alive for so many renewals without having said so.
const LEASE: u32 = 3;

/// The most processes that are remembered.
const MOST: usize = 1024;

/// The processes that were alive a moment ago. For one renewal they are not asked again.
///
/// That one is dead is never remembered: it may only have been cut off, and joins its groups again when it is back.
pub(super) struct Processes {
    /// When each was last known to live. Held for a moment.
    alive: Mutex<HashMap<Arc<str>, Instant>>,
    trust: Duration,
    /// Whether each host has been told that this process lives.
    told: Box<[AtomicBool]>,
}

impl Processes {
    pub(super) fn new(hosts: usize, trust: Duration) -> Self {
        Self {
            alive: Mutex::default(),
            trust,
            told: (0..hosts).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    fn is_alive(&self, process: &str, now: Instant) -> bool {
        let alive = self.alive.lock();
        let since = alive.get(process);
        since.is_some_and(|since| now.saturating_duration_since(*since) < self.trust)
    }

    fn note_alive(&self, process: &str, now: Instant) {
        let mut alive = self.alive.lock();
        if alive.len() >= MOST {
            alive.retain(|_, since| now.saturating_duration_since(*since) < self.trust);
        }
        if alive.len() < MOST {
            alive.insert(process.into(), now);
        }
    }
}

impl Shared {
    /// Which of these processes do not live, as a host knows.
    pub(super) async fn dead<'a>(
        &self,
        host: usize,
        processes: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<&'a str>, LinkError> {
        let now = Instant::now();
        let mut asked = Vec::new();
        for process in processes {
            if process != self.process.as_str() && !self.processes.is_alive(process, now) {
                let mut exists = cmd("EXISTS");
                exists.arg(self.hosts.lease(process));
                asked.push((process, self.hosts.link(host).send_again(exists)));
            }
        }
        let mut dead = Vec::new();
        for (process, reply) in asked {
            if number(&reply.await?) == Some(0) {
                dead.push(process);
            } else {
                self.processes.note_alive(process, now);
            }
        }
        Ok(dead)
    }

    /// How long this process counts as alive without having said so.
    pub(super) fn lease(&self) -> Duration {
        self.renewal.saturating_mul(LEASE)
    }

    /// Says that this process lives.
    pub(super) async fn live(&self, host: usize) -> Result<(), LinkError> {
        let mut set = cmd("SET");
        set.arg(self.hosts.lease(self.process.as_str()))
            .arg(1)
            .arg("EX")
            .arg(self.lease().as_secs());
        self.hosts.link(host).send_again(set).await?;
        self.processes.told[host].store(true, Relaxed);
        Ok(())
    }

    /// Says that this process lives if a host has never heard of it, before it hears of its channels.
    pub(super) async fn introduce(&self, host: usize) -> Result<(), LinkError> {
        if self.processes.told[host].load(Relaxed) {
            return Ok(());
        }
        self.live(host).await
    }

    /// Says again that this process lives. Tells whether the host still knew.
    pub(super) async fn live_on(&self, host: usize) -> Result<bool, LinkError> {
        let mut expire = cmd("EXPIRE");
        expire
            .arg(self.hosts.lease(self.process.as_str()))
            .arg(self.lease().as_secs());
        let known = self.hosts.link(host).send_again(expire).await?;
        Ok(number(&known) == Some(1))
    }
}
