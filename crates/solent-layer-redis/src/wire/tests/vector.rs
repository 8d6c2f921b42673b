//! Every row of what channels_redis wrote and read.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use solent_layer::ChannelName;
use solent_spec::Message;

use super::{hex, message};
use crate::wire::{
    AddressList, Cipher, Json, Keys, MessagePack, Payloads, Ring, Serializer, score_text,
    take_channels,
};

#[derive(Deserialize)]
struct Vectors {
    shards: Vec<Shard>,
    messages: Vec<Row>,
    refused_at_receive: Vec<Refused>,
    accepted_at_receive: Vec<Accepted>,
    queue: Vec<Stored>,
    pubsub: Vec<Published>,
    four_shards: std::collections::BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Shard {
    value: String,
    index_by_ring_size: std::collections::BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Row {
    message: Value,
    msgpack_hex: String,
    /// Absent where Python raises.
    json: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    msgpack_hex: String,
    why: String,
}

#[derive(Deserialize)]
struct Accepted {
    payload_hex: String,
    note: String,
}

#[derive(Deserialize)]
struct Stored {
    op: String,
    prefix: String,
    expiry: u64,
    serializer: String,
    keys: Vec<String>,
    random_prefix: usize,
    channel: Option<String>,
    message: Option<Value>,
    redis_key: String,
    score: String,
    payload_hex: String,
}

#[derive(Deserialize)]
struct Published {
    prefix: String,
    serializer: String,
    keys: Vec<String>,
    group: Option<String>,
    channel: Option<String>,
    message: Value,
    topic: String,
    payload_hex: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/data/channels_redis.json")).unwrap()
}

fn serializer(format: &str) -> Arc<dyn Serializer> {
    match format {
        "json" => Arc::new(Json::new()),
        _ => Arc::new(MessagePack::new()),
    }
}

/// Compares what both can express.
fn assert_is(message: &Message, expected: &Value) {
    if !expected.to_string().contains("$bytes_hex") {
        assert_eq!(*message.decode::<Value>().unwrap(), *expected);
    }
}

#[test]
fn shards_are_those_of_python() {
    let vectors = vectors();
    let shard = |size: usize, name: &str| Ring::new(NonZeroUsize::new(size).unwrap()).shard(name);
    for row in vectors.shards {
        for (size, index) in row.index_by_ring_size {
            assert_eq!(
                shard(size.parse().unwrap(), &row.value),
                index,
                "{} of {size}",
                row.value
            );
        }
    }
    for (name, index) in vectors.four_shards {
        assert_eq!(shard(4, &name), index, "{name}");
    }
}

#[test]
fn messages_are_written_as_python_writes_them() {
    for row in vectors().messages {
        let bytes = hex(&row.msgpack_hex);
        let original = message(bytes.clone());
        assert_is(&original, &row.message);

        assert_eq!(MessagePack::new().serialize(&original).unwrap(), bytes);
        let json = Json::new().serialize(&original);
        let json = json.map(|json| String::from_utf8(json.to_vec()).unwrap());
        // Of bytes, Python's JSON has no form.
        if !row.message.to_string().contains("$bytes_hex") {
            assert_eq!(json.ok(), row.json);
        }
    }
}

#[test]
fn messages_are_read_as_python_wrote_them() {
    for row in vectors().messages {
        let bytes = Bytes::from(hex(&row.msgpack_hex));
        let original = message(bytes.clone());

        let read = MessagePack::new().deserialize(bytes.clone()).unwrap();
        assert_eq!(read, original);
        if let Some(json) = row.json {
            let read = Json::new().deserialize(json.clone().into()).unwrap();
            assert_eq!(read.encoded(), &bytes, "{json}");
        }
    }
}

#[test]
fn what_python_cannot_read_is_refused() {
    for row in vectors().refused_at_receive {
        let read = MessagePack::new().deserialize(hex(&row.msgpack_hex).into());
        assert!(read.is_err(), "{}", row.why);
    }
}

#[test]
fn what_only_python_never_writes_is_read() {
    for row in vectors().accepted_at_receive {
        let read = MessagePack::new().deserialize(hex(&row.payload_hex).into());
        // The keys of a message itself are strings.
        let is_bytes = row.payload_hex.starts_with("81c4");
        assert_eq!(read.is_ok(), !is_bytes, "{}", row.note);
    }
}

#[test]
fn stored_payloads_of_python_are_read_and_written_again() {
    for row in vectors().queue {
        let max_age = Duration::from_secs(row.expiry + 10);
        let cipher = Cipher::new(&row.keys, Some(max_age));
        let plain = cipher.is_none();
        let payloads = Payloads::new(serializer(&row.serializer), cipher, row.random_prefix);
        let payload = Bytes::from(hex(&row.payload_hex));
        let sent = UNIX_EPOCH + Duration::from_secs_f64(row.score.parse().unwrap());

        let (read, channels) = take_channels(payloads.decode(payload.clone(), sent).unwrap());
        let channels: Option<Vec<ChannelName>> =
            channels.map(|channels| channels.iter().map(|name| name.parse().unwrap()).collect());

        if let Some(expected) = &row.message {
            assert_is(&read, expected);
        }
        let again = match (channels.as_deref(), &row.channel) {
            (None, Some(channel)) => {
                assert!(!channel.contains('!'), "{}", row.op);
                payloads.encode(&read)
            }
            (Some([one]), Some(channel)) => {
                assert_eq!(one.as_str(), channel, "{}", row.op);
                payloads.encode_to(&read, one)
            }
            (Some(channels), None) => {
                let list = AddressList::new(channels.iter().map(ChannelName::as_str));
                payloads.encode_to_all(&read, &list)
            }
            other => panic!("{}: {other:?}", row.op),
        };
        let again = again.unwrap();
        assert_eq!(again.len(), payload.len(), "{}", row.op);
        if plain {
            assert_eq!(
                again[row.random_prefix..],
                payload[row.random_prefix..],
                "{}",
                row.op
            );
        }
        let keys = Keys::new(row.prefix);
        let named = row.channel.map(|channel| channel.parse().unwrap());
        for channel in channels.iter().flatten().chain(&named) {
            assert_eq!(keys.channel(channel), row.redis_key);
        }
        assert_eq!(score_text(row.score.parse().unwrap()), row.score);
    }
}

#[test]
fn published_payloads_of_python_are_read_and_written_again() {
    for row in vectors().pubsub {
        let payloads = Payloads::new(serializer(&row.serializer), Cipher::new(&row.keys, None), 0);
        let payload = Bytes::from(hex(&row.payload_hex));

        // Age does not matter.
        let read = payloads.decode(payload.clone(), UNIX_EPOCH).unwrap();

        assert_is(&read, &row.message);
        let again = payloads.encode(&read).unwrap();
        if row.keys.is_empty() {
            assert_eq!(again, payload);
        } else {
            assert_eq!(payloads.decode(again, UNIX_EPOCH).unwrap(), read);
        }
        let keys = Keys::new(row.prefix);
        let topic = match (row.group, row.channel) {
            (Some(group), _) => keys.group_topic(&group.parse().unwrap()),
            (None, channel) => channel.unwrap(),
        };
        assert_eq!(topic, row.topic);
    }
}
