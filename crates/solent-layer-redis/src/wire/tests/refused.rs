//! What is refused when it is sent, and what the error says.

use std::{collections::BTreeMap, error::Error, sync::Arc};

use bytes::Bytes;
use serde::Serialize;
use solent_spec::{BoxError, Message};

use super::message;
use crate::wire::{
    AddressList, EncodeError, Json, MessagePack, Payloads, Serializer, msgpack::MAX_DEPTH,
};

fn payloads(serializer: impl Serializer) -> Payloads {
    Payloads::new(Arc::new(serializer), None, 0)
}

/// Why the field cannot be sent.
fn why(serializer: impl Serializer, message: &Message) -> String {
    let error = payloads(serializer).encode(message).unwrap_err();
    error.source().unwrap().to_string()
}

/// A map whose field `items` is a list that ends with a map, whose field `when` is `bytes`.
fn with_field(bytes: &[u8]) -> Message {
    let bytes = [b"\x81\xa5items\x92\x01\x81\xa4when", bytes].concat();
    message(bytes)
}

/// A map nested so deep.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = b"\x81\xa1a".repeat(depth - 1);
    bytes.push(0x80);
    bytes
}

#[test]
fn error_names_the_field_that_python_could_not_decode() {
    for (bytes, problem) in [
        (&b"\xd6\xff\0\0\0\0"[..], "extension type -1 means nothing"),
        (b"\xc7\x00\x05", "extension type 5 means nothing"),
        (b"\xa2\xc3\x28", "a string is not valid UTF-8"),
        (b"\x81\x01\x02", "a map key is neither"),
        (b"\x81\xc0\x02", "a map key is neither"),
        (b"\x81\xa1\xff\x02", "a string is not valid UTF-8"),
    ] {
        let message = with_field(bytes);
        for why in [why(MessagePack, &message), why(Json, &message)] {
            let expected = format!("items[1].when: {problem}");
            assert!(why.starts_with(&expected), "{bytes:?}: {why}");
        }
    }
}

#[test]
fn bytes_are_a_list_in_json_and_refused_as_a_key() {
    let value = with_field(b"\xc4\x02a\xff");
    let key = with_field(b"\x81\xc4\x01k\x01");

    assert!(payloads(MessagePack).encode(&value).is_ok());
    assert!(payloads(MessagePack).encode(&key).is_ok());
    let json = Json.serialize(&value).unwrap();
    assert_eq!(json, r#"{"items": [1, {"when": [97, 255]}]}"#);
    assert!(why(Json, &key).starts_with("items[1].when.k: bytes cannot be a key in JSON"));
}

#[test]
fn maps_with_numbers_as_keys_are_refused() {
    #[derive(Serialize)]
    struct Scores {
        r#type: &'static str,
        scores: BTreeMap<u32, u32>,
    }
    let message = Message::encode(&Scores {
        r#type: "scores",
        scores: BTreeMap::from([(1, 2)]),
    })
    .unwrap();

    assert_eq!(
        why(MessagePack, &message),
        "scores: a map key is neither a string nor bytes, use strings as keys"
    );
}

#[test]
fn key_of_the_layer_is_refused() {
    let message = message(&b"\x82\xa4type\xa1t\xb0__asgi_channel__\xa3x!1"[..]);
    let channel = "a!b".parse().unwrap();
    let payloads = payloads(MessagePack);

    for refused in [
        payloads.encode(&message),
        payloads.encode_to(&message, &channel),
        payloads.encode_to_all(&message, &AddressList::new([channel.as_str()])),
    ] {
        assert!(matches!(refused, Err(EncodeError::Addressed)));
    }
}

#[test]
fn nesting_has_a_bound() {
    let deepest = message(nested(MAX_DEPTH));
    let json = Json.serialize(&deepest).unwrap();

    assert!(MessagePack.serialize(&deepest).is_ok());
    assert_eq!(Json.deserialize(json.clone()).unwrap(), deepest);
    assert_eq!(
        MessagePack.deserialize(nested(MAX_DEPTH).into()).unwrap(),
        deepest
    );
    let deeper = nested(MAX_DEPTH + 1);
    assert!(Message::from_encoded(deeper.clone().into()).is_err());
    for error in [
        MessagePack.deserialize(deeper.into()),
        MessagePack.deserialize(b"\x91".repeat(1 << 20).into()),
        MessagePack.deserialize(b"\x81\xa1a".repeat(1 << 20).into()),
        Json.deserialize(b"[".repeat(1 << 20).into()),
        Json.deserialize(b"{\"a\":".repeat(1 << 20).into()),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("nested deeper than 127 levels"), "{error}");
    }
}

