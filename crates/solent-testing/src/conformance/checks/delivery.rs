//! One sender, one channel.

use std::{future::poll_fn, task::Poll};

use solent_layer::ChannelLayer;

use crate::conformance::{Subject, subject::number};

pub(crate) async fn messages_of_one_sender_arrive_in_order(subject: &Subject) {
    let layer = subject.layer().await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");

    for round in 0..3 {
        let numbers: Vec<_> = (round * 50..(round + 1) * 50).collect();
        for &n in &numbers {
            let sent = layer.send(mailbox.name(), number(n)).await;
            sent.expect("there is room");
        }
        subject.receive_exactly(&layer, &mut mailbox, numbers).await;
    }
}

pub(crate) async fn message_reaches_its_channel_and_no_other(subject: &Subject) {
    let layer = subject.layer().await;
    let mut one = layer.open("a.").await.expect("a channel opens");
    let mut two = layer.open("a.").await.expect("a channel opens");

    layer
        .send(one.name(), number(1))
        .await
        .expect("there is room");

    subject.receive_exactly(&layer, &mut one, [1]).await;
    subject.receive_nothing(&layer, &mut two).await;
}

pub(crate) async fn message_wakes_a_reader_that_waits(subject: &Subject) {
    let layer = subject.layer().await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    let name = mailbox.name().clone();

    for n in 0..3 {
        let (received, ()) = tokio::join!(subject.receive_number(&mut mailbox), async {
            // The reader waits by now, and is woken by nothing but the message.
            tokio::task::yield_now().await;
            layer.send(&name, number(n)).await.expect("there is room");
        });
        assert_eq!(received, n);
    }
}

pub(crate) async fn dropped_recv_loses_nothing(subject: &Subject) {
    let layer = subject.layer().await;
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    let name = mailbox.name().clone();

    for n in 0..20 {
        {
            let mut recv = Box::pin(mailbox.recv());
            let polled = poll_fn(|cx| Poll::Ready(recv.as_mut().poll(cx))).await;
            assert!(polled.is_pending(), "{polled:?}");
            layer.send(&name, number(n)).await.expect("there is room");
            // The reader that was promised the message is dropped here, at times after it has been woken.
            if n % 2 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(subject.receive_number(&mut mailbox).await, n);
    }
    subject.receive_nothing(&layer, &mut mailbox).await;
}

pub(crate) async fn sending_to_a_channel_that_is_gone_succeeds(subject: &Subject) {
    let layer = subject.layer().await;
    let mailbox = layer.open("a.").await.expect("a channel opens");
    let gone = mailbox.name().clone();
    drop(mailbox);

    let sent = layer.send(&gone, number(1)).await;

    assert!(sent.is_ok(), "{sent:?}");
}
