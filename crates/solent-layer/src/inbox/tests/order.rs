//! Ready frames, gaps and policies keep the order and the count.

use super::*;

fn diverted() -> (Arc<Inbox>, Arc<Sink>) {
    let inbox = Inbox::new(3, settings(FullPolicy::RefuseNewest));
    let sink = Arc::new(Sink::default());
    inbox.set_sink(Some(sink.clone()));
    (inbox, sink)
}

#[test]
fn ready_frame_goes_to_the_sink_of_a_reader_that_waits() {
    let (inbox, sink) = diverted();
    assert_eq!(poll(&inbox), Polled::Pending);

    assert_eq!(inbox.push(&ready(1), Instant::now()), Pushed::Delivered);

    assert_eq!(sink.taken(), [1]);
    assert!(inbox.is_empty());
}

#[test]
fn ready_frame_waits_for_a_reader_that_has_not_asked_yet() {
    let (inbox, sink) = diverted();

    let _ = inbox.push(&ready(1), Instant::now());

    assert_eq!(sink.taken(), [0; 0]);
    assert_eq!(poll(&inbox), Polled::Id(1));
}

#[test]
fn ready_frame_does_not_overtake_what_waits_or_is_handled() {
    let (inbox, sink) = diverted();
    assert_eq!(poll(&inbox), Polled::Pending);

    let _ = inbox.push(&event(1), Instant::now());
    let _ = inbox.push(&ready(2), Instant::now());
    assert_eq!(poll(&inbox), Polled::Id(1));
    assert_eq!(poll(&inbox), Polled::Id(2));
    let _ = inbox.push(&ready(3), Instant::now());
    assert_eq!(sink.taken(), [0; 0], "the reader handles 2");
    assert_eq!(poll(&inbox), Polled::Id(3));
    assert_eq!(poll(&inbox), Polled::Pending);
    let _ = inbox.push(&ready(4), Instant::now());

    assert_eq!(sink.taken(), [4]);
}

#[test]
fn ready_frame_does_not_overtake_a_gap() {
    let (inbox, sink) = diverted();
    assert_eq!(poll(&inbox), Polled::Pending);

    inbox.push_gap();
    let _ = inbox.push(&ready(1), Instant::now());

    assert_eq!(sink.taken(), [0; 0]);
    assert_eq!(poll(&inbox), gap());
    let _ = inbox.push(&ready(2), Instant::now());
    assert_eq!(sink.taken(), [0; 0], "the reader handles the gap");
    assert_eq!(poll(&inbox), Polled::Id(1));
    assert_eq!(poll(&inbox), Polled::Id(2));
}

#[test]
fn ready_frame_for_a_socket_that_is_not_open_goes_to_the_reader() {
    let (inbox, sink) = diverted();
    assert_eq!(poll(&inbox), Polled::Pending);
    sink.refuse(Some(SinkRefusal::NotOpen));

    assert_eq!(inbox.push(&ready(1), Instant::now()), Pushed::Delivered);

    assert_eq!(poll(&inbox), Polled::Id(1));
}

#[test]
fn frame_that_the_client_has_no_room_for_is_dropped_and_counted() {
    for (refusal, cause) in [
        (SinkRefusal::Full, DropCause::Full),
        (SinkRefusal::Closed, DropCause::Closed),
    ] {
        let (inbox, sink) = diverted();
        assert_eq!(poll(&inbox), Polled::Pending);
        sink.refuse(Some(refusal));

        let pushed = inbox.push(&ready(1), Instant::now());

        assert_eq!(pushed, Pushed::Dropped(cause));
        assert_eq!(inbox.settings.drops.get(cause), 1);
        // A reader whose client is gone has nothing to hear any more.
        let is_told = matches!(poll(&inbox), Polled::Gap(gap) if gap.lost == 1);
        assert_eq!(is_told, refusal == SinkRefusal::Full);
    }
}

#[test]
fn disconnect_policy_gives_up_on_a_client_that_has_no_room() {
    let inbox = Inbox::new(3, settings(FullPolicy::Disconnect));
    let sink = Arc::new(Sink::default());
    inbox.set_sink(Some(sink.clone()));
    let count = Arc::default();
    assert_eq!(poll_as(&inbox, 0, &count), Polled::Pending);
    sink.refuse(Some(SinkRefusal::Full));

    let pushed = inbox.push(&ready(1), Instant::now());

    assert_eq!(pushed, Pushed::Dropped(DropCause::Overflowed));
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&inbox), Polled::End);
    assert!(inbox.overflowed());
}

#[test]
fn disconnect_policy_ends_a_full_channel_and_counts_what_it_loses() {
    let inbox = Inbox::new(2, settings(FullPolicy::Disconnect));
    for id in 1..=3 {
        let _ = inbox.push(&event(id), Instant::now());
    }

    assert_eq!(poll(&inbox), Polled::End);
    assert_eq!(inbox.settings.drops.get(DropCause::Overflowed), 3);
    assert_eq!(
        inbox.push(&event(4), Instant::now()),
        Pushed::Dropped(DropCause::Closed)
    );
}

#[test]
fn gap_is_told_where_it_was_and_only_once() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));

    let _ = inbox.push(&event(1), Instant::now());
    inbox.push_gap();
    let _ = inbox.push(&event(2), Instant::now());
    inbox.push_gap();
    let _ = inbox.push(&event(3), Instant::now());

    let told: Vec<_> = (0..5).map(|_| poll(&inbox)).collect();
    use Polled::{Id, Pending};
    assert_eq!(told, [Id(1), Id(2), gap(), Id(3), Pending]);
}

#[test]
fn closed_inbox_still_gives_what_waits() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let _ = inbox.push(&event(1), Instant::now());

    inbox.close();

    assert_eq!(poll(&inbox), Polled::Id(1));
    assert_eq!(poll(&inbox), Polled::End);
}

#[test]
fn longest_expiry_is_no_expiry() {
    let settings = InboxSettings::new(Duration::MAX, FullPolicy::RefuseNewest, Arc::default());
    let inbox = Inbox::new(1, Arc::new(settings));

    let _ = inbox.push(&event(1), Instant::now());

    assert_eq!(poll(&inbox), Polled::Id(1));
}
