use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use rmpv::Value;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use solent_spec::{Message, websocket::Frame};

/// What may be in a message: ASGI's types, nested.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Binary),
        (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(kind, data)| Value::Ext(kind, data)),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..20).prop_map(Value::Map),
        ]
    })
}

fn encoded(map: &Value) -> Bytes {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, map).unwrap();
    bytes.into()
}

fn map(entries: impl IntoIterator<Item = (Value, Value)>) -> Bytes {
    encoded(&Value::Map(entries.into_iter().collect()))
}

proptest! {
    #[test]
    fn map_of_anything_keeps_its_bytes_and_tells_its_type(
        kind in prop::option::of("[a-z.]{0,20}"),
        entries in prop::collection::btree_map("[A-Z]{1,40}", any_value(), 0..20),
    ) {
        let mut map: Vec<_> = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        if let Some(kind) = &kind {
            map.insert(map.len() / 2, ("type".into(), kind.as_str().into()));
        }
        let bytes = encoded(&Value::Map(map));

        let message = Message::from_encoded(bytes.clone()).unwrap();

        prop_assert_eq!(message.kind(), kind.as_deref());
        prop_assert_eq!(message.encoded(), &bytes);
        prop_assert_eq!(&Message::from_encoded(bytes).unwrap(), &message);
    }

    #[test]
    fn arbitrary_bytes_are_a_message_or_an_error(
        mut bytes in prop::collection::vec(any::<u8>(), 0..64),
        head in prop::option::of(0x80_u8..=0x8f),
    ) {
        if let Some(head) = head {
            bytes.insert(0, head);
        }
        if let Ok(message) = Message::from_encoded(bytes.into()) {
            let _ = message.ready_frame();
            let _ = message.decode::<Event>();
            prop_assert!(rmpv::decode::read_value(&mut &message.encoded()[..]).unwrap().is_map());
        }
    }

    #[test]
    fn damaged_message_is_another_message_or_an_error(
        text: String,
        at: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let message = Message::encode(&Event::Said { text, numbers: vec![1.5, -2.0] }).unwrap();
        let mut bytes = message.encoded().to_vec();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(Message::from_encoded(bytes.into()).is_err());
        } else {
            bytes[at] = byte;
            if let Ok(message) = Message::from_encoded(bytes.into()) {
                let _ = message.decode::<Event>();
            }
        }
    }

    #[test]
    fn typed_event_is_what_it_was(text: String, numbers: Vec<f64>) {
        let event = Event::Said { text, numbers };

        let message = Message::encode(&event).unwrap();
        let received = Message::from_encoded(message.encoded().clone()).unwrap();

        prop_assert_eq!(received.kind(), Some("said"));
        prop_assert_eq!(&*received.decode::<Event>().unwrap(), &event);
    }

    #[test]
    fn ready_frame_is_what_it_was(text in prop::option::of(any::<String>()), data: Vec<u8>) {
        let frame = text.map_or_else(|| Frame::binary(data), Frame::text);

        let sent = Message::ready(frame.clone());
        let received = Message::from_encoded(sent.encoded().clone()).unwrap();

        prop_assert_eq!(received.ready_frame().unwrap().frame(), &frame);
        prop_assert_eq!(received, sent);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "said")]
    Said { text: String, numbers: Vec<f64> },
}

#[test]
fn keys_must_be_strings() {
    for key in [
        Value::from(0),
        Value::from(-1),
        Value::Nil,
        Value::from(true),
        Value::Binary(b"type".to_vec()),
        Value::Array(vec![]),
    ] {
        let bytes = map([(key.clone(), "said".into())]);
        assert!(Message::from_encoded(bytes).is_err(), "{key}");
    }
}

#[test]
fn only_the_outer_maps_keys_matter() {
    let inner = Value::Map(vec![(0.into(), 1.into()), ("type".into(), 2.into())]);

    let message = Message::from_encoded(map([("inner".into(), inner)])).unwrap();

    assert_eq!(message.kind(), None);
}

#[test]
fn type_is_a_string_and_there_once() {
    let typed = |kind: Value| map([("type".into(), kind)]);

    assert_eq!(
        Message::from_encoded(typed(Value::Nil)).unwrap().kind(),
        None
    );
    assert_eq!(
        Message::from_encoded(typed("".into())).unwrap().kind(),
        Some("")
    );
    for kind in [5.into(), Value::Array(vec![])] {
        assert!(Message::from_encoded(typed(kind)).is_err());
    }
    let twice = map([("type".into(), "a".into()), ("type".into(), "b".into())]);
    assert!(Message::from_encoded(twice).is_err());
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    for opener in [&b"\x91"[..], b"\x81\xa1a", b"\x81\x91"] {
        let mut bytes = b"\x81\xa1a".to_vec();
        bytes.extend(opener.repeat(200_000));
        assert!(Message::from_encoded(bytes.into()).is_err());
    }
}

