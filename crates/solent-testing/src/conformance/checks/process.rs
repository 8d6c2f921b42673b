//! Several processes of one service.

use solent_layer::ChannelLayer;

use super::group::members;
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn group_message_reaches_members_in_another_process(subject: &Subject) {
    if !subject.profile().spans_processes {
        return;
    }
    let (here, there) = subject.two_processes().await;
    let room = group("room");
    let mut members_here = members(&here, &room, 2).await;
    let mut members_there = members(&there, &room, 2).await;

    for n in 0..10 {
        let sent = here.group_send(&room, number(n)).await;
        assert!(sent.is_ok(), "{sent:?}");
    }

    for mailbox in members_here.iter_mut().chain(&mut members_there) {
        assert_eq!(subject.receive_all(mailbox).await, Vec::from_iter(0..10));
    }
}

pub(crate) async fn message_reaches_a_channel_of_another_process(subject: &Subject) {
    if !subject.profile().spans_processes {
        return;
    }
    let (here, there) = subject.two_processes().await;
    let mut mailbox = there.open("a.").await.expect("a channel opens");

    for n in 0..10 {
        let sent = here.send(mailbox.name(), number(n)).await;
        assert!(sent.is_ok(), "{sent:?}");
    }

    let received = subject.receive_all(&mut mailbox).await;
    assert_eq!(received, Vec::from_iter(0..10));
}

pub(crate) async fn listeners_in_two_processes_compete(subject: &Subject) {
    if !subject.profile().spans_processes || !subject.profile().queues {
        return;
    }
    let (here, there) = subject.two_processes().await;
    let jobs = jobs();

    for n in 0..10 {
        here.send(&jobs, number(n)).await.expect("there is room");
    }
    let mut two = there.listen(&jobs).await.expect("jobs can be listened on");
    let mut seen = subject.receive_all(&mut two).await;
    assert_eq!(seen, Vec::from_iter(0..10), "they wait for any process");

    let mut one = here.listen(&jobs).await.expect("jobs can be listened on");
    for n in 10..20 {
        here.send(&jobs, number(n)).await.expect("there is room");
        there
            .send(&jobs, number(n + 10))
            .await
            .expect("there is room");
    }
    let (by_one, by_two) =
        tokio::join!(subject.receive_all(&mut one), subject.receive_all(&mut two));
    seen.extend(by_one);
    seen.extend(by_two);
    seen.sort_unstable();
    assert_eq!(seen, Vec::from_iter(0..30), "each goes to one of them");
}
