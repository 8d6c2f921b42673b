//! Groups and their members.

use solent_layer::{ChannelLayer, DynLayer, GroupName, Mailbox, SendError};
use tokio::time::Instant;

use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn group_message_reaches_every_member(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 5).await;
    let mut stranger = layer.open("a.").await.expect("a channel opens");

    let sent = layer.group_send(&room, number(1)).await;

    assert!(sent.is_ok(), "{sent:?}");
    for mailbox in &mut members {
        subject.receive_exactly(&layer, mailbox, [1]).await;
    }
    subject.receive_nothing(&layer, &mut stranger).await;
}

pub(crate) async fn groups_do_not_mix(subject: &Subject) {
    let layer = subject.layer().await;
    let (red, blue) = (group("red"), group("blue"));
    let mut in_red = members(&layer, &red, 1).await;
    let mut in_blue = members(&layer, &blue, 1).await;

    send(&layer, &red, 1).await;

    subject.receive_exactly(&layer, &mut in_red[0], [1]).await;
    subject.receive_nothing(&layer, &mut in_blue[0]).await;
}

pub(crate) async fn channel_may_be_in_several_groups(subject: &Subject) {
    let layer = subject.layer().await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    let rooms: Vec<_> = (0..10).map(|n| group(&format!("room_{n}"))).collect();

    for room in &rooms {
        join(&layer, room, &mailbox).await;
    }
    for (n, room) in (0..).zip(&rooms) {
        send(&layer, room, n).await;
    }

    if subject.profile().one_order {
        subject.receive_exactly(&layer, &mut mailbox, 0..10).await;
    } else {
        subject.receive_sorted(&layer, &mut mailbox, 0..10).await;
    }
}

pub(crate) async fn channel_added_twice_gets_one_message(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 2).await;

    for _ in 0..3 {
        join(&layer, &room, &members[0]).await;
    }
    send(&layer, &room, 1).await;

    for mailbox in &mut members {
        subject.receive_exactly(&layer, mailbox, [1]).await;
    }
}

pub(crate) async fn discarded_channel_gets_nothing(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 3).await;

    // It was added twice, and one discard undoes both.
    join(&layer, &room, &members[1]).await;
    let discarded = layer.group_discard(&room, members[1].name()).await;
    assert!(discarded.is_ok(), "{discarded:?}");
    send(&layer, &room, 1).await;

    subject.receive_exactly(&layer, &mut members[0], [1]).await;
    subject.receive_nothing(&layer, &mut members[1]).await;
    subject.receive_exactly(&layer, &mut members[2], [1]).await;

    join(&layer, &room, &members[1]).await;
    send(&layer, &room, 2).await;
    subject.receive_exactly(&layer, &mut members[1], [2]).await;
}

pub(crate) async fn discarded_name_gets_nothing(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let mut listener = layer.listen(&jobs).await.expect("jobs can be listened on");

    join(&layer, &room, &listener).await;
    let discarded = layer.group_discard(&room, &jobs).await;
    assert!(discarded.is_ok(), "{discarded:?}");
    send(&layer, &room, 1).await;

    subject.receive_nothing(&layer, &mut listener).await;
    join(&layer, &room, &listener).await;
    send(&layer, &room, 2).await;
    subject.receive_exactly(&layer, &mut listener, [2]).await;
}

pub(crate) async fn discarding_a_stranger_is_no_error(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let stranger = layer.open("a.").await.expect("a channel opens");

    let discarded = layer.group_discard(&room, stranger.name()).await;
    assert!(
        discarded.is_ok(),
        "from a group without members: {discarded:?}"
    );
    let mut members = members(&layer, &room, 1).await;
    let discarded = layer.group_discard(&room, stranger.name()).await;
    assert!(
        discarded.is_ok(),
        "from a group with a member: {discarded:?}"
    );

    send(&layer, &room, 1).await;
    subject.receive_exactly(&layer, &mut members[0], [1]).await;
}

pub(crate) async fn empty_group_takes_messages(subject: &Subject) {
    let layer = subject.layer().await;

    let sent = layer.group_send(&group("nobody"), number(1)).await;

    let report = sent.expect("a group without members is no error");
    assert_eq!((report.delivered, report.dropped), (0, 0));
}

pub(crate) async fn group_messages_of_one_sender_arrive_in_order(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 3).await;

    for n in 0..30 {
        send(&layer, &room, n).await;
    }

    for mailbox in &mut members {
        subject.receive_exactly(&layer, mailbox, 0..30).await;
    }
}

pub(crate) async fn message_does_not_overtake_a_group_message(subject: &Subject) {
    let (here, there, _) = subject.processes_on_a_wire().await;
    let room = group("room");
    let mut members = members(&there, &room, 3).await;

    for n in 0..30 {
        if n % 3 == 0 {
            for mailbox in &members {
                let sent = here.send(mailbox.name(), number(n)).await;
                sent.expect("there is room");
            }
        } else {
            send(&here, &room, n).await;
        }
    }

    for mailbox in &mut members {
        subject.receive_exactly(&here, mailbox, 0..30).await;
    }
}

