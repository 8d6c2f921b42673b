//! Bytes in messages: MessagePack's own kind, whatever type a field has in Rust.
//!
//! Serde takes a `Vec<u8>` for a list of numbers. Channels in Python sends `bytes`, which MessagePack tells from a list, and
//! which derived code for `Vec<u8>` refuses. So a message is written with bytes as bytes, and a type that does not take them
//! is shown a list in their place.

use std::convert::identity;

use rmp_serde::{Serializer, config::BytesMode};
use serde::{Serialize, de::DeserializeOwned};

/// The MessagePack of a value; `Vec<u8>`, `&[u8]` and other sequences of `u8` are bytes.
pub(super) fn encode<E: Serialize + ?Sized>(
    event: &E,
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    match encode_as(event, BytesMode::ForceIterables) {
        // A list that begins with a `u8` and goes on with something else, such as an untagged enum.
        Err(rmp_serde::encode::Error::InvalidDataModel(_)) => encode_as(event, BytesMode::Normal),
        encoded => encoded,
    }
}

fn encode_as<E: Serialize + ?Sized>(
    event: &E,
    bytes: BytesMode,
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let mut out = Vec::with_capacity(128);
    let mut serializer = Serializer::new(&mut out)
        .with_struct_map()
        .with_bytes(bytes);
    event.serialize(&mut serializer)?;
    Ok(out)
}

/// Reads a value. Bytes fit types that take bytes, and those that take a list of numbers.
pub(super) fn decode<E: DeserializeOwned>(map: &[u8]) -> Result<E, rmp_serde::decode::Error> {
    let error = match rmp_serde::from_slice(map) {
        Ok(event) => return Ok(event),
        Err(error) => error,
    };
    // A type that takes bytes takes a list as well, so the second look is at lists only. Few messages have bytes.
    match spelled_out(map) {
        Some(lists) => rmp_serde::from_slice(&lists),
        None => Err(error),
    }
}

/// A copy in which all bytes are lists of numbers; `None` if there are no bytes.
///
/// MessagePack is a row of tokens, and what a token is says its first byte, so nesting does not matter here.
fn spelled_out(map: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while at < map.len() {
        let (head, body) = token(&map[at..])?;
        let end = at.checked_add(head)?.checked_add(body)?;
        if matches!(map[at], 0xc4..=0xc6) {
            out.extend_from_slice(&map[copied..at]);
            push_list(&mut out, map.get(at + head..end)?);
            copied = end;
        }
        at = end;
    }
    out.extend_from_slice(map.get(copied..)?);
    (copied > 0).then_some(out)
}

/// How long a token is: its first byte with a length that follows, and what it carries. Lists and maps carry nothing: their
/// items are tokens of their own.
fn token(rest: &[u8]) -> Option<(usize, usize)> {
    let length = |bytes: usize| {
        let bytes = rest.get(1..=bytes)?.iter();
        Some(bytes.fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    Some(match *rest.first()? {
        short @ 0xa0..=0xbf => (1, usize::from(short & 0x1f)),
        0xc4 | 0xd9 => (2, length(1)?),
        0xc5 | 0xda => (3, length(2)?),
        0xc6 | 0xdb => (5, length(4)?),
        // An extension's kind stands before its data.
        0xc7 => (3, length(1)?),
        0xc8 => (4, length(2)?),
        0xc9 => (6, length(4)?),
        0xcc | 0xd0 => (2, 0),
        0xcd | 0xd1 | 0xdc | 0xde => (3, 0),
        0xca | 0xce | 0xd2 | 0xdd | 0xdf => (5, 0),
        0xcb | 0xcf | 0xd3 => (9, 0),
        extension @ 0xd4..=0xd8 => (2, 1 << (extension - 0xd4)),
        _ => (1, 0),
    })
}

fn push_list(out: &mut Vec<u8>, bytes: &[u8]) {
    match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
        (Ok(short @ 0..=15), _) => out.push(0x90 | short),
        (_, Ok(length)) => {
            out.push(0xdc);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0xdd);
            // A token's length has four bytes at most.
            let length = u32::try_from(bytes.len()).map_or(u32::MAX, identity);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    for byte in bytes {
        match byte {
            0..=0x7f => out.push(*byte),
            _ => out.extend_from_slice(&[0xcc, *byte]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// Fields that hold bytes in each way that derived code reads them.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Event {
        #[serde(rename = "file.part")]
        Part {
            plain: Vec<u8>,
            #[serde(with = "serde_bytes")]
            said: Vec<u8>,
            maybe: Option<Vec<u8>>,
            parts: Vec<Vec<u8>>,
            named: BTreeMap<String, Vec<u8>>,
            inner: Inner,
        },
        #[serde(rename = "file.whole")]
        Whole(Inner),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        bytes: Box<[u8]>,
        #[serde(flatten)]
        rest: BTreeMap<String, Vec<u8>>,
    }

    fn inner() -> Inner {
        Inner {
            bytes: vec![255, 0, 127, 128].into(),
            rest: BTreeMap::from([("rest".to_owned(), vec![0; 300])]),
        }
    }

    fn part() -> Event {
        Event::Part {
            plain: vec![1, 200],
            said: vec![0, 255],
            maybe: Some(vec![7; 20]),
            parts: vec![vec![1], vec![2, 3]],
            named: BTreeMap::from([("a".to_owned(), vec![9])]),
            inner: inner(),
        }
    }

    #[test]
    fn bytes_are_bytes_in_both_directions() {
        for event in [part(), Event::Whole(inner())] {
            let encoded = encode(&event).unwrap();

            let value = rmpv::decode::read_value(&mut &encoded[..]).unwrap();
            assert!(
                !format!("{value:?}").contains("Array([Integer"),
                "{value:?}"
            );
            assert_eq!(decode::<Event>(&encoded).unwrap(), event);
        }
    }

    #[test]
    fn lists_of_numbers_still_fit() {
        let event = part();
        let lists = encode_as(&event, BytesMode::Normal).unwrap();

        assert_eq!(decode::<Event>(&lists).unwrap(), event);
    }

    #[test]
    fn list_that_only_begins_with_a_byte_is_a_list() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(untagged)]
        enum Item {
            Small(u8),
            Text(String),
        }
        let map = BTreeMap::from([("items", vec![Item::Small(1), Item::Text("a".into())])]);

        let encoded = encode(&map).unwrap();

        let read: BTreeMap<String, Vec<Item>> = decode(&encoded).unwrap();
        assert_eq!(read["items"], map["items"]);
    }

    #[test]
    fn error_tells_of_the_field_that_does_not_fit() {
        let map = BTreeMap::from([("plain", serde_bytes::Bytes::new(b"\xff"))]);
        let encoded = rmp_serde::to_vec_named(&map).unwrap();

        let error = decode::<BTreeMap<String, String>>(&encoded).unwrap_err();

        assert!(error.to_string().contains("expected a string"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = spelled_out(&bytes);
        }
    }

    #[test]
    fn bytes_of_every_length_survive() {
        for length in [1, 15, 16, 255, 256, 65_535, 65_536] {
            let map = BTreeMap::from([("a", vec![200_u8; length])]);
            let encoded = encode(&map).unwrap();

            let read: BTreeMap<String, Vec<u8>> = decode(&encoded).unwrap();
            assert_eq!(read["a"], map["a"]);
        }
    }
}
