//! Whatever is written is read back; whatever is read does not panic.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use rmpv::Value;
use solent_layer::ChannelName;
use solent_spec::Message;

use super::message;
use crate::wire::{AddressList, Cipher, Json, MessagePack, Payloads, Serializer, take_channels};

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-200_i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from(f64::INFINITY)),
    ]
}

/// A message as Python or Rust may write it, with bytes or without.
fn any_message(bytes: bool) -> impl Strategy<Value = Message> {
    let mut leaf = vec![
        Just(Value::Nil).boxed(),
        any::<bool>().prop_map(Value::from).boxed(),
        number().boxed(),
        any::<String>().prop_map(Value::from).boxed(),
    ];
    if bytes {
        leaf.push(vec(any::<u8>(), 0..300).prop_map(Value::Binary).boxed());
    }
    let leaf = proptest::strategy::Union::new(leaf);
    let value = leaf.prop_recursive(4, 64, 20, |inner| {
        let map = vec((any::<String>(), inner.clone()), 0..20);
        prop_oneof![
            vec(inner, 0..20).prop_map(Value::Array),
            map.prop_map(to_map)
        ]
    });
    vec(("[a-z]{0,8}", value), 0..20).prop_map(|mut entries| {
        entries.retain(|(key, _)| key != "type");
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &to_map(entries)).unwrap();
        message(bytes)
    })
}

fn to_map(entries: Vec<(String, Value)>) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

fn channel() -> impl Strategy<Value = ChannelName> {
    "[a-z.]{1,8}(![a-zA-Z0-9]{0,90})?".prop_map(|name| name.parse().unwrap())
}

/// Bytes that are nearly a message: tokens in any order.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        select(vec![
            &b"\x81\xa1a"[..],
            b"\x82",
            b"\x92",
            b"\xa1a",
            b"\xc4\x01a",
            b"\xb0__asgi_channel__",
            b"\x01",
            b"\xcb12345678",
            b"\xde\0\x02",
            b"\xd9\x03abc",
            b"\xc7\x01\x01a",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    vec(token, 0..40).prop_map(|tokens| [&[0x82][..], &tokens.concat()].concat())
}

/// Text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        any::<char>().prop_map(String::from),
        select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"a\":", "1", "-", "0.5", "e3", "NaN",
            "Infinity", "null", "true", " ", "\"", "\\", "\\u", "d83d", "\\udc09",
        ])
        .prop_map(str::to_owned),
    ];
    vec(token, 0..40).prop_map(|tokens| format!("{{\"a\":{}", tokens.concat()))
}

fn payloads(serializer: Arc<dyn Serializer>, encrypted: bool, random_prefix: usize) -> Payloads {
    let cipher = Cipher::new(encrypted.then_some("key"), None);
    Payloads::new(serializer, cipher, random_prefix)
}

proptest! {
    #[test]
    fn message_survives_every_wire(
        (sent, json) in any::<bool>().prop_flat_map(|json| (any_message(!json), Just(json))),
        encrypted: bool,
        random_prefix in select(vec![0_usize, 4, 12]),
        channels in vec(channel(), 0..5),
    ) {
        let serializer: Arc<dyn Serializer> = if json { Arc::new(Json) } else { Arc::new(MessagePack) };
        let payloads = payloads(serializer, encrypted, random_prefix);
        let read = |payload: Bytes| {
            let (message, channels) = take_channels(payloads.decode(payload, SystemTime::now()).unwrap());
            (message, channels.map(|names| names.iter().map(str::to_owned).collect::<Vec<_>>()))
        };
        let names: Vec<_> = channels.iter().map(|name| name.as_str().to_owned()).collect();

        prop_assert_eq!(read(payloads.encode(&sent).unwrap()), (sent.clone(), None));
        let list = AddressList::new(channels.iter().map(ChannelName::as_str));
        prop_assert_eq!(read(payloads.encode_to_all(&sent, &list).unwrap()), (sent.clone(), Some(names.clone())));
        if let [first, ..] = &channels[..] {
            let expected = Some(vec![first.as_str().to_owned()]);
            prop_assert_eq!(read(payloads.encode_to(&sent, first).unwrap()), (sent, expected));
        }
    }

    #[test]
    fn equal_messages_make_different_members(sent in any_message(true)) {
        let payloads = payloads(Arc::new(MessagePack), false, 12);

        let (one, other) = (payloads.encode(&sent).unwrap(), payloads.encode(&sent).unwrap());

        prop_assert_ne!(&one[..12], &other[..12]);
        prop_assert_eq!(&one[12..], &other[12..]);
    }

    #[test]
    fn bytes_of_anyone_do_no_harm(bytes in prop_oneof![vec(any::<u8>(), 0..200), nearly()]) {
        for encrypted in [false, true] {
            for serializer in [Arc::new(MessagePack) as Arc<dyn Serializer>, Arc::new(Json)] {
                for random_prefix in [0, 12] {
                    let payloads = payloads(Arc::clone(&serializer), encrypted, random_prefix);
                    let read = payloads.decode(bytes.clone().into(), SystemTime::now());
                    if let Ok(read) = read {
                        let (read, channels) = take_channels(read);
                        let _ = channels.map(|channels| channels.iter().count());
                        let _ = payloads.encode(&read);
                    }
                }
            }
        }
    }

    #[test]
    fn what_messagepack_accepts_is_a_value(bytes in nearly()) {
        if MessagePack.deserialize(bytes.clone().into()).is_ok() {
            let mut rest = &bytes[..];
            prop_assert!(rmpv::decode::read_value(&mut rest).is_ok());
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn json_of_anyone_is_read_as_another_reader_reads_it(text in nearly_json()) {
        if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
            let read = Json.deserialize(text.into());
            // What the other reader makes a float of, or takes the last of, is not compared.
            if let Ok(value) = read.and_then(|read| Ok(read.decode::<serde_json::Value>()?)) {
                prop_assert_eq!(&*value, &expected);
            }
        } else if !text.contains("NaN") && !text.contains("Infinity") && !text.contains("e3") {
            prop_assert!(Json.deserialize(text.into()).is_err());
        }
    }
}
