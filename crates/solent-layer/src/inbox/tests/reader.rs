//! Readers are woken, compete and go.

use super::*;

#[test]
fn reader_is_woken_once_for_what_arrives_while_it_waits() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let count = Arc::default();
    assert_eq!(poll_as(&inbox, 0, &count), Polled::Pending);

    let _ = inbox.push(&event(1), Instant::now());
    let _ = inbox.push(&event(2), Instant::now());

    assert_eq!(count.wakes(), 1);
}

#[test]
fn latest_waker_is_the_one_that_is_woken() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let (old, new) = (Arc::default(), Arc::default());
    poll_as(&inbox, 0, &old);
    poll_as(&inbox, 0, &new);

    let _ = inbox.push(&event(1), Instant::now());

    assert_eq!((old.wakes(), new.wakes()), (0, 1));
}

#[test]
fn quiet_push_leaves_the_waking_to_the_caller() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let count = Arc::default();
    poll_as(&inbox, 0, &count);
    let mut wakers = Wakers::new();

    let _ = inbox.push_quietly(&event(1), Instant::now(), &mut wakers);
    assert_eq!(count.wakes(), 0);
    drop(wakers);

    assert_eq!(count.wakes(), 1);
}

#[test]
fn gap_and_close_wake_the_reader() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let count = Arc::default();

    poll_as(&inbox, 0, &count);
    inbox.push_gap();
    assert_eq!(poll_as(&inbox, 0, &count), gap());
    poll_as(&inbox, 0, &count);
    inbox.close();

    assert_eq!(count.wakes(), 2);
}

/// A waker whose last reference takes the lock of the inbox when it goes, as a task that owns the mailbox would.
struct Owning(Arc<Inbox>);

impl Wake for Owning {
    fn wake(self: Arc<Self>) {
        self.0.len();
    }
}

impl Drop for Owning {
    fn drop(&mut self) {
        self.0.len();
    }
}

#[test]
fn wakers_are_woken_and_dropped_without_the_lock() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    for _ in 0..2 {
        let waker = Waker::from(Arc::new(Owning(Arc::clone(&inbox))));
        assert!(
            inbox
                .poll_pop(0, &mut Context::from_waker(&waker))
                .0
                .is_pending()
        );
    }

    let _ = inbox.push(&event(1), Instant::now());
    inbox.remove_reader(0);
}

/// An event whose destructor takes the lock of the inbox that it waits in.
#[derive(serde::Deserialize)]
struct Nosy {
    #[serde(skip)]
    inbox: Mutex<Option<Arc<Inbox>>>,
}

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(inbox) = self.inbox.lock().unwrap().take() {
            inbox.len();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_dropped_without_the_lock() {
    let inbox = Inbox::new(1, settings(FullPolicy::DropOldest));
    let push = || {
        let message = event(1);
        *message.decode::<Nosy>().unwrap().inbox.lock().unwrap() = Some(Arc::clone(&inbox));
        let _ = inbox.push(&message, Instant::now());
    };

    push();
    push();
    tokio::time::advance(EXPIRY).await;
    push();
    tokio::time::advance(EXPIRY).await;
    assert!(matches!(poll(&inbox), Polled::Gap(gap) if gap.lost == 3));
    push();
    inbox.clear();
    push();
    inbox.remove_reader(0);
}

#[test]
fn each_message_of_a_shared_inbox_goes_to_one_reader() {
    let inbox = Inbox::shared(9, settings(FullPolicy::RefuseNewest));
    let _ = inbox.push(&event(1), Instant::now());
    let (a, b) = (inbox.add_reader(), inbox.add_reader());
    let (count_a, count_b) = (Arc::default(), Arc::default());

    assert_eq!(poll_as(&inbox, b, &count_b), Polled::Id(1), "it has waited");
    assert_eq!(poll_as(&inbox, a, &count_a), Polled::Pending);
    assert_eq!(poll_as(&inbox, b, &count_b), Polled::Pending);
    let _ = inbox.push(&event(2), Instant::now());

    assert_eq!((count_a.wakes(), count_b.wakes()), (1, 1));
    assert_eq!(poll_as(&inbox, a, &count_a), Polled::Id(2));
    assert_eq!(poll_as(&inbox, b, &count_b), Polled::Pending);
}

#[test]
fn shared_inbox_outlives_its_readers() {
    let inbox = Inbox::shared(9, settings(FullPolicy::RefuseNewest));
    let reader = inbox.add_reader();
    poll_as(&inbox, reader, &Arc::default());
    assert!(inbox.has_waiting_reader());

    inbox.remove_reader(reader);
    let _ = inbox.push(&event(1), Instant::now());

    assert_eq!(inbox.readers(), 0);
    assert!(!inbox.has_waiting_reader() && !inbox.is_closed());
    let next = inbox.add_reader();
    assert_eq!(next, reader, "places are used again");
    assert_eq!(poll_as(&inbox, next, &Arc::default()), Polled::Id(1));
}

#[test]
fn shared_inbox_refuses_where_others_disconnect() {
    let inbox = Inbox::shared(1, settings(FullPolicy::Disconnect));
    let reader = inbox.add_reader();
    let _ = inbox.push(&event(1), Instant::now());

    assert_eq!(
        inbox.push(&event(2), Instant::now()),
        Pushed::Dropped(DropCause::Full)
    );
    assert_eq!(poll_as(&inbox, reader, &Arc::default()), Polled::Id(1));
}

#[test]
fn inbox_of_its_own_ends_with_its_reader() {
    let inbox = Inbox::new(9, settings(FullPolicy::RefuseNewest));
    let _ = inbox.push(&event(1), Instant::now());

    inbox.remove_reader(0);

    assert!(inbox.is_closed() && inbox.is_empty());
    assert_eq!(inbox.settings.drops.get(DropCause::Closed), 1);
}

/// Notes what it is told, and whether a reader waited.
#[derive(Default)]
struct Watched(Mutex<Vec<(usize, bool)>>);

impl InboxWatch for Watched {
    fn read(&self, inbox: &Inbox) {
        let told = (inbox.len(), inbox.has_waiting_reader());
        self.0.lock().unwrap().push(told);
    }
}

#[test]
fn watch_hears_when_a_message_is_taken_and_when_a_reader_waits() {
    let watch = Arc::new(Watched::default());
    let inbox = Inbox::watched(
        9,
        settings(FullPolicy::RefuseNewest),
        Arc::clone(&watch) as _,
    );
    let reader = inbox.add_reader();

    poll_as(&inbox, reader, &Arc::default());
    let _ = inbox.push(&event(1), Instant::now());
    poll_as(&inbox, reader, &Arc::default());
    poll_as(&inbox, reader, &Arc::default());

    assert_eq!(*watch.0.lock().unwrap(), [(0, true), (0, false), (0, true)]);
}
