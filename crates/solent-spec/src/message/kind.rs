//! The type of an encoded message.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::DecodeError;

/// Nested further, a message is refused. Each level costs a reader some of its stack.
const MAX_DEPTH: usize = 128;

/// Reads the value of a map's `type`. Walks over the whole map, so that what is stored is known to be one.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Box<str>>, DecodeError> {
    // A map of up to 15 entries, or one with a 16 or 32 bit length.
    if !matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(DecodeError::not_a_map());
    }
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(MAX_DEPTH);
    let Kind(kind) = Kind::deserialize(&mut deserializer).map_err(DecodeError::shape)?;
    if !rest.is_empty() {
        return Err(DecodeError::not_a_map());
    }
    Ok(kind)
}

/// What is at the key `type`. Written by hand, since derived code takes a key 0 for the name of its first field.
struct Kind(Option<Box<str>>);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with string keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut kind = None;
        let mut found = false;
        while let Some(Key { is_type }) = map.next_key()? {
            if !is_type {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if found {
                return Err(de::Error::duplicate_field("type"));
            }
            found = true;
            kind = map.next_value()?;
        }
        Ok(Kind(kind))
    }
}

/// A key, of which only one matters.
struct Key {
    is_type: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string as the key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
        let is_type = key == "type";
        Ok(Key { is_type })
    }
}
