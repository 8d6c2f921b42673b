use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::executor::block_on;
use solent_layer::{Capacities, DropCause, LayerError};
use tokio::time::advance;

use super::*;

#[tokio::test]
async fn group_of_thousands_gets_every_message_once_and_in_order() {
    let layer = MemoryLayer::default();
    let room = group("room");
    let mut members = Vec::new();
    for _ in 0..5000 {
        let mailbox = layer.open("guest.").await.unwrap();
        layer.group_add(&room, mailbox.name()).await.unwrap();
        members.push(mailbox);
    }

    for idx in 0..3 {
        let report = layer.group_send(&room, number(idx)).await.unwrap();
        assert_eq!((report.delivered, report.dropped), (5000, 0));
    }

    for mailbox in &mut members {
        assert_eq!(waiting(mailbox).await, [number(0), number(1), number(2)]);
    }
}

#[tokio::test]
async fn send_to_thousands_lets_other_tasks_run() {
    let layer = MemoryLayer::default();
    let room = group("room");
    let mut members = Vec::new();
    for _ in 0..5000 {
        let mailbox = layer.open("guest.").await.unwrap();
        layer.group_add(&room, mailbox.name()).await.unwrap();
        members.push(mailbox);
    }
    let done = Arc::new(AtomicBool::new(false));

    let sending = tokio::spawn({
        let (layer, room, done) = (layer.clone(), room.clone(), Arc::clone(&done));
        async move {
            layer.group_send(&room, number(1)).await.unwrap();
            done.store(true, Relaxed);
        }
    });
    let mut turns = 0;
    while !done.load(Relaxed) {
        tokio::task::yield_now().await;
        turns += 1;
    }

    sending.await.unwrap();
    assert!(turns >= 4, "{turns} turns");
}

