//! Groups with members of both languages.

use anyhow::Result;
use serde_json::{Value, json};
use solent::layer::{ChannelLayer, redis::RedisLayerKind};

use super::scene::*;

on_both_layers! {
    group_reaches_members_of_both_languages_from_both,
    who_has_left_gets_nothing_more,
    message_that_is_for_nobody_is_no_error,
}

async fn group_reaches_members_of_both_languages_from_both(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (one, two) = (scene.rust()?, scene.rust()?);
    let (mut a, mut b) = (scene.python().await?, scene.python().await?);
    let mut here = [
        member(&one, "chat_x").await?,
        member(&one, "chat_x").await?,
        member(&two, "chat_x").await?,
    ];
    let there = [a.member("chat_x").await?, a.member("chat_x").await?];
    let elsewhere = b.member("chat_x").await?;
    let mut other = member(&two, "chat_y").await?;
    let what = json!({"type": "chat.message", "message": "für alle", "raw": {"$bytes": "00ff"}, "n": [1, 1.0, null]});

    for sender in 0..4 {
        match sender {
            0 => group_send(&one, "chat_x", &what).await?,
            1 => group_send(&two, "chat_x", &what).await?,
            2 => a.group_send("chat_x", &what).await?,
            _ => b.group_send("chat_x", &what).await?,
        }
        for mailbox in &mut here {
            assert_eq!(next(mailbox).await?, what, "from {sender}");
        }
        for channel in &there {
            assert_eq!(a.next(channel).await?, what, "from {sender}");
        }
        assert_eq!(b.next(&elsewhere).await?, what, "from {sender}");
    }

    for mailbox in &mut here {
        nothing(mailbox).await?;
    }
    nothing(&mut other).await?;
    assert_eq!(a.take_all(&there[0]).await?, [] as [Value; 0]);
    Ok(())
}

async fn who_has_left_gets_nothing_more(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let (mut stays, mut leaves) = (member(&rust, "room").await?, member(&rust, "room").await?);
    let dropped = member(&rust, "room").await?;
    let (there, away) = (python.member("room").await?, python.member("room").await?);

    rust.group_discard(&"room".parse()?, leaves.name()).await?;
    drop(dropped);
    python
        .ask(json!({"do": "group_discard", "group": "room", "channel": away}))
        .await?;
    python.group_send("room", &number(1)).await?;
    group_send(&rust, "room", &number(2)).await?;

    assert_eq!(take(&mut stays, 2).await?, [number(1), number(2)]);
    assert_eq!(python.take(&there, 2).await?, [number(1), number(2)]);
    nothing(&mut leaves).await?;
    assert_eq!(python.take_all(&away).await?, [] as [Value; 0]);
    Ok(())
}

async fn message_that_is_for_nobody_is_no_error(kind: RedisLayerKind) -> Result<()> {
    let scene = Scene::start(kind).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let channel = python.open().await?;

    python.group_send("empty", &number(1)).await?;
    group_send(&rust, "empty", &number(2)).await?;
    let discard = json!({"do": "group_discard", "group": "empty", "channel": channel});
    python.ask(discard).await?;

    let report = rust
        .group_send(&"empty".parse()?, super::value::message(&number(3))?)
        .await?;
    assert_eq!((report.delivered, report.dropped), (0, 0));
    assert_eq!(python.take_all(&channel).await?, [] as [Value; 0]);
    Ok(())
}
