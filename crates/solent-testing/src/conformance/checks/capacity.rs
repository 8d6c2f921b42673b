//! Full channels.

use solent_layer::{
    Capacities, ChannelLayer, ChannelName, DynLayer, FullPolicy, Mailbox, SendError,
};

use crate::conformance::{
    Subject,
    subject::{channel, jobs, number, read_number},
};

/// What a channel holds by default.
const CAPACITY: u64 = 100;

pub(crate) async fn full_channel_hands_the_message_back(subject: &Subject) {
    let layer = subject.layer_of(100).await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");

    fill(&layer, mailbox.name(), CAPACITY).await;
    for n in 1000..1003 {
        overfill(subject, &layer, &mailbox, n).await;
    }

    subject.arrive(&layer, &mailbox, CAPACITY as usize, 3).await;
    subject
        .receive_exactly(&layer, &mut mailbox, 0..CAPACITY)
        .await;
}

pub(crate) async fn reading_makes_room(subject: &Subject) {
    let layer = subject.layer_of(100).await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    fill(&layer, mailbox.name(), CAPACITY).await;
    subject.arrive(&layer, &mailbox, CAPACITY as usize, 0).await;

    for n in CAPACITY..CAPACITY + 10 {
        assert_eq!(subject.receive_number(&mut mailbox).await, n - CAPACITY);
        let sent = layer.send(mailbox.name(), number(n)).await;
        sent.expect("one has been read, so there is room for one");
    }
    overfill(subject, &layer, &mailbox, 1000).await;
    subject.arrive(&layer, &mailbox, CAPACITY as usize, 1).await;

    subject
        .receive_exactly(&layer, &mut mailbox, 10..CAPACITY + 10)
        .await;
}

pub(crate) async fn name_without_a_listener_is_bounded(subject: &Subject) {
    let layer = subject.layer().await;
    let jobs = jobs();

    fill(&layer, &jobs, CAPACITY).await;

    refuse(&layer, &jobs, 1000).await;
}

pub(crate) async fn capacity_is_found_by_pattern(subject: &Subject) {
    let layer = subject
        .layer_with(|wanted| {
            wanted.capacities = Capacities::new(7)
                .with("small.*!", 2)
                .with("small.*", 3)
                .with("[jk]obs", 4);
        })
        .await;
    let mut small = layer.open("small.").await.expect("a channel opens");
    let mut other = layer.open("other.").await.expect("a channel opens");

    for (dropped, (mailbox, capacity)) in (1..).zip([(&mut small, 2), (&mut other, 7)]) {
        fill(&layer, mailbox.name(), capacity).await;
        overfill(subject, &layer, mailbox, 1000).await;
        subject
            .arrive(&layer, mailbox, capacity as usize, dropped)
            .await;
        subject.receive_exactly(&layer, mailbox, 0..capacity).await;
    }
    if !subject.profile().queues {
        return;
    }
    for (name, capacity) in [("small.jobs", 3), ("jobs", 4), ("Jobs", 7)] {
        fill(&layer, &channel(name), capacity).await;
        refuse(&layer, &channel(name), 1000).await;
    }
}

pub(crate) async fn oldest_message_makes_room_if_that_is_the_policy(subject: &Subject) {
    let layer = subject
        .layer_with(|wanted| {
            wanted.capacities = Capacities::new(3);
            wanted.policy = FullPolicy::DropOldest;
        })
        .await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");

    fill(&layer, mailbox.name(), 5).await;
    subject.arrive(&layer, &mailbox, 3, 2).await;

    subject
        .receive_exactly(&layer, &mut mailbox, [2, 3, 4])
        .await;
}

pub(crate) async fn slow_reader_is_disconnected_if_that_is_the_policy(subject: &Subject) {
    let layer = subject
        .layer_with(|wanted| {
            wanted.capacities = Capacities::new(3);
            wanted.policy = FullPolicy::Disconnect;
        })
        .await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");

    fill(&layer, mailbox.name(), 3).await;
    subject.arrive(&layer, &mailbox, 3, 0).await;
    assert!(!mailbox.overflowed(), "it is full, and not more");
    // A layer may know of it at once, or when the message has come to the process that reads.
    let _ = layer.send(mailbox.name(), number(3)).await;
    subject
        .until(
            || mailbox.overflowed(),
            || "the reader was to be told that it is too slow".to_owned(),
        )
        .await;

    subject.receive_end(&mut mailbox).await;
}

/// Sends the numbers below `count`, for which there is room.
async fn fill(layer: &DynLayer, name: &ChannelName, count: u64) {
    for n in 0..count {
        let sent = layer.send(name, number(n)).await;
        assert!(sent.is_ok(), "message {n} of {count} to {name}: {sent:?}");
    }
}

/// Sends a number for which there is no room; it must not arrive, and the sender is told if the layer can tell.
async fn overfill(subject: &Subject, layer: &DynLayer, mailbox: &Mailbox, n: u64) {
    if subject.profile().tells_full {
        refuse(layer, mailbox.name(), n).await;
    } else {
        let _ = layer.send(mailbox.name(), number(n)).await;
    }
}

/// Sends a number for which there is no room.
async fn refuse(layer: &DynLayer, name: &ChannelName, n: u64) {
    match layer.send(name, number(n)).await {
        Err(SendError::Full(message)) => assert_eq!(read_number(&message), n),
        other => panic!("{name} is full, so the message was to be handed back, not {other:?}"),
    }
}
