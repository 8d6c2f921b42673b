//! Messages from one channel to another.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use solent::layer::{ChannelLayer, Delivery, Message, redis::RedisLayerKind};
use solent_test_servers::RedisServer;

use super::scene::*;

on_both_layers! {
    every_kind_of_value_arrives_as_it_was_sent,
    thousand_messages_arrive_in_order,
    typed_event_is_what_a_consumer_of_python_handles,
    message_for_a_channel_that_is_gone_disturbs_nobody,
    bytes_are_a_list_of_numbers_for_python_in_json,
}

/// Each form that MessagePack has for something that Python can send, at both ends of its range.
fn every_kind() -> Value {
    let integers = [
        0,
        1,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        4_294_967_295,
        4_294_967_296,
        9_223_372_036_854_775_807,
        9_223_372_036_854_775_808,
        u64::MAX,
    ];
    let negative = [
        -1,
        -32,
        -33,
        -128,
        -129,
        -32_768,
        -32_769,
        -2_147_483_648,
        -2_147_483_649,
        i64::MIN,
    ];
    let texts = [0, 1, 31, 32, 255, 256, 65_535, 65_536].map(|length| "x".repeat(length));
    let bytes =
        [0, 1, 255, 256, 65_535, 65_536].map(|length| json!({"$bytes": "a0".repeat(length)}));
    let many: serde_json::Map<_, _> = (0..70_000).map(|n| (n.to_string(), n.into())).collect();
    json!({
        "type": "every.kind",
        "nothing": null,
        "yes": true,
        "no": false,
        "integers": integers,
        "negative": negative,
        "floats": [0.0, -0.0, 1.0, 0.1, 1e300, -5e-324, {"$float": "inf"}, {"$float": "-inf"}, {"$float": "nan"}],
        "texts": texts,
        "unicode": ["grüße", "中文", "😀", "\u{0}", "\u{feff}", "e\u{301}"],
        "bytes": bytes,
        "lists": [[], [[]], vec![7; 15], vec![7; 16], vec![7; 65_535], vec![7; 65_536]],
        "maps": [{}, {"": {}}, {"a": {"b": {"c": [null, {"d": {"$bytes": "00ff80"}}]}}}, many],
        "ünïcödé key": "",
    })
}

async fn every_kind_of_value_arrives_as_it_was_sent(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let mut here = rust.open("specific.").await?;
    let there = python.open().await?;
    let sent = every_kind();

    python.send(here.name().as_str(), &sent).await?;
    send(&rust, &there, &sent).await?;

    // Not `assert_eq`: nobody wants to read that.
    assert!(next(&mut here).await? == sent, "from Python");
    assert!(python.next(&there).await? == sent, "to Python");
    Ok(())
}

async fn thousand_messages_arrive_in_order(kind: RedisLayerKind) -> Result<()> {
    const COUNT: u64 = 1000;
    let scene = Scene::spacious(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let mut here = rust.open("specific.").await?;
    let there = python.open().await?;

    for n in 0..COUNT {
        send(&rust, &there, &number(n)).await?;
    }
    python.send_numbers(here.name().as_str(), 0, COUNT).await?;

    let expected: Vec<_> = (0..COUNT).map(number).collect();
    assert_eq!(take(&mut here, expected.len()).await?, expected);
    assert_eq!(python.take(&there, expected.len()).await?, expected);
    nothing(&mut here).await?;
    assert_eq!(python.take_all(&there).await?, [] as [Value; 0]);
    Ok(())
}

async fn typed_event_is_what_a_consumer_of_python_handles(kind: RedisLayerKind) -> Result<()> {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Event {
        #[serde(rename = "chat.message")]
        Message {
            message: String,
            tags: Vec<String>,
            reply_to: Option<u64>,
        },
    }
    let scene = Scene::start(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let mut here = rust.open("specific.").await?;
    let there = python.open().await?;
    let event = Event::Message {
        message: "hé".into(),
        tags: vec!["a".into()],
        reply_to: None,
    };

    rust.send(&there.parse()?, Message::encode(&event)?).await?;
    let told = python.next(&there).await?;
    python.send(here.name().as_str(), &told).await?;

    let expected =
        json!({"type": "chat.message", "message": "hé", "tags": ["a"], "reply_to": null});
    assert_eq!(told, expected);
    let Some(Delivery::Message(message)) = here.recv().await else {
        anyhow::bail!("no message");
    };
    assert_eq!(*message.decode::<Event>()?, event);
    Ok(())
}

async fn message_for_a_channel_that_is_gone_disturbs_nobody(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let (gone, mut here) = (rust.open("specific.").await?, rust.open("specific.").await?);
    let name = gone.name().to_string();
    drop(gone);

    python.send(&name, &number(1)).await?;
    python.send(here.name().as_str(), &number(2)).await?;
    send(
        &rust,
        "specific.0123456789abcdef0123456789abcdef!gone",
        &number(3),
    )
    .await?;

    assert_eq!(next(&mut here).await?, number(2));
    nothing(&mut here).await
}

async fn bytes_are_a_list_of_numbers_for_python_in_json(kind: RedisLayerKind) -> Result<()> {
    let servers = vec![RedisServer::start().await?];
    let options = json!({"serializer_format": "json"});
    let scene = Scene::with(kind, servers, options, "serializer=json")?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let there = python.open().await?;

    let bytes = json!({"type": "x", "image": {"$bytes": "00ff"}});
    send(&rust, &there, &bytes).await?;
    send(&rust, &there, &number(1)).await?;

    let list = json!({"type": "x", "image": [0, 255]});
    assert_eq!(python.next(&there).await?, list);
    assert_eq!(python.next(&there).await?, number(1));
    Ok(())
}