pub(crate) async fn full_member_fails_nobody(subject: &Subject) {
    let layer = subject.layer_of(100).await;
    let room = group("room");
    let mut members = members(&layer, &room, 5).await;
    let full = members[2].name().clone();

    for _ in 0..100 {
        let sent = layer.send(&full, number(0)).await;
        sent.expect("there is room");
    }
    let sent = layer.group_send(&room, number(1)).await;

    assert!(sent.is_ok(), "{sent:?}");
    for idx in [0, 1, 3, 4] {
        subject
            .receive_exactly(&layer, &mut members[idx], [1])
            .await;
    }
}

pub(crate) async fn listened_name_can_be_a_member(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let mut one = layer.listen(&jobs).await.expect("jobs can be listened on");
    let mut two = layer.listen(&jobs).await.expect("jobs can be listened on");

    let added = layer.group_add(&room, &jobs).await;
    assert!(added.is_ok(), "{added:?}");
    send(&layer, &room, 1).await;

    // The name is the member, not each of its listeners.
    subject
        .receive_among(&layer, &mut [&mut one, &mut two], [1])
        .await;
}

pub(crate) async fn dropped_mailbox_leaves_its_groups(subject: &Subject) {
    let layer = subject.layer().await;
    let room = group("room");
    let mut members = members(&layer, &room, 3).await;
    drop(members.remove(1));

    // What a layer has to tell its backend may take a moment, in which the member is still counted.
    let begun = Instant::now();
    let mut sent = 0;
    loop {
        sent += 1;
        let report = layer.group_send(&room, number(sent)).await;
        let report = report.expect("there is room");
        if !subject.profile().reports || (report.delivered, report.dropped) == (2, 0) {
            break;
        }
        assert!(begun.elapsed() < subject.profile().patience, "{report:?}");
        subject.pass(Subject::BETWEEN).await;
    }

    for mailbox in &mut members {
        subject.receive_exactly(&layer, mailbox, 1..=sent).await;
    }
}

pub(crate) async fn open_mailbox_stays_a_member(subject: &Subject) {
    subject
        .with_group_expiry(async |layer, expiry| {
            let room = group("room");
            let mut members = members(&layer, &room, 1).await;

            subject.pass(expiry * 3 / 2).await;
            send(&layer, &room, 1).await;

            subject.receive_exactly(&layer, &mut members[0], [1]).await;
        })
        .await;
}

pub(crate) async fn membership_of_a_listened_name_expires(subject: &Subject) {
    subject
        .with_group_expiry(async |layer, expiry| {
            let (room, mut listeners) = listeners(&layer, 1).await;

            subject.pass(expiry * 3 / 5).await;
            send(&layer, &room, 1).await;
            subject
                .receive_exactly(&layer, &mut listeners[0], [1])
                .await;
            subject.pass(expiry * 3 / 5).await;
            send(&layer, &room, 2).await;

            subject.receive_nothing(&layer, &mut listeners[0]).await;
            join(&layer, &room, &listeners[0]).await;
            send(&layer, &room, 3).await;
            subject
                .receive_exactly(&layer, &mut listeners[0], [3])
                .await;
        })
        .await;
}

pub(crate) async fn adding_again_renews_a_membership_that_expires(subject: &Subject) {
    subject
        .with_group_expiry(async |layer, expiry| {
            let (room, mut listeners) = listeners(&layer, 2).await;

            subject.pass(expiry * 3 / 5).await;
            join(&layer, &room, &listeners[0]).await;
            subject.pass(expiry * 3 / 5).await;
            send(&layer, &room, 1).await;

            subject
                .receive_exactly(&layer, &mut listeners[0], [1])
                .await;
            subject.receive_nothing(&layer, &mut listeners[1]).await;
        })
        .await;
}

/// A group, and mailboxes of names that are members of it.
async fn listeners(layer: &DynLayer, count: usize) -> (GroupName, Vec<Mailbox>) {
    let room = group("room");
    let mut listeners = Vec::new();
    for _ in 0..count {
        let mailbox = layer.listen(&jobs()).await.expect("it can be listened on");
        join(layer, &room, &mailbox).await;
        listeners.push(mailbox);
    }
    (room, listeners)
}

/// Mailboxes that are members of a group.
pub(super) async fn members(layer: &DynLayer, room: &GroupName, count: usize) -> Vec<Mailbox> {
    let mut members = Vec::new();
    for _ in 0..count {
        let mailbox = layer.open("a.").await.expect("a channel opens");
        join(layer, room, &mailbox).await;
        members.push(mailbox);
    }
    members
}

pub(super) async fn join(layer: &DynLayer, room: &GroupName, mailbox: &Mailbox) {
    let added = layer.group_add(room, mailbox.name()).await;
    assert!(
        added.is_ok(),
        "{} was to join {room}: {added:?}",
        mailbox.name()
    );
}

pub(super) async fn send(layer: &DynLayer, room: &GroupName, n: u64) {
    match layer.group_send(room, number(n)).await {
        Ok(_) => {}
        Err(SendError::Full(_)) => panic!("a full member is no error of {room}"),
        Err(error) => panic!("{n} was to be sent to {room}: {error}"),
    }
}
