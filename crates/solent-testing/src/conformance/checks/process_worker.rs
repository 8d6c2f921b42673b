//! Names that several processes listen on.

use std::{future::poll_fn, task::Poll};

use solent_layer::ChannelLayer;

use super::group::send;
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn listeners_in_two_processes_compete(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let jobs = jobs();

    for n in 0..10 {
        here.send(&jobs, number(n)).await.expect("there is room");
    }
    let mut two = there.listen(&jobs).await.expect("jobs can be listened on");
    // They wait for any process.
    subject.receive_exactly(&here, &mut two, 0..10).await;

    let mut one = here.listen(&jobs).await.expect("jobs can be listened on");
    for n in 10..20 {
        here.send(&jobs, number(n)).await.expect("there is room");
        there
            .send(&jobs, number(n + 10))
            .await
            .expect("there is room");
    }
    subject
        .receive_among(&here, &mut [&mut one, &mut two], 10..30)
        .await;
}

pub(crate) async fn busy_process_does_not_keep_messages_from_an_idle_one(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let jobs = jobs();
    let mut busy = here.listen(&jobs).await.expect("jobs can be listened on");
    here.send(&jobs, number(0)).await.expect("there is room");
    assert_eq!(subject.receive_number(&mut busy).await, 0);

    // It is about the first message, and asks for no more.
    let mut idle = there.listen(&jobs).await.expect("jobs can be listened on");
    for n in 1..=10 {
        here.send(&jobs, number(n)).await.expect("there is room");
    }

    subject.receive_sorted(&here, &mut idle, 1..=10).await;
    drop(busy);
}

pub(crate) async fn unread_messages_go_to_another_process(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let jobs = jobs();
    let mut gone = here.listen(&jobs).await.expect("jobs can be listened on");

    // It has asked, so the layer may take something for it.
    let polled = poll_fn(|cx| Poll::Ready(gone.poll_recv(cx))).await;
    assert!(polled.is_pending(), "{polled:?}");
    for n in 0..5 {
        there.send(&jobs, number(n)).await.expect("there is room");
    }
    subject.pass(subject.profile().settle).await;
    drop(gone);

    let mut next = there.listen(&jobs).await.expect("jobs can be listened on");
    subject.receive_sorted(&there, &mut next, 0..5).await;
}

pub(crate) async fn name_is_a_member_whichever_process_adds_it(subject: &Subject) {
    let (here, there) = subject.two_processes().await;
    let (room, jobs) = (group("room"), jobs());
    let mut listener = there.listen(&jobs).await.expect("jobs can be listened on");

    let added = here.group_add(&room, &jobs).await;
    assert!(added.is_ok(), "{added:?}");
    send(&here, &room, 1).await;
    send(&there, &room, 2).await;
    subject.receive_sorted(&here, &mut listener, [1, 2]).await;

    let discarded = there.group_discard(&room, &jobs).await;
    assert!(discarded.is_ok(), "{discarded:?}");
    send(&here, &room, 3).await;
    subject.receive_nothing(&here, &mut listener).await;
}