#[tokio::test]
async fn member_that_left_is_not_served_and_the_others_are() {
    let layer = MemoryLayer::default();
    let room = group("room");
    let mut members = Vec::new();
    for _ in 0..100 {
        let mailbox = layer.open("guest.").await.unwrap();
        layer.group_add(&room, mailbox.name()).await.unwrap();
        members.push(mailbox);
    }

    for keep in [90, 50, 7, 1] {
        // From the front, the back and the middle.
        while members.len() > keep {
            let idx = [0, members.len() - 1, members.len() / 2][members.len() % 3];
            members.swap_remove(idx);
        }
        for mailbox in members.iter().step_by(2) {
            layer.group_add(&room, mailbox.name()).await.unwrap();
        }
        let report = layer.group_send(&room, number(keep)).await.unwrap();
        assert_eq!(report.delivered, keep);
        for mailbox in &mut members {
            assert_eq!(waiting(mailbox).await, [number(keep)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_nobody_listens_on_any_more_are_forgotten() {
    let layer = MemoryLayer::default();
    for idx in 0..1000 {
        let name = channel(&format!("job_{idx}"));
        layer.send(&name, number(idx)).await.unwrap();
        layer.group_add(&group("jobs"), &name).await.unwrap();
    }
    assert_eq!(layer.channel_count(), 1000);

    advance(Duration::from_secs(61)).await;
    let _ = layer.group_send(&group("unrelated"), number(1)).await;
    assert_eq!(layer.channel_count(), 1000, "they are members still");
    assert_eq!(layer.drops().unwrap().get(DropCause::Expired), 1000);

    advance(Duration::from_secs(24 * 60 * 60)).await;
    let _ = layer.group_send(&group("unrelated"), number(1)).await;
    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}

#[tokio::test]
async fn shared_channel_goes_with_its_last_reader_unless_messages_wait() {
    let layer = MemoryLayer::default();
    let jobs = channel("jobs");
    let (one, two) = (
        layer.listen(&jobs).await.unwrap(),
        layer.listen(&jobs).await.unwrap(),
    );

    drop(one);
    assert_eq!(layer.channel_count(), 1);
    drop(two);
    assert_eq!(layer.channel_count(), 0);

    let reader = layer.listen(&jobs).await.unwrap();
    layer.send(&jobs, number(1)).await.unwrap();
    drop(reader);
    assert_eq!(layer.channel_count(), 1);
    let mut next = layer.listen(&jobs).await.unwrap();
    assert_eq!(waiting(&mut next).await, [number(1)]);
}

#[tokio::test]
async fn discarded_shared_channel_is_forgotten() {
    let layer = MemoryLayer::default();

    layer
        .group_add(&group("jobs"), &channel("job"))
        .await
        .unwrap();
    assert_eq!((layer.channel_count(), layer.group_count()), (1, 1));
    layer
        .group_discard(&group("jobs"), &channel("job"))
        .await
        .unwrap();

    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}

#[tokio::test]
async fn unknown_process_specific_channel_cannot_fill_a_group() {
    let layer = MemoryLayer::default();

    let added = layer.group_add(&group("room"), &channel("gone!1")).await;

    assert!(
        matches!(added, Err(LayerError::Unavailable(_))),
        "{added:?}"
    );
    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn expired_memberships_do_not_pile_up_in_a_channel_that_lives_long() {
    let layer = MemoryLayer::default();
    let mailbox = layer.listen(&channel("jobs")).await.unwrap();

    let mut bytes = 0;
    for day in 0..1000_i32 {
        let memory = allocation_counter::measure(|| {
            block_on(async {
                let room = group(&format!("day_{day}"));
                layer.group_add(&room, mailbox.name()).await.unwrap();
                let yesterday = group(&format!("day_{}", day - 1));
                layer.group_send(&yesterday, number(1)).await.unwrap();
            });
        });
        bytes += memory.bytes_current;
        advance(Duration::from_secs(24 * 60 * 60 + 1)).await;
    }

    assert_eq!(layer.group_count(), 1);
    // A first table for each shard; a thousand memberships would be ten times as much.
    assert!(bytes < 10_000, "{bytes} bytes");
}

#[test]
fn layer_works_without_a_runtime() {
    block_on(async {
        let layer = MemoryLayer::new(MemoryConfig::default().capacities(Capacities::new(1)));
        let mut mailbox = layer.open("").await.unwrap();
        layer.send(mailbox.name(), number(1)).await.unwrap();
        assert!(layer.send(mailbox.name(), number(2)).await.is_err());
        assert_eq!(waiting(&mut mailbox).await, [number(1)]);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_that_come_and_go_disturb_nobody() {
    let layer = MemoryLayer::default();
    let room = group("room");
    let mut steady = layer.open("steady.").await.unwrap();
    layer.group_add(&room, steady.name()).await.unwrap();

    let comings = (0..4).map(|_| {
        let (layer, room) = (layer.clone(), room.clone());
        tokio::spawn(async move {
            for round in 0..2000 {
                let mailbox = layer.open("guest.").await.unwrap();
                layer.group_add(&room, mailbox.name()).await.unwrap();
                if round % 2 == 0 {
                    layer.group_discard(&room, mailbox.name()).await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let comings: Vec<_> = comings.collect();
    for idx in 0..1000 {
        layer.group_send(&room, number(idx)).await.unwrap();
        assert_eq!(waiting(&mut steady).await, [number(idx)]);
        tokio::task::yield_now().await;
    }
    for coming in comings {
        coming.await.unwrap();
    }

    assert_eq!((layer.channel_count(), layer.group_count()), (1, 1));
    drop(steady);
    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn last_member_leaving_while_another_joins_leaves_one_group() {
    // Room for what the others send while one of the tasks sleeps.
    let layer = MemoryLayer::new(MemoryConfig::default().capacities(Capacities::new(100_000)));
    let room = group("room");

    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (layer, room) = (layer.clone(), room.clone());
            tokio::spawn(async move {
                for idx in 0..3000 {
                    let mut mailbox = layer.open("guest.").await.unwrap();
                    layer.group_add(&room, mailbox.name()).await.unwrap();
                    layer.group_send(&room, number(idx)).await.unwrap();
                    // Its own message at least, since it is a member.
                    assert!(waiting(&mut mailbox).await.contains(&number(idx)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
}
