//! Defends the claim that a small message is checked for every reader, and made a payload, in less than 100 ns.

use std::{collections::BTreeMap, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;
use solent_layer::Message;
use solent_layer_redis::{Json, MessagePack, Serializer};

#[derive(Serialize)]
struct Chat {
    r#type: &'static str,
    user: &'static str,
    text: String,
    id: u64,
}

/// A chat message with so many characters of text.
fn chat(characters: usize) -> Message {
    Message::encode(&Chat {
        r#type: "chat.message",
        user: "ada",
        text: "x".repeat(characters),
        id: 1_795_233_754,
    })
    .unwrap()
}

/// A message with a list of maps.
fn table() -> Message {
    let row = BTreeMap::from([("name", "ada"), ("colour", "green"), ("city", "London")]);
    let rows = vec![row; 100];
    Message::encode(&BTreeMap::from([("rows", rows)])).unwrap()
}

fn both_ways(bencher: &mut Criterion, name: &str, serializer: &impl Serializer) {
    let mut group = bencher.benchmark_group(name);
    for (name, message) in [
        ("64 characters", chat(64)),
        ("4096 characters", chat(4096)),
        ("100 rows", table()),
    ] {
        let body = serializer.serialize(&message).unwrap();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("serialize/{name}"), |bencher| {
            bencher.iter(|| serializer.serialize(black_box(&message)).unwrap());
        });
        group.bench_function(format!("deserialize/{name}"), |bencher| {
            bencher.iter(|| serializer.deserialize(black_box(&body).clone()).unwrap());
        });
    }
}

fn serializers(bencher: &mut Criterion) {
    both_ways(bencher, "msgpack", &MessagePack::new());
    both_ways(bencher, "json", &Json::new());
}

criterion_group!(benches, serializers);
criterion_main!(benches);
