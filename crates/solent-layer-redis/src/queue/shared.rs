//! What all parts of the layer share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use solent_layer::{Capacities, Claim, InboxSettings, LayerError, Local};
use tokio::{sync::Notify, time::Instant};

use super::{
    deliver::Resolved, hosts::Hosts, joining::Joining, leave::Leaving, listen::Listening,
    members::MemberLists, process::Processes, recover::Backups,
};
use crate::{
    Backoff, ConfigError, RedisConfig,
    link::{Evictions, Link, Patience},
    unreadable::Unreadable,
    wire::{Cipher, Clock, Keys, Payloads, ProcessId},
};

/// How much longer than a message lives its encryption is accepted, as in Python.
const CIPHER_GRACE: Duration = Duration::from_secs(10);

/// How long after a flush messages from before it may still arrive.
const FLUSH_ECHO: Duration = Duration::from_secs(1);

pub(super) struct Shared {
    pub(super) hosts: Arc<Hosts>,
    pub(super) local: Local,
    pub(super) leaving: Arc<Leaving>,
    pub(super) listening: Arc<Listening>,
    pub(super) payloads: Payloads,
    pub(super) unreadable: Unreadable,
    pub(super) clock: Clock,
    pub(super) process: ProcessId,
    pub(super) processes: Processes,
    evictions: Evictions,
    pub(super) members: MemberLists,
    pub(super) resolved: Resolved,
    pub(super) backups: Backups,
    pub(super) capacities: Capacities,
    pub(super) expiry: Duration,
    pub(super) group_expiry: Duration,
    pub(super) backoff: Backoff,
    pub(super) patience: Patience,
    pub(super) heartbeat: Duration,
    pub(super) renewal: Duration,
    pub(super) joining: Joining,
    /// Something wants to be looked after soon.
    pub(super) upkeep: Notify,
    /// The last flush, as a score and a time. Held for a moment.
    flushed: Mutex<Option<(f64, Instant)>>,
    closed: AtomicBool,
}

impl Shared {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let hosts = Arc::new(Hosts::new(config)?);
        let leaving = Arc::new(Leaving::default());
        let local = Local::watched(config.local(), Arc::clone(&leaving) as _);
        let process = ProcessId::new();
        let settings = InboxSettings::new(config.expiry, config.policy, Arc::clone(local.drops()));
        let secrets = config.encryption_keys.iter().map(|key| key.expose());
        let max_age = config.expiry + CIPHER_GRACE;
        Ok(Self {
            listening: Arc::new(Listening::new(
                Arc::clone(&hosts),
                process.clone(),
                Arc::new(settings),
                config.capacities.clone(),
            )),
            processes: Processes::new(config.hosts.len(), config.renewal),
            unreadable: Unreadable::default(),
            evictions: Evictions::new(config.hosts.len()),
            payloads: Payloads::new(
                Arc::clone(&config.serializer),
                Cipher::new(secrets, Some(max_age)),
                config.random_prefix,
            ),
            hosts,
            leaving,
            local,
            process,
            clock: Clock::new(),
            members: MemberLists::default(),
            resolved: Resolved::default(),
            backups: Backups::default(),
            capacities: config.capacities.clone(),
            expiry: config.expiry,
            group_expiry: config.group_expiry,
            backoff: config.backoff,
            patience: Patience::new(config),
            heartbeat: config.heartbeat,
            renewal: config.renewal,
            joining: Joining::default(),
            upkeep: Notify::new(),
            flushed: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// # Errors
    ///
    /// The layer is closed.
    pub(super) fn open(&self) -> Result<(), LayerError> {
        if self.is_closed() {
            Err(LayerError::Closed)
        } else {
            Ok(())
        }
    }

    /// Where a lease is kept, and the keys there.
    ///
    /// # Errors
    ///
    /// The layer is closed.
    pub(super) fn leases(&self, claim: &Claim) -> Result<(&Link, &Keys), LayerError> {
        self.open()?;
        let host = self.hosts.of_group(claim.name());
        Ok((self.hosts.link(host), &self.hosts.keys))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Warns once for each host that may remove keys of this layer.
    pub(super) async fn warn_of_eviction(&self, host: usize) {
        let link = self.hosts.link(host);
        self.evictions.warn(host, link, "groups and messages").await;
    }

    /// Closes what is in this process. Tells whether it was open.
    pub(super) fn end(&self) -> bool {
        let first = !self.closed.swap(true, Relaxed);
        self.local.close();
        self.listening.close();
        self.upkeep.notify_one();
        first
    }

    /// Whether a message of this score is too old to be read.
    pub(super) fn is_expired(&self, score: f64) -> bool {
        score < unix_now() - self.expiry.as_secs_f64()
    }

    /// Messages up to now are forgotten, those on their way, too.
    pub(super) fn note_flush(&self) {
        *self.flushed.lock() = Some((self.clock.next(), Instant::now()));
    }

    /// Whether a message that arrives now was sent before a flush.
    pub(super) fn is_flushed(&self, score: f64) -> bool {
        let mut flushed = self.flushed.lock();
        flushed.take_if(|(_, at)| at.elapsed() > FLUSH_ECHO);
        flushed.is_some_and(|(last, _)| score <= last)
    }
}

/// Seconds since 1970.
pub(super) fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
