//! Both languages send at the same time, and every message is counted at every member.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use solent::layer::{DynLayer, redis::RedisLayerKind};

use super::scene::*;

on_both_layers! {
    every_member_gets_every_message_of_every_sender_in_order,
}

/// How many messages each of four senders sends.
const EACH: u64 = 150;

async fn sending(layer: &DynLayer, first: u64) -> Result<()> {
    for n in first..first + EACH {
        group_send(layer, "room", &number(n)).await?;
    }
    Ok(())
}

/// That each sender's numbers are all there, once, in order.
fn check(member: &str, seen: &[Value]) -> Result<()> {
    let mut next: HashMap<u64, u64> = (0..4).map(|sender| (sender, sender * EACH)).collect();
    for value in seen {
        let n = value["n"].as_u64().context("no number")?;
        let expected = next.get_mut(&(n / EACH)).context("nobody sent it")?;
        ensure!(*expected == n, "{member}: {n} came where {expected} was to");
        *expected += 1;
    }
    ensure!(seen.len() as u64 == 4 * EACH, "{member}: {}", seen.len());
    Ok(())
}

async fn every_member_gets_every_message_of_every_sender_in_order(
    kind: RedisLayerKind,
) -> Result<()> {
    let scene = Scene::spacious(kind).await?;
    let (one, two) = (scene.rust()?, scene.rust()?);
    let (mut a, mut b) = (scene.python().await?, scene.python().await?);
    let mut here = Vec::new();
    for layer in [&one, &one, &two, &two] {
        here.push(member(layer, "room").await?);
    }
    let there = [a.member("room").await?, a.member("room").await?];
    let elsewhere = [b.member("room").await?, b.member("room").await?];

    tokio::try_join!(
        sending(&one, 0),
        sending(&two, EACH),
        a.group_send_numbers("room", 2 * EACH, EACH),
        b.group_send_numbers("room", 3 * EACH, EACH),
    )?;

    let all = usize::try_from(4 * EACH)?;
    for (number, mailbox) in here.iter_mut().enumerate() {
        check(&format!("Rust {number}"), &take(mailbox, all).await?)?;
    }
    for (number, channel) in there.iter().enumerate() {
        check(&format!("Python a {number}"), &a.take(channel, all).await?)?;
    }
    for (number, channel) in elsewhere.iter().enumerate() {
        check(&format!("Python b {number}"), &b.take(channel, all).await?)?;
    }
    for mailbox in &mut here {
        ensure!(mailbox.is_empty(), "{mailbox:?}");
    }
    Ok(())
}
