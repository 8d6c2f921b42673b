//! Rooms that hold bursts, and what is told of those that do not fit.

use super::*;
use crate::Room;

fn lost(lost: u64) -> Polled {
    Polled::Gap(Gap {
        lost,
        uncounted: false,
    })
}

/// A room for two messages of any size, and ten small ones.
fn room() -> Room {
    crate::Capacities::new(2)
        .burst(10, 100)
        .of_mailbox(&"a.p!x".parse().unwrap())
}

fn large() -> Message {
    Message::ready("x".repeat(1000))
}

fn received(inbox: &Inbox) -> usize {
    let mut received = 0;
    while let Polled::Id(_) = poll(inbox) {
        received += 1;
    }
    received
}

#[tokio::test(start_paused = true)]
async fn burst_of_small_messages_has_room_and_large_ones_have_their_capacity() {
    let inbox = Inbox::new(room(), settings(FullPolicy::RefuseNewest));
    for id in 0..12 {
        let _ = inbox.push(&ready(id), Instant::now());
    }
    assert_eq!(received(&inbox), 10);

    for _ in 0..12 {
        let _ = inbox.push(&large(), Instant::now());
    }
    assert_eq!(inbox.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn gap_is_told_once_where_messages_were_lost_with_their_number() {
    let inbox = Inbox::new(2, settings(FullPolicy::RefuseNewest));
    for id in 0..7 {
        let _ = inbox.push(&event(id), Instant::now());
    }
    assert_eq!(poll(&inbox), Polled::Id(0));
    // There is room again, but what is lost meanwhile is part of the gap.
    for id in 7..9 {
        let _ = inbox.push(&event(id), Instant::now());
    }

    assert_eq!(poll(&inbox), Polled::Id(1));
    assert_eq!(poll(&inbox), lost(6));
    assert_eq!(poll(&inbox), Polled::Id(7));
    assert_eq!(poll(&inbox), Polled::Pending);
}

#[tokio::test(start_paused = true)]
async fn refused_offer_is_the_senders_to_tell() {
    let inbox = Inbox::new(1, settings(FullPolicy::RefuseNewest));
    let _ = inbox.offer(&event(0), Instant::now());

    let pushed = inbox.offer(&event(1), Instant::now());

    assert_eq!(pushed, Pushed::Dropped(DropCause::Full));
    assert_eq!(poll(&inbox), Polled::Id(0));
    assert_eq!(poll(&inbox), Polled::Pending);
}

#[tokio::test(start_paused = true)]
async fn oldest_that_made_room_are_told_first() {
    let inbox = Inbox::new(room(), settings(FullPolicy::DropOldest));
    for id in 0..10 {
        let _ = inbox.push(&ready(id), Instant::now());
    }

    // It is too large for a burst, so that only one other has room beside it.
    assert_eq!(inbox.push(&large(), Instant::now()), Pushed::MadeRoom);

    assert_eq!(poll(&inbox), lost(9));
    assert_eq!(poll(&inbox), Polled::Id(9));
}

#[tokio::test(start_paused = true)]
async fn expired_messages_are_told_as_lost() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    for id in 0..3 {
        let _ = inbox.push(&event(id), Instant::now());
    }
    tokio::time::advance(EXPIRY).await;
    let _ = inbox.push(&event(3), Instant::now());

    assert_eq!(poll(&inbox), lost(3));
    assert_eq!(poll(&inbox), Polled::Id(3));
}

#[test]
fn ready_frames_that_a_slow_client_has_no_room_for_are_told() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let sink = Arc::new(Sink::default());
    inbox.set_sink(Some(sink.clone() as _));
    let count = Arc::<Count>::default();
    assert_eq!(poll_as(&inbox, 0, &count), Polled::Pending);
    sink.refuse(Some(SinkRefusal::Full));
    let _ = inbox.push(&ready(0), Instant::now());
    sink.refuse(None);
    let _ = inbox.push(&ready(1), Instant::now());

    assert_eq!(count.wakes(), 1, "the reader is woken for it");
    assert_eq!(poll(&inbox), lost(1));
    assert_eq!(poll(&inbox), Polled::Id(1));
}

#[test]
fn bursts_of_all_inboxes_share_one_backlog() {
    let settings = InboxSettings::new(EXPIRY, FullPolicy::RefuseNewest, Arc::default()).backlog(3);
    let settings = Arc::new(settings);
    let (one, two) = (
        Inbox::new(room(), Arc::clone(&settings)),
        Inbox::new(room(), Arc::clone(&settings)),
    );
    for id in 0..5 {
        let _ = one.push(&ready(id), Instant::now());
        let _ = two.push(&ready(id), Instant::now());
    }
    assert_eq!(one.len() + two.len(), 2 + 2 + 3);

    one.clear();
    assert_eq!(received(&two), two.len() + 3);
    assert_eq!(settings.places(), 3);
}
