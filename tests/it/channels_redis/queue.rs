//! What waits in Redis: names that several read, capacity, expiry, members that others added.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use solent::layer::{
    Capacities, ChannelLayer, Delivery, DropCause, SendError, redis::RedisLayerKind::Queue,
};
use solent_test_servers::RedisServer;
use tokio::sync::mpsc;

use super::{scene::*, value};

#[tokio::test]
async fn workers_of_both_languages_share_the_work_of_a_name() -> Result<()> {
    const EACH: u64 = 1000;
    let scene = Scene::spacious(Queue).await?;
    let (sender, mut python_sends) = (scene.rust()?, scene.python().await?);
    let mut python = scene.python().await?;
    python
        .ask(json!({"do": "listen", "channel": "jobs"}))
        .await?;
    let (done, mut seen) = mpsc::unbounded_channel();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let layer = scene.rust()?;
        let mut mailbox = layer.listen(&"jobs".parse()?).await?;
        let done = done.clone();
        workers.push(tokio::spawn(async move {
            while let Some(delivery) = mailbox.recv().await {
                if let Delivery::Message(message) = delivery {
                    let _ = done.send(value::value(&message));
                }
                tokio::task::yield_now().await;
            }
            drop(layer);
        }));
    }

    let rust_sends = async {
        for n in 0..EACH {
            send(&sender, "jobs", &number(n)).await?;
        }
        anyhow::Ok(EACH)
    };
    let sent = tokio::try_join!(rust_sends, python_sends.send_numbers("jobs", EACH, EACH))?;

    assert_eq!(sent, (EACH, EACH));
    let mut all = Vec::new();
    until("all of it has been done", async || {
        while let Ok(value) = seen.try_recv() {
            all.push(value.map(|value| value["n"].as_u64()));
        }
        let by_python = python.take_all("jobs").await.unwrap_or_default();
        all.extend(by_python.iter().map(|value| Ok(value["n"].as_u64())));
        all.len() as u64 >= 2 * EACH
    })
    .await?;
    let all = all.into_iter().collect::<Result<Vec<_>>>()?;
    let different: HashSet<_> = all.iter().collect();
    assert_eq!(
        (all.len() as u64, different.len() as u64),
        (2 * EACH, 2 * EACH)
    );
    workers.iter().for_each(|worker| worker.abort());
    Ok(())
}

#[tokio::test]
async fn both_are_told_that_a_name_nobody_reads_is_full() -> Result<()> {
    let options = json!({"capacity": 5, "channel_capacity": {"jobs.*": 3}});
    let query = "capacity=5&channel_capacity=jobs.*:3";
    let scene = Scene::with(Queue, vec![RedisServer::start().await?], options, query)?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    // Who listens takes a message only when somebody waits for it.
    let listening = rust.listen(&"jobs.slow".parse()?).await?;

    for (channel, capacity) in [("jobs.slow", 3), ("other", 5)] {
        assert_eq!(
            python.send_numbers(channel, 0, 10).await?,
            capacity,
            "{channel}"
        );
        let sent = rust
            .send(&channel.parse()?, value::message(&number(0))?)
            .await;
        assert!(
            matches!(sent, Err(SendError::Full(_))),
            "{channel}: {sent:?}"
        );
        let send = json!({"do": "send", "channel": channel, "message": number(0)});
        let error = python.fail(send).await?;
        assert!(error.contains("ChannelFull"), "{error}");
    }
    drop(listening);
    Ok(())
}

#[tokio::test]
async fn slow_consumer_loses_what_it_has_no_room_for_and_costs_no_other() -> Result<()> {
    let scene = Scene::start(Queue).await?;
    let rust = scene.rust_with(|config| config.capacities(Capacities::new(3)))?;
    let mut python = scene.python().await?;
    let (mut slow, mut quick) = (member(&rust, "room").await?, member(&rust, "room").await?);

    for n in 0..8 {
        python.group_send("room", &number(n)).await?;
        assert_eq!(next(&mut quick).await?, number(n));
    }

    assert_eq!(take(&mut slow, 3).await?, [number(0), number(1), number(2)]);
    assert_eq!(gap(&mut slow).await?.lost, 5);
    nothing(&mut slow).await?;
    let drops = rust.drops().context("it counts")?;
    assert_eq!(drops.get(DropCause::Full), 5);
    Ok(())
}

