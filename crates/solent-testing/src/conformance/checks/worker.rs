//! Names that workers listen on.

use std::{future::poll_fn, task::Poll};

use solent_layer::ChannelLayer;

use crate::conformance::{
    Subject,
    subject::{jobs, number},
};

pub(crate) async fn message_waits_for_a_listener(subject: &Subject) {
    let layer = subject.layer().await;
    let jobs = jobs();

    for n in 0..3 {
        layer.send(&jobs, number(n)).await.expect("there is room");
    }
    let mut listener = layer.listen(&jobs).await.expect("jobs can be listened on");

    subject.receive_exactly(&layer, &mut listener, 0..3).await;
}

pub(crate) async fn each_message_goes_to_one_of_the_listeners(subject: &Subject) {
    let layer = subject.layer().await;
    let jobs = jobs();
    let mut one = layer.listen(&jobs).await.expect("jobs can be listened on");
    let mut two = layer.listen(&jobs).await.expect("jobs can be listened on");

    for n in 0..20 {
        layer.send(&jobs, number(n)).await.expect("there is room");
    }

    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(subject.receive_number(&mut one).await);
        seen.push(subject.receive_number(&mut two).await);
    }
    seen.sort_unstable();
    assert_eq!(seen, Vec::from_iter(0..20));
    subject
        .receive_among(&layer, &mut [&mut one, &mut two], [])
        .await;
}

pub(crate) async fn busy_listener_does_not_keep_messages_from_an_idle_one(subject: &Subject) {
    let layer = subject.layer().await;
    let jobs = jobs();
    let mut busy = layer.listen(&jobs).await.expect("jobs can be listened on");
    let mut idle = layer.listen(&jobs).await.expect("jobs can be listened on");

    // Both have asked; then one of them does something else.
    for listener in [&mut busy, &mut idle] {
        let polled = poll_fn(|cx| Poll::Ready(listener.poll_recv(cx))).await;
        assert!(polled.is_pending(), "{polled:?}");
    }
    for n in 0..10 {
        layer.send(&jobs, number(n)).await.expect("there is room");
    }

    subject.receive_exactly(&layer, &mut idle, 0..10).await;
    drop(busy);
}

pub(crate) async fn unread_messages_of_a_dropped_listener_go_to_another(subject: &Subject) {
    let layer = subject.layer().await;
    let jobs = jobs();
    let dropped = layer.listen(&jobs).await.expect("jobs can be listened on");
    for n in 0..5 {
        layer.send(&jobs, number(n)).await.expect("there is room");
    }

    drop(dropped);
    let mut next = layer.listen(&jobs).await.expect("jobs can be listened on");

    subject.receive_sorted(&layer, &mut next, 0..5).await;
}
