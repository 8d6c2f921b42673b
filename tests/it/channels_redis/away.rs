//! Redis is killed in the middle, and comes back.

use anyhow::Result;
use serde_json::json;
use solent::layer::{
    DynLayer, Mailbox,
    redis::RedisLayerKind::{self, Queue},
};
use solent_test_servers::RedisServer;

use super::{peer::Peer, scene::*};

on_both_layers! {
    both_go_on_when_redis_was_killed_and_has_lost_everything,
    both_go_on_when_redis_was_killed_and_has_kept_everything,
}

async fn both_go_on_when_redis_was_killed_and_has_lost_everything(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = Scene::with(kind, vec![RedisServer::start().await?], json!({}), "")?;
    go_on(&scene, kind == Queue).await
}

async fn both_go_on_when_redis_was_killed_and_has_kept_everything(
    kind: RedisLayerKind,
) -> Result<()> {
    let server = RedisServer::builder().persistent().start().await?;
    let scene = Scene::with(kind, vec![server], json!({}), "")?;
    go_on(&scene, false).await
}

/// `joins_again`: the client of a consumer of Python has to come back, since nobody else knows its memberships.
async fn go_on(scene: &Scene, joins_again: bool) -> Result<()> {
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let mut here = member(&rust, "room").await?;
    let there = python.member("room").await?;
    python.group_send("room", &number(1)).await?;
    assert_eq!(next(&mut here).await?, number(1));
    assert_eq!(python.next(&there).await?, number(1));

    for round in 1..=2 {
        scene.server().kill().await?;
        scene.server().restart().await?;

        // What is sent from now on arrives.
        gap(&mut here).await?;
        reach_rust(&mut python, &mut here, round * 100).await?;
        if joins_again {
            let add = json!({"do": "group_add", "group": "room", "channel": there});
            python.ask(add).await?;
        }
        reach_python(&rust, &mut here, &mut python, &there, round * 100 + 50).await?;
        python.take_all(&there).await?;
    }
    Ok(())
}

/// Python sends to the group until it does not fail, which reaches the member here.
async fn reach_rust(python: &mut Peer, here: &mut Mailbox, n: u64) -> Result<()> {
    until("Python can send again", async || {
        python.group_send("room", &number(n)).await.is_ok()
    })
    .await?;
    assert_eq!(next(here).await?, number(n));
    Ok(())
}

/// Rust sends to the group until Python, which takes its time to subscribe again, has got it.
async fn reach_python(
    rust: &DynLayer,
    here: &mut Mailbox,
    python: &mut Peer,
    there: &str,
    first: u64,
) -> Result<()> {
    let mut n = first;
    until("Python gets what is sent", async || {
        n += 1;
        let sent = group_send(rust, "room", &number(n)).await;
        assert!(sent.is_ok(), "{sent:?}");
        assert_eq!(next(here).await.ok(), Some(number(n)));
        let got = python.take_all(there).await.unwrap_or_default();
        got.iter().any(|value| value["n"].as_u64() > Some(first))
    })
    .await
}
