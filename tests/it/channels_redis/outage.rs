//! Redis is killed and restarted while both languages send.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use solent::layer::{Delivery, DynLayer, Mailbox, redis::RedisLayerKind};
use solent_test_servers::RedisServer;
use tokio::time::{Duration, sleep, timeout};

use super::{scene::*, value::value};
use crate::live::PATIENCE;

on_both_layers! {
    nothing_comes_twice_and_what_is_missed_lies_before_a_gap,
}

/// How many messages each of two senders tries to send.
const EACH: u64 = 1_500;

/// How many arrive before Redis is killed.
const BEFORE: usize = 300;

/// The last message of each sender, sent when all is well again.
const LAST: [u64; 2] = [EACH - 1, 2 * EACH - 1];

/// What a member has seen.
#[derive(Default)]
struct Seen {
    /// Numbers, in the order in which they came.
    numbers: Vec<u64>,
    /// How many of them came before the last gap.
    before_gap: Option<usize>,
}

impl Seen {
    /// Reads until `is_enough`.
    async fn read(
        &mut self,
        member: &mut Mailbox,
        is_enough: impl Fn(&Self) -> bool,
    ) -> Result<()> {
        while !is_enough(self) {
            let delivery = timeout(PATIENCE, member.recv()).await;
            let delivery = delivery.with_context(|| format!("after {}", self.numbers.len()))?;
            match delivery.context("the mailbox is closed")? {
                Delivery::Message(message) => {
                    let number = value(&message)?["n"].as_u64();
                    self.numbers.push(number.context("no number")?);
                }
                _ => self.before_gap = Some(self.numbers.len()),
            }
        }
        Ok(())
    }

    fn of(numbers: &[u64], sender: u64) -> Vec<u64> {
        let of_sender = numbers.iter().filter(|number| **number / EACH == sender);
        of_sender.copied().collect()
    }

    /// That nothing came twice or too early, and that behind the gap there is all that was sent.
    fn check(&self, sender: u64, sent: &[u64]) -> Result<()> {
        let all = Self::of(&self.numbers, sender);
        ensure!(all.is_sorted_by(|a, b| a < b), "sender {sender}: {all:?}");
        let told = self.before_gap.context("no gap was told")?;
        let after = Self::of(&self.numbers[told..], sender);
        let first = *after.first().context("nothing came after the gap")?;
        let expected: Vec<u64> = sent.iter().copied().filter(|n| *n >= first).collect();
        ensure!(
            after == expected,
            "sender {sender}: {after:?}, not {expected:?}"
        );
        Ok(())
    }
}

/// Sends a message each millisecond, and returns the numbers of those that were not refused.
async fn send_through(layer: DynLayer) -> Vec<u64> {
    let mut sent = Vec::new();
    for n in 0..EACH {
        if group_send(&layer, "room", &number(n)).await.is_ok() {
            sent.push(n);
        }
        sleep(Duration::from_millis(1)).await;
    }
    sent
}

async fn nothing_comes_twice_and_what_is_missed_lies_before_a_gap(
    kind: RedisLayerKind,
) -> Result<()> {
    let options = json!({"capacity": 100_000});
    let servers = vec![RedisServer::start().await?];
    let scene = Scene::with(kind, servers, options, "capacity=100000")?;
    let (one, two) = (scene.rust()?, scene.rust()?);
    let mut python = scene.python().await?;
    let mut members = [member(&one, "room").await?, member(&two, "room").await?];
    let mut seen = [Seen::default(), Seen::default()];

    let from_rust = tokio::spawn(send_through(one.clone()));
    let (from_python, outage) =
        tokio::join!(python.group_send_through("room", EACH, EACH), async {
            seen[0]
                .read(&mut members[0], |seen| seen.numbers.len() >= BEFORE)
                .await?;
            scene.server().kill().await?;
            scene.server().restart().await?;
            anyhow::Ok(())
        },);
    outage?;
    let sent = [from_rust.await?, from_python?];

    for (seen, member) in seen.iter_mut().zip(&mut members) {
        seen.read(member, |seen| {
            LAST.iter().all(|last| seen.numbers.contains(last))
        })
        .await?;
        for (sender, sent) in (0..).zip(&sent) {
            seen.check(sender, sent)?;
        }
    }
    Ok(())
}
