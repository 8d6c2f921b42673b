//! A wire that is cut, and is there again.

use std::{collections::HashSet, future::Future};

use solent_layer::{ChannelLayer, LayerError, SendError};
use tokio::time::Instant;

use super::group::members;
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn gap_is_told_to_every_mailbox_after_a_cut(subject: &Subject) {
    let (here, there, wire) = subject.processes_on_a_wire().await;
    let mut mailboxes = members(&here, &group("room"), 2).await;
    for layer in [&here, &there] {
        mailboxes.push(layer.open("a.").await.expect("a channel opens"));
        let listener = layer.listen(&jobs()).await;
        mailboxes.push(listener.expect("jobs can be listened on"));
    }

    wire.cut().await;

    for mailbox in &mut mailboxes {
        let received = subject.receive_until_gap(mailbox).await;
        assert!(received.is_empty(), "{received:?}");
    }
}

pub(crate) async fn subscriptions_are_back_when_a_gap_is_told(subject: &Subject) {
    let (here, there, wire) = subject.processes_on_a_wire().await;
    let room = group("room");
    let mut members = members(&there, &room, 2).await;
    let mut own = here.open("a.").await.expect("a channel opens");

    wire.cut().await;
    for mailbox in members.iter_mut().chain([&mut own]) {
        subject.receive_until_gap(mailbox).await;
    }
    // The connection that sends may find out later than that which receives.
    let to_group = until_sent(subject, 0, |n| here.group_send(&room, number(n))).await;

    for mailbox in &mut members {
        let name = mailbox.name().clone();
        let to_member = until_sent(subject, 1000, |n| here.send(&name, number(n))).await;
        // In whatever order.
        let before = subject.receive_until(mailbox, to_group).await;
        if !before.contains(&to_member) {
            subject.receive_until(mailbox, to_member).await;
        }
    }
}

pub(crate) async fn nothing_arrives_twice_after_a_cut(subject: &Subject) {
    let (here, there, wire) = subject.processes_on_a_wire().await;
    let (room, jobs) = (group("room"), jobs());
    let mut members = members(&there, &room, 2).await;
    let mut listener = there.listen(&jobs).await.expect("jobs can be listened on");

    for n in 0..20 {
        if n == 10 {
            wire.cut().await;
        }
        // What is sent while the wire is cut may fail.
        let _ = here.group_send(&room, number(n)).await;
        let _ = here.send(&jobs, number(n)).await;
    }

    let mut received = Vec::new();
    for mailbox in &mut members {
        let mut numbers = subject.receive_until_gap(mailbox).await;
        let name = mailbox.name().clone();
        // The connection that sends may find out later than that which receives.
        let last = until_sent(subject, 1000, |n| here.send(&name, number(n))).await;
        numbers.extend(subject.receive_until(mailbox, last).await);
        received.push(numbers);
    }
    let last = until_sent(subject, 1000, |n| here.send(&jobs, number(n))).await;
    received.push(subject.receive_until(&mut listener, last).await);
    for numbers in received {
        let different: HashSet<_> = numbers.iter().collect();
        assert_eq!(numbers.len(), different.len(), "{numbers:?}");
    }
}

/// Sends numbers from `first` until one is taken, and returns it.
async fn until_sent<T, F: Future<Output = Result<T, SendError>>>(
    subject: &Subject,
    first: u64,
    send: impl Fn(u64) -> F,
) -> u64 {
    let begun = Instant::now();
    for n in first.. {
        match send(n).await {
            Ok(_) => return n,
            Err(SendError::Layer(LayerError::Away(_)))
                if begun.elapsed() < subject.profile().patience =>
            {
                subject.pass(Subject::BETWEEN).await;
            }
            Err(error) => panic!("the wire is there again, and {n} was to be sent: {error:?}"),
        }
    }
    unreachable!("the numbers do not end")
}
