//! Many at once, on several threads.

use std::collections::HashMap;

use solent_layer::{Capacities, ChannelLayer, ChannelName, DynLayer, Message, SendError};
use tokio::task::{JoinSet, yield_now};

use super::group::members;
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

const SENDERS: u64 = 4;
const EACH: u64 = 300;

pub(crate) async fn many_senders_lose_nothing_and_keep_their_order(subject: &Subject) {
    let layer = roomy(subject).await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    let mut senders = JoinSet::new();

    for sender in 0..SENDERS {
        let (layer, name) = (layer.clone(), mailbox.name().clone());
        senders.spawn(async move {
            for n in 0..EACH {
                send_patiently(&layer, &name, number(sender * EACH + n)).await;
            }
        });
    }

    let mut next = HashMap::new();
    for _ in 0..SENDERS * EACH {
        let n = subject.receive_number(&mut mailbox).await;
        let expected: &mut u64 = next.entry(n / EACH).or_default();
        assert_eq!(n % EACH, *expected, "of sender {}", n / EACH);
        *expected += 1;
    }
    senders.join_all().await;
    subject.receive_nothing(&layer, &mut mailbox).await;
}

pub(crate) async fn listeners_share_a_flood_without_loss(subject: &Subject) {
    let layer = roomy(subject).await;
    let jobs = jobs();
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(layer.listen(&jobs).await.expect("jobs can be listened on"));
    }

    let sending = tokio::spawn({
        let layer = layer.clone();
        let jobs = jobs.clone();
        async move {
            for n in 0..EACH {
                send_patiently(&layer, &jobs, number(n)).await;
            }
        }
    });
    let [one, two, three] = &mut listeners[..] else {
        unreachable!("there are three listeners")
    };
    subject
        .receive_among(&layer, &mut [one, two, three], 0..EACH)
        .await;
    sending.await.expect("the sender ends well");
}

pub(crate) async fn members_that_come_and_go_disturb_nobody(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut steady = members(&layer, &room, 3).await;
    let mut guests = JoinSet::new();

    for _ in 0..4 {
        let (layer, room) = (layer.clone(), room.clone());
        guests.spawn(async move {
            for round in 0..100 {
                let guest = layer.open("a.").await.expect("a channel opens");
                let added = layer.group_add(&room, guest.name()).await;
                added.expect("a channel joins");
                yield_now().await;
                if round % 2 == 0 {
                    let discarded = layer.group_discard(&room, guest.name()).await;
                    discarded.expect("a channel leaves");
                }
            }
        });
    }
    for n in 0..100 {
        let sent = layer.group_send(&room, number(n)).await;
        sent.expect("a group takes messages");
        for mailbox in &mut steady {
            assert_eq!(subject.receive_number(mailbox).await, n);
        }
    }
    guests.join_all().await;
}

/// A layer whose senders wait for room, or that has room enough where they cannot know.
async fn roomy(subject: &Subject) -> DynLayer {
    if subject.profile().tells_full {
        return subject.layer().await;
    }
    subject
        .layer_with(|wanted| wanted.capacities = Capacities::new(10_000))
        .await
}

/// Sends a message as soon as there is room.
async fn send_patiently(layer: &DynLayer, name: &ChannelName, mut message: Message) {
    loop {
        match layer.send(name, message).await {
            Ok(()) => return,
            Err(SendError::Full(returned)) => message = returned,
            Err(error) => panic!("a message was to be sent to {name}: {error}"),
        }
        yield_now().await;
    }
}
