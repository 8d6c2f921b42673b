//! Messages that are not read in time.

use solent_layer::ChannelLayer;

use crate::conformance::{
    Subject,
    subject::{jobs, number},
};

pub(crate) async fn unread_message_expires(subject: &Subject) {
    subject
        .with_expiry(async |layer, expiry| {
            let mut mailbox = layer.open("a.").await.expect("a channel opens");

            layer
                .send(mailbox.name(), number(1))
                .await
                .expect("there is room");
            subject.pass(expiry + expiry / 10).await;

            subject.receive_nothing(&layer, &mut mailbox).await;
            layer
                .send(mailbox.name(), number(2))
                .await
                .expect("there is room");
            assert_eq!(subject.receive_number(&mut mailbox).await, 2);
        })
        .await;
}

pub(crate) async fn message_lives_until_it_expires(subject: &Subject) {
    subject
        .with_expiry(async |layer, expiry| {
            let mut mailbox = layer.open("a.").await.expect("a channel opens");

            layer
                .send(mailbox.name(), number(1))
                .await
                .expect("there is room");
            subject.pass(expiry * 3 / 5).await;
            layer
                .send(mailbox.name(), number(2))
                .await
                .expect("there is room");
            subject.pass(expiry * 3 / 5).await;

            // The first has expired, the second has not.
            assert_eq!(subject.receive_number(&mut mailbox).await, 2);
        })
        .await;
}

pub(crate) async fn message_without_a_listener_expires(subject: &Subject) {
    subject
        .with_expiry(async |layer, expiry| {
            let jobs = jobs();

            layer.send(&jobs, number(1)).await.expect("there is room");
            subject.pass(expiry + expiry / 10).await;
            let mut listener = layer.listen(&jobs).await.expect("jobs can be listened on");

            subject.receive_nothing(&layer, &mut listener).await;
        })
        .await;
}

pub(crate) async fn expired_messages_make_room(subject: &Subject) {
    subject
        .with_expiry(async |layer, expiry| {
            let mut mailbox = layer.open("a.").await.expect("a channel opens");

            for _ in 0..101 {
                // The last one finds no room.
                let _ = layer.send(mailbox.name(), number(1)).await;
            }
            subject.pass(expiry + expiry / 10).await;
            let sent = layer.send(mailbox.name(), number(2)).await;

            assert!(sent.is_ok(), "all messages have expired: {sent:?}");
            assert_eq!(subject.receive_number(&mut mailbox).await, 2);
        })
        .await;
}