#[test]
fn reasonable_nesting_is_fine() {
    let mut bytes = b"\x81\xa1a".to_vec();
    bytes.extend(b"\x91".repeat(100));
    bytes.push(0xc0);

    assert!(Message::from_encoded(bytes.into()).is_ok());
}

#[test]
fn length_that_is_not_there_is_an_error_and_takes_no_memory() {
    for head in [
        &b"\xdf\xff\xff\xff\xff"[..],
        b"\x81\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xc6\xff\xff\xff\xff",
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
        b"\x81\xa4type\xdb\xff\xff\xff\xff",
    ] {
        assert!(Message::from_encoded(Bytes::from_static(head)).is_err());
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_where_it_matters() {
    assert!(Message::from_encoded(Bytes::from_static(b"\x81\xa4type\xa1\xff")).is_err());
    assert!(Message::from_encoded(Bytes::from_static(b"\x81\xa1\xff\xc0")).is_err());
}

#[test]
fn event_of_another_shape_is_an_error_that_says_so() {
    let message = Message::from_encoded(map([("type".into(), "sung".into())])).unwrap();

    let error = message.decode::<Event>().unwrap_err();

    assert_eq!(
        error.to_string(),
        "message does not have the expected shape"
    );
    assert!(message.decode::<IgnoredAny>().is_ok());
}

#[test]
fn value_that_is_no_map_is_told_what_would_be() {
    let error = Message::encode(&[1, 2]).unwrap_err().to_string();
    let numbered = std::collections::BTreeMap::from([(1, 2)]);

    assert!(error.contains("map with string keys"), "{error}");
    assert!(Message::encode(&numbered).is_err());
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Told {
    #[serde(rename = "chat.message")]
    Message {
        #[expect(dead_code, reason = "only read")]
        user: String,
        #[expect(dead_code, reason = "only read")]
        message: String,
        #[expect(dead_code, reason = "only read")]
        seen: Option<Vec<u8>>,
    },
}

/// The map of a message that Python sends, with a value for `message`.
fn with_message(value: &[u8]) -> Message {
    let head = b"\x83\xa4type\xacchat.message\xa4user\xa6secret\xa7message";
    Message::from_encoded([head, value].concat().into()).unwrap()
}

#[test]
fn message_of_another_shape_says_which_field_and_why_but_not_what() {
    for (value, expected) in [
        (
            &b"\xc0"[..],
            "`message`: invalid type: null, expected a string",
        ),
        (
            b"\x05",
            "`message`: invalid type: integer, expected a string",
        ),
        (
            b"\xc3",
            "`message`: invalid type: boolean, expected a string",
        ),
        (
            b"\xa2\xff\xfe",
            "`message`: invalid value: bytes that are no text, expected a string",
        ),
        (
            b"\x91\xa6secret",
            "`message`: invalid type: sequence, expected a string",
        ),
        (b"\x80", "`message`: invalid type: map, expected a string"),
    ] {
        let message = with_message(value);

        assert!(message.decode::<Told>().is_err());
        assert_eq!(message.mismatch::<Told>().to_string(), expected);
    }
}

#[test]
fn message_of_another_type_or_without_a_field_says_so() {
    let other = Message::encode(&BTreeMap::from([("type", "secret")])).unwrap();
    let lacking = Message::encode(&BTreeMap::from([
        ("type", "chat.message"),
        ("user", "secret"),
    ]))
    .unwrap();

    assert_eq!(
        other.mismatch::<Told>().to_string(),
        "unknown variant, expected `chat.message`"
    );
    assert_eq!(
        lacking.mismatch::<Told>().to_string(),
        "missing field `message`"
    );
}

#[test]
fn message_as_deep_as_a_hostile_process_likes_is_an_error_at_most() {
    for depth in [100, 500, 1000, 2000, 100_000] {
        let lists = vec![0x91; depth];
        let encoded = [b"\x82\xa4type\xa1x\xa1d", &lists[..], b"\xc0"].concat();
        let Ok(message) = Message::from_encoded(encoded.into()) else {
            continue;
        };
        let _ = message.decode::<BTreeMap<String, serde_json::Value>>();
        let _ = message.mismatch::<Told>();
    }
}
