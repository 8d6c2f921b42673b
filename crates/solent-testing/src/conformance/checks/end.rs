//! Flushed and closed layers.

use solent_layer::{ChannelLayer, LayerError, SendError};
use tokio::time;

use super::group::{join, members};
use crate::conformance::{
    Subject,
    subject::{group, jobs, number},
};

pub(crate) async fn flush_forgets_messages_and_groups(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let mut members = members(&layer, &room, 2).await;
    layer
        .send(members[0].name(), number(1))
        .await
        .expect("there is room");
    layer.send(&jobs, number(2)).await.expect("there is room");
    // What is under way when it is flushed may come after it.
    subject.arrive(&layer, &members[0], 1, 0).await;

    let flushed = layer.flush().await;
    assert!(flushed.is_ok(), "{flushed:?}");
    let _ = layer.group_send(&room, number(3)).await;

    let mut listener = layer.listen(&jobs).await.expect("jobs can be listened on");
    subject.receive_nothing(&layer, &mut listener).await;
    for mailbox in &mut members {
        subject.receive_nothing(&layer, mailbox).await;
    }
}

pub(crate) async fn flush_keeps_mailboxes_open(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let mut mailbox = layer.open("a.").await.expect("a channel opens");
    let mut listener = layer.listen(&jobs).await.expect("jobs can be listened on");

    let flushed = layer.flush().await;
    assert!(flushed.is_ok(), "{flushed:?}");
    layer
        .send(mailbox.name(), number(1))
        .await
        .expect("there is room");
    join(&layer, &room, &mailbox).await;
    let _ = layer.group_send(&room, number(2)).await;
    layer.send(&jobs, number(3)).await.expect("there is room");

    if subject.profile().one_order {
        subject.receive_exactly(&layer, &mut mailbox, [1, 2]).await;
    } else {
        subject.receive_sorted(&layer, &mut mailbox, [1, 2]).await;
    }
    subject.receive_exactly(&layer, &mut listener, [3]).await;
}

pub(crate) async fn close_ends_mailboxes(subject: &Subject) {
    let layer = subject.layer().await;
    let mut waiting = layer.open("a.").await.expect("a channel opens");
    let mut busy = layer.open("a.").await.expect("a channel opens");
    let mut listener = layer.listen(&jobs()).await;
    let listener = listener.as_mut().expect("jobs can be listened on");

    tokio::join!(subject.receive_end(&mut waiting), async {
        tokio::task::yield_now().await;
        let closed = layer.close().await;
        assert!(closed.is_ok(), "{closed:?}");
    });

    subject.receive_end(&mut busy).await;
    subject.receive_end(listener).await;
    assert!(!busy.overflowed(), "the reader was not too slow");
}

pub(crate) async fn close_ends_in_time(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let members = members(&layer, &room, 3).await;
    let listener = layer.listen(&jobs).await.expect("jobs can be listened on");
    layer.send(&jobs, number(1)).await.expect("there is room");
    let _ = layer.group_send(&room, number(2)).await;

    // No task reads what waits, and none drops a mailbox.
    let closed = time::timeout(subject.profile().patience, layer.close()).await;

    let closed = closed.expect("close must not wait for what others do");
    assert!(closed.is_ok(), "{closed:?}");
    drop((members, listener));
}

pub(crate) async fn dropped_layer_ends_its_mailboxes(subject: &Subject) {
    let layer = subject.layer().await;
    let mut waiting = layer.open("a.").await.expect("a channel opens");
    let mut busy = layer.open("a.").await.expect("a channel opens");
    let mut listener = layer.listen(&jobs()).await;
    let listener = listener.as_mut().expect("jobs can be listened on");

    tokio::join!(subject.receive_end(&mut waiting), async {
        tokio::task::yield_now().await;
        // This was the only handle.
        drop(layer);
    });

    subject.receive_end(&mut busy).await;
    subject.receive_end(listener).await;
}

pub(crate) async fn closed_layer_fails_every_call(subject: &Subject) {
    let layer = subject.layer().await;
    let (room, jobs) = (group("room"), jobs());
    let mailbox = layer.open("a.").await.expect("a channel opens");
    join(&layer, &room, &mailbox).await;

    layer.close().await.expect("a layer can be closed");

    let name = mailbox.name();
    let calls = [
        ("open", layer.open("a.").await.map(drop)),
        ("listen", layer.listen(&jobs).await.map(drop)),
        ("group_add", layer.group_add(&room, name).await),
        ("group_discard", layer.group_discard(&room, name).await),
        ("flush", layer.flush().await),
    ];
    for (call, result) in calls {
        assert!(
            matches!(result, Err(LayerError::Closed)),
            "{call}: {result:?}"
        );
    }
    let sends = [
        ("send", layer.send(name, number(1)).await),
        ("send to a name", layer.send(&jobs, number(1)).await),
        (
            "group_send",
            layer.group_send(&room, number(1)).await.map(drop),
        ),
    ];
    for (call, result) in sends {
        assert!(
            matches!(result, Err(SendError::Layer(LayerError::Closed))),
            "{call}: {result:?}"
        );
    }
}