#[tokio::test]
async fn process_of_python_that_reads_nothing_is_full_for_rust() -> Result<()> {
    let scene = Scene::start(Queue).await?;
    let rust = scene.rust_with(|config| config.capacities(Capacities::new(3)))?;
    // Nobody receives in the name of this one.
    let channel = "specific.0123456789ab4def8123456789abcdef!x";
    let group = "room".parse()?;
    rust.group_add(&group, &channel.parse()?).await?;

    let mut reports = Vec::new();
    for n in 0..5 {
        let report = rust.group_send(&group, value::message(&number(n))?).await?;
        reports.push((report.delivered, report.dropped));
    }

    assert_eq!(reports, [(1, 0), (1, 0), (1, 0), (0, 1), (0, 1)]);
    Ok(())
}

#[tokio::test]
async fn members_are_taken_out_by_the_other_side() -> Result<()> {
    let scene = Scene::start(Queue).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let (mut here, mut added) = (member(&rust, "room").await?, rust.open("specific.").await?);
    let (there, joined) = (python.member("room").await?, python.open().await?);
    let discard = json!({"do": "group_discard", "group": "room", "channel": here.name().as_str()});
    let add = json!({"do": "group_add", "group": "room", "channel": added.name().as_str()});

    python.ask(discard).await?;
    python.ask(add).await?;
    rust.group_discard(&"room".parse()?, &there.parse()?)
        .await?;
    rust.group_add(&"room".parse()?, &joined.parse()?).await?;
    python.group_send("room", &number(1)).await?;
    group_send(&rust, "room", &number(2)).await?;

    assert_eq!(take(&mut added, 2).await?, [number(1), number(2)]);
    assert_eq!(python.take(&joined, 2).await?, [number(1), number(2)]);
    nothing(&mut here).await?;
    assert_eq!(python.take_all(&there).await?, [] as [Value; 0]);
    Ok(())
}

#[tokio::test]
async fn what_waits_too_long_is_gone_for_both() -> Result<()> {
    let options = json!({"expiry": 1});
    let scene = Scene::with(
        Queue,
        vec![RedisServer::start().await?],
        options,
        "expiry=1",
    )?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    for channel in ["for.rust", "for.python"] {
        send(&rust, channel, &number(1)).await?;
        python.send(channel, &number(2)).await?;
    }

    until("Redis has forgotten it", async || {
        let keys = scene.server().keys().await.unwrap_or_default();
        !keys.iter().any(|key| key.starts_with("asgifor."))
    })
    .await?;
    let mut here = rust.listen(&"for.rust".parse()?).await?;
    python
        .ask(json!({"do": "listen", "channel": "for.python"}))
        .await?;
    for channel in ["for.rust", "for.python"] {
        python.send(channel, &number(3)).await?;
    }

    assert_eq!(next(&mut here).await?, number(3));
    assert_eq!(python.next("for.python").await?, number(3));
    nothing(&mut here).await
}

#[tokio::test]
async fn nothing_is_left_in_redis_by_either() -> Result<()> {
    let scene = Scene::start(Queue).await?;
    let (rust, mut python) = (scene.rust()?, scene.python().await?);
    let mut here = member(&rust, "room").await?;
    let there = python.member("room").await?;
    python.group_send("room", &number(1)).await?;
    next(&mut here).await?;
    python.next(&there).await?;

    drop(here);
    rust.close().await?;
    let discard = json!({"do": "group_discard", "group": "room", "channel": there});
    python.ask(discard).await?;

    until("all keys are gone", async || {
        let keys = scene.server().keys().await;
        keys.is_ok_and(|keys| keys.is_empty())
    })
    .await
}
