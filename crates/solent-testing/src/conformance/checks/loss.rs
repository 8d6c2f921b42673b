//! What is lost is told, and what need not be lost is not.

use solent_layer::{ChannelLayer, DynLayer, Mailbox, SendError};

use super::group::members;
use crate::conformance::{
    Subject,
    subject::{group, number},
};

/// What a consumer may send in one handler, during which it reads nothing.
const BURST: u64 = 2000;

pub(crate) async fn overflow_is_told_once_with_its_number(subject: &Subject) {
    let layer = subject.layer_of(10).await;
    let room = group("room");
    let mut members = members(&layer, &room, 2).await;

    // Twice, so that a gap that was told is seen to be over.
    let mut dropped = 0;
    for (sent, lost) in [(25, 15), (12, 2)] {
        for n in 0..sent {
            let sent = layer.group_send(&room, number(n)).await;
            sent.expect("full members are no error");
        }
        dropped += 2 * lost;
        for mailbox in &mut members {
            settled(subject, &layer, mailbox, 10, dropped).await;
        }
        for mailbox in &mut members {
            for n in 0..10 {
                assert_eq!(subject.receive_unbroken(mailbox).await, n);
            }
            assert_eq!(subject.receive_loss(mailbox).await, lost);
        }
    }
    let sent = layer.group_send(&room, number(1000)).await;
    sent.expect("there is room");
    for mailbox in &mut members {
        assert_eq!(subject.receive_unbroken(mailbox).await, 1000);
    }
}

pub(crate) async fn refused_message_is_not_told_as_lost(subject: &Subject) {
    let layer = subject.layer_of(3).await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");

    for n in 0..5 {
        let sent = layer.send(mailbox.name(), number(n)).await;
        assert!(matches!(sent, Ok(()) | Err(SendError::Full(_))), "{sent:?}");
    }

    for n in 0..3 {
        assert_eq!(subject.receive_unbroken(&mut mailbox).await, n);
    }
    let sent = layer.send(mailbox.name(), number(9)).await;
    sent.expect("there is room again");
    assert_eq!(subject.receive_unbroken(&mut mailbox).await, 9);
}

pub(crate) async fn expired_messages_are_told_as_lost(subject: &Subject) {
    subject
        .with_expiry(async |layer, expiry| {
            let room = group("room");
            let mut mailbox = members(&layer, &room, 1).await.remove(0);

            for n in 0..3 {
                let sent = layer.group_send(&room, number(n)).await;
                sent.expect("there is room");
            }
            settled(subject, &layer, &mailbox, 3, 0).await;
            subject.pass(expiry + expiry / 10).await;

            assert_eq!(subject.receive_loss(&mut mailbox).await, 3);
        })
        .await;
}

pub(crate) async fn burst_waits_in_the_mailbox_of_a_busy_reader(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 2).await;

    for n in 0..BURST {
        let name = members[0].name();
        let sent = match n % 4 {
            0 => layer.send(name, number(n)).await,
            _ => layer.group_send(&room, number(n)).await.map(|_| ()),
        };
        sent.expect("there is room for a burst");
    }

    for (idx, mailbox) in members.iter_mut().enumerate() {
        let expected = (0..BURST).filter(|n| idx == 0 || !n.is_multiple_of(4));
        let expected = Vec::from_iter(expected);
        let mut received = Vec::new();
        for _ in &expected {
            received.push(subject.receive_unbroken(mailbox).await);
        }
        // Where several servers keep groups and channels, they have no order among each other.
        received.sort_unstable();
        assert_eq!(received, expected);
    }
}

pub(crate) async fn layer_says_whether_it_has_queues(subject: &Subject) {
    let layer = subject.layer().await;

    assert_eq!(
        layer.has_queues(),
        subject.profile().queues,
        "ChannelLayer::has_queues is to say what the profile says"
    );
}

/// What was sent has arrived: so many messages wait, and so many have been dropped.
async fn settled(
    subject: &Subject,
    layer: &DynLayer,
    mailbox: &Mailbox,
    waiting: usize,
    dropped: u64,
) {
    let has_arrived = || mailbox.len() >= waiting;
    let message = || format!("{waiting} messages were to wait, not {}", mailbox.len());
    subject.until(has_arrived, message).await;
    if let Some(drops) = layer.drops() {
        let are_dropped = || drops.total() >= dropped;
        let message = || format!("{dropped} messages were to be dropped, and {drops:?} were");
        subject.until(are_dropped, message).await;
    }
}
