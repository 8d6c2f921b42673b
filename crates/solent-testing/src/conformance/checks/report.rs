//! What is known of drops.

use solent_layer::{ChannelLayer, DropCause};

use super::group::members;
use crate::conformance::{
    Subject,
    subject::{group, number},
};

pub(crate) async fn report_tells_who_got_it_and_who_did_not(subject: &Subject) {
    let layer = subject.layer_of(100).await;
    let room = group("room");
    let members = members(&layer, &room, 5).await;
    for mailbox in &members[..2] {
        for _ in 0..100 {
            let sent = layer.send(mailbox.name(), number(0)).await;
            sent.expect("there is room");
        }
    }

    let report = layer.group_send(&room, number(1)).await;

    let report = report.expect("full members are no error");
    assert_eq!((report.delivered, report.dropped), (3, 2), "{report:?}");
    assert_eq!(report.dropped_for(DropCause::Full), 2, "{report:?}");
}

pub(crate) async fn drops_are_counted_by_cause(subject: &Subject) {
    subject
        .with_capacity_and_expiry(100, async |layer, expiry| {
            let Some(drops) = layer.drops() else {
                println!("not promised: the layer does not count its drops");
                return;
            };
            let room = group("room");
            let mut members = members(&layer, &room, 1).await;
            let count = |cause| drops.get(cause);

            for _ in 0..100 {
                let sent = layer.send(members[0].name(), number(0)).await;
                sent.expect("there is room");
            }
            assert_eq!(drops.total(), 0, "{drops:?}");
            let _ = layer.group_send(&room, number(1)).await;
            let _ = layer.send(members[0].name(), number(2)).await;
            subject.arrive(&layer, &members[0], 100, 2).await;
            assert_eq!(count(DropCause::Full), 2, "{drops:?}");

            subject.pass(expiry + expiry / 10).await;
            subject.receive_nothing(&layer, &mut members[0]).await;
            assert_eq!(count(DropCause::Expired), 100, "{drops:?}");
            assert_eq!(drops.total(), 102, "{drops:?}");
        })
        .await;
}
