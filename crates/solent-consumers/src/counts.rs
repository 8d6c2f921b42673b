//! What became of an application's connections.

use std::{
    any::type_name,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::de::DeserializeOwned;
use solent_layer::Gap;
use solent_spec::Message;

/// What an application of consumers counts, since it was made.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ConsumerCounts {
    unknown_events: Counter,
    failed: Counter,
    panicked: Counter,
    overflowed: Counter,
    abandoned: Counter,
    missed: Counter,
}

impl ConsumerCounts {
    /// Messages that were not of the consumer's event type, and were dropped.
    pub fn unknown_events(&self) -> u64 {
        self.unknown_events.get()
    }

    /// Handlers that ended with an error, except those that only tell that the client is gone.
    pub fn failed(&self) -> u64 {
        self.failed.get()
    }

    /// Handlers that panicked.
    pub fn panicked(&self) -> u64 {
        self.panicked.get()
    }

    /// Connections that were closed because their mailbox was full.
    pub fn overflowed(&self) -> u64 {
        self.overflowed.get()
    }

    /// `disconnect` handlers that were given up at their deadline, or since their runtime had ended.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.get()
    }

    /// Events and ready frames that consumers were told they have missed, since they or their clients were too slow: the sum
    /// of [`Gap::lost`].
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// Counts what a consumer is told it has missed.
    pub(crate) fn count_missed(&self, gap: Gap) {
        self.missed.0.fetch_add(gap.lost, Relaxed);
    }

    /// Counts and logs a message that is not an `E`.
    pub(crate) fn unknown_event<E: DeserializeOwned>(&self, message: &Message) {
        self.count(Counted::UnknownEvent);
        if !tracing::enabled!(target: "solent::consumers", tracing::Level::WARN) {
            return;
        }
        let mismatch = message.mismatch::<E>();
        tracing::warn!(
            target: "solent::consumers",
            kind = message.kind(),
            expected = type_name::<E>(),
            field = mismatch.field(),
            reason = mismatch.reason(),
            "message dropped, it is not one of the consumer's events"
        );
    }

    pub(crate) fn count(&self, what: Counted) {
        let counter = match what {
            Counted::UnknownEvent => &self.unknown_events,
            Counted::Failed => &self.failed,
            Counted::Panicked => &self.panicked,
            Counted::Overflowed => &self.overflowed,
            Counted::Abandoned => &self.abandoned,
        };
        counter.0.fetch_add(1, Relaxed);
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Counted {
    UnknownEvent,
    Failed,
    Panicked,
    Overflowed,
    Abandoned,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
