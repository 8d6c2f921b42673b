//! Events on their way to a consumer.

use std::{
    any::{Any, type_name},
    fmt, mem, ptr,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};
use solent_spec::websocket::SharedFrame;

/// What a consumer can receive from channel layers, timers and handles: an enum with `#[serde(tag = "type")]`, mostly.
///
/// Implemented for every type that fits.
pub trait ConsumerEvent: DeserializeOwned + Send + Sync + 'static {}

impl<E: DeserializeOwned + Send + Sync + 'static> ConsumerEvent for E {}

/// The events of a consumer that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "it has no variants and never will")]
pub enum NoEvents {}

impl<'de> Deserialize<'de> for NoEvents {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("consumer has no events"))
    }
}

/// An event as the consumers of a process share it: decoded once, and made JSON once if they pass it or a part of it on.
pub(crate) struct Shared<E> {
    event: E,
    /// What the first consumer sent of it to its client, as a text message of JSON.
    json: OnceLock<(Value, SharedFrame)>,
}

impl<E> Shared<E> {
    pub(crate) fn new(event: E) -> Self {
        Self {
            event,
            json: OnceLock::new(),
        }
    }

    pub(crate) fn event(&self) -> &E {
        &self.event
    }
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Shared<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        E::deserialize(deserializer).map(Self::new)
    }
}

/// A [`Shared`] event whose type is forgotten.
pub(crate) trait Delivered: Any + Send + Sync {
    /// Whether `value` is the event itself or a part of it, and not merely equal to it.
    fn holds(&self, value: Value) -> bool;

    /// Where the JSON of it, or of a part of it, is kept.
    fn json(&self) -> &OnceLock<(Value, SharedFrame)>;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<E: Send + Sync + 'static> Delivered for Shared<E> {
    fn holds(&self, value: Value) -> bool {
        let event = Value::of(&self.event);
        value.place >= event.place && value.place + value.size <= event.place + event.size
    }

    fn json(&self) -> &OnceLock<(Value, SharedFrame)> {
        &self.json
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// What tells one value in memory from every other.
///
/// The place alone does not: a struct begins where its first field does. Type names are not promised to be unique, but
/// for two values to be confused here, two types with one path and one size would have to begin at the same place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    place: usize,
    size: usize,
    type_name: &'static str,
}

impl Value {
    pub(crate) fn of<T: ?Sized>(value: &T) -> Self {
        Self {
            place: ptr::from_ref(value).cast::<()>().addr(),
            size: mem::size_of_val(value),
            type_name: type_name::<T>(),
        }
    }
}

impl<E> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents may be private; the type is not.
        write!(f, "Shared<{}>", type_name::<E>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_not_confused_with_its_first_field_or_its_equal() {
        struct Outer(u64, u64);
        let shared = Shared::new(Outer(1, 1));
        let outer = Value::of(&shared.event);

        assert!(shared.holds(outer));
        for part in [&shared.event.0, &shared.event.1] {
            assert!(shared.holds(Value::of(part)));
            assert!(Value::of(part) != outer);
        }
        assert!(Value::of(&shared.event.0) != Value::of(&shared.event.1));
        assert!(!shared.holds(Value::of(&Outer(1, 1))));
        assert!(!shared.holds(Value::of(&1_u64)));
    }
}
