//! Events on their way to a consumer.

use std::{
    any::{TypeId, type_name},
    fmt, mem, ptr,
    sync::OnceLock,
};

use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};
use serde_json::Error as JsonError;
use solent_spec::websocket::{Frame, SharedFrame};

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
    json: OnceLock<(Part, SharedFrame)>,
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

impl<E: 'static> Shared<E> {
    /// The JSON of `value`, made once for all consumers that handle this event. `None` if `value` is neither the event nor a part of
    /// it, or if another consumer was first, with another part.
    pub(crate) fn json_of<T: Serialize + ?Sized + 'static>(
        &self,
        value: &T,
    ) -> Result<Option<SharedFrame>, JsonError> {
        let part = Part::of(value);
        if !Part::of(&self.event).contains(part) {
            return Ok(None);
        }
        if self.json.get().is_none() {
            let made = SharedFrame::new(Frame::from_json(value)?);
            // Another consumer may have been first.
            let _ = self.json.set((part, made));
        }
        let kept = self.json.get().filter(|(of, _)| *of == part);
        Ok(kept.map(|(_, frame)| frame.clone()))
    }
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Shared<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        E::deserialize(deserializer).map(Self::new)
    }
}

/// One value in memory: an event, or a part of one.
///
/// The address alone does not name it, because a struct begins where its first field does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    place: usize,
    size: usize,
    kind: TypeId,
}

impl Part {
    pub(crate) fn of<T: ?Sized + 'static>(value: &T) -> Self {
        Self {
            place: ptr::from_ref(value).cast::<()>().addr(),
            size: mem::size_of_val(value),
            kind: TypeId::of::<T>(),
        }
    }

    fn contains(self, part: Self) -> bool {
        part.place >= self.place && part.place + part.size <= self.place + self.size
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

    #[derive(Serialize)]
    struct Outer(u64, u64);

    fn json(shared: &Shared<Outer>, value: &(impl Serialize + 'static)) -> Option<SharedFrame> {
        shared.json_of(value).unwrap()
    }

    #[test]
    fn event_is_not_confused_with_its_first_field_or_its_equal() {
        let shared = Shared::new(Outer(1, 1));

        let whole = json(&shared, &shared.event).unwrap();

        assert_eq!(whole.frame().as_text(), Some("[1,1]"));
        assert!(json(&shared, &shared.event).is_some());
        assert!(json(&shared, &shared.event.0).is_none());
        assert!(json(&shared, &Outer(1, 1)).is_none());
    }

    #[test]
    fn part_is_not_confused_with_its_equal() {
        let shared = Shared::new(Outer(1, 1));

        let part = json(&shared, &shared.event.0).unwrap();

        assert_eq!(part.frame().as_text(), Some("1"));
        assert!(json(&shared, &shared.event.1).is_none());
        assert!(json(&shared, &1_u64).is_none());
    }
}