#[test]
fn length_that_lies_is_no_reason_to_allocate() {
    for bytes in [
        &b"\xdf\xff\xff\xff\xff"[..],
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
        b"\x81\xa1a\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xc6\xff\xff\xff\xffa",
        b"\x81\xa1a\xc9\xff\xff\xff\xff\x01a",
    ] {
        let error = MessagePack
            .deserialize(Bytes::from_static(bytes))
            .unwrap_err();
        assert!(error.to_string().contains("ends in the middle"), "{error}");
    }
}

#[test]
fn json_that_python_refuses_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":0x1}",
        "{\"a\":nul}",
        "{\"a\":True}",
        "{\"a\":-NaN}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\\u00é\"}",
        "{\"a\":\"x}",
        "{1:2}",
        "[1]",
        "1",
        "null",
        "\"a\"",
        "{\"a\":1/**/}",
        "{\"a\":\u{a0}1}",
        // These are what Python would let pass.
        "{\"a\":18446744073709551616}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\udc09\\ud83d\"}",
        "{\"a\":\"\\ud83d\\n\"}",
        "{\"a\":\"\\ud83dx\"}",
    ] {
        let read = Json.deserialize(Bytes::from_static(text.as_bytes()));
        assert!(read.is_err(), "{text}");
    }
}

#[test]
fn json_that_python_accepts_is_read() {
    for (text, bytes) in [
        ("{}", &b"\x80"[..]),
        (
            " {\r\n\t\"a\" : [ ] , \"b\":{ } } ",
            b"\x82\xa1a\x90\xa1b\x80",
        ),
        ("{\"a\":-0}", b"\x81\xa1a\x00"),
        ("{\"a\":-0.0}", b"\x81\xa1a\xcb\x80\0\0\0\0\0\0\0"),
        ("{\"a\":1E2}", b"\x81\xa1a\xcb\x40\x59\0\0\0\0\0\0"),
        ("{\"a\":15e-1}", b"\x81\xa1a\xcb\x3f\xf8\0\0\0\0\0\0"),
        ("{\"a\":1e999}", b"\x81\xa1a\xcb\x7f\xf0\0\0\0\0\0\0"),
        ("{\"a\":NaN}", b"\x81\xa1a\xcb\x7f\xf8\0\0\0\0\0\0"),
        (
            "{\"a\":[Infinity,-Infinity]}",
            b"\x81\xa1a\x92\xcb\x7f\xf0\0\0\0\0\0\0\xcb\xff\xf0\0\0\0\0\0\0",
        ),
        (
            "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000\"}",
            b"\x81\xa1a\xab\"\\/\x08\x0c\n\r\t\xc3\xa9\0",
        ),
        (
            "{\"a\":\"\\ud83d\\uDC09é\x7f\"}",
            b"\x81\xa1a\xa7\xf0\x9f\x90\x89\xc3\xa9\x7f",
        ),
    ] {
        let read = Json
            .deserialize(Bytes::from_static(text.as_bytes()))
            .unwrap();
        assert_eq!(read.encoded(), bytes, "{text}");
    }
}

#[test]
fn strings_are_escaped_as_python_escapes_them() {
    let message = Message::encode(&BTreeMap::from([(
        "é\"",
        "\u{8}\t\n\u{c}\r\0\x1f !\"/\\~\x7f\u{80}é🐉",
    )]))
    .unwrap();

    let json = Json.serialize(&message).unwrap();

    let expected =
        r#"{"\u00e9\"": "\b\t\n\f\r\u0000\u001f !\"/\\~\u007f\u0080\u00e9\ud83d\udc09"}"#;
    assert_eq!(json, expected.as_bytes());
}

#[test]
fn error_of_json_names_the_field() {
    let error: BoxError = Json
        .deserialize(Bytes::from_static(
            b"{\"a\": {\"b\": [1, {\"c\": 99999999999999999999}]}}",
        ))
        .unwrap_err();

    assert_eq!(
        error.to_string(),
        "a.b[1].c: an integer is out of range, from -2^63 to 2^64-1"
    );
}

#[test]
fn large_containers_of_json_have_their_length() {
    for len in [15, 16, 65_535, 65_536] {
        let list = vec!["0"; len].join(",");
        let bytes = Json
            .deserialize(format!("{{\"a\":[{list}],\"b\":1}}").into())
            .unwrap();
        let again = Json.serialize(&bytes).unwrap();
        assert_eq!(
            again,
            format!("{{\"a\": [{}], \"b\": 1}}", list.replace(',', ", ")).as_bytes()
        );
    }
}

#[test]
fn good_message_is_checked_without_an_allocation() {
    let message = with_field(b"\xa6h\xc3\xa9llo");
    // The first clone of bytes allocates their count of owners.
    let _shared = message.encoded().clone();

    let info = allocation_counter::measure(|| {
        MessagePack.serialize(&message).unwrap();
    });

    assert_eq!(info.count_total, 0);
}
