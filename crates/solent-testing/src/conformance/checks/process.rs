//! Several processes of one service.

use solent_layer::{ChannelLayer, LayerError};

use super::group::{members, send};
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn group_message_reaches_members_in_another_process(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let room = group("room");
    let mut members_here = members(&here, &room, 2).await;
    let mut members_there = members(&there, &room, 2).await;

    for n in 0..10 {
        let sent = here.group_send(&room, number(n)).await;
        assert!(sent.is_ok(), "{sent:?}");
    }

    for mailbox in members_here.iter_mut().chain(&mut members_there) {
        subject.receive_exactly(&here, mailbox, 0..10).await;
    }
}

pub(crate) async fn message_reaches_a_channel_of_another_process(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let mut mailbox = there.open("a.").await.expect("a channel opens");

    for n in 0..10 {
        let sent = here.send(mailbox.name(), number(n)).await;
        assert!(sent.is_ok(), "{sent:?}");
    }

    subject.receive_exactly(&here, &mut mailbox, 0..10).await;
}

pub(crate) async fn channel_of_another_process_joins_or_is_refused(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let room = group("room");
    let mut mailbox = there.open("a.").await.expect("a channel opens");

    match here.group_add(&room, mailbox.name()).await {
        Ok(()) => {}
        // A layer may leave it to the other process, but says so.
        Err(LayerError::Unavailable(_)) => return,
        Err(error) => panic!("{} was to join {room}: {error}", mailbox.name()),
    }
    send(&here, &room, 1).await;
    send(&there, &room, 2).await;

    subject.receive_sorted(&here, &mut mailbox, [1, 2]).await;
}

pub(crate) async fn flush_reaches_every_process(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let (room, jobs) = (group("room"), jobs());
    let mut members = members(&there, &room, 2).await;
    let mut listener = there.listen(&jobs).await.expect("jobs can be listened on");
    let sent = there.send(members[0].name(), number(1)).await;
    sent.expect("there is room");
    here.send(&jobs, number(2)).await.expect("there is room");
    subject
        .until(
            || !members[0].is_empty(),
            || "a message was to reach the other process".to_owned(),
        )
        .await;

    let flushed = here.flush().await;
    assert!(flushed.is_ok(), "{flushed:?}");
    // The other process may take a moment to hear of it.
    subject
        .until(
            || members[0].is_empty(),
            || "the other process was to hear of the flush".to_owned(),
        )
        .await;
    let _ = here.group_send(&room, number(3)).await;

    subject.receive_nothing(&here, &mut listener).await;
    for mailbox in &mut members {
        subject.receive_nothing(&here, mailbox).await;
        let sent = here.send(mailbox.name(), number(4)).await;
        sent.expect("there is room");
        // It is open still.
        subject.receive_exactly(&here, mailbox, [4]).await;
    }
}

pub(crate) async fn close_leaves_other_processes_alone(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let room = group("room");
    let ended = members(&here, &room, 1).await;
    let mut open = members(&there, &room, 2).await;

    let closed = here.close().await;
    assert!(closed.is_ok(), "{closed:?}");

    send(&there, &room, 1).await;
    for mailbox in &mut open {
        let sent = there.send(mailbox.name(), number(2)).await;
        sent.expect("there is room");
        subject.receive_sorted(&there, mailbox, [1, 2]).await;
    }
    drop(ended);
}
