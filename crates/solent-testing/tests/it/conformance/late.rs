//! A sound layer on a slow machine: the kit waits for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use solent_layer::{
    ChannelLayer, ChannelName, DropCounts, GroupName, GroupReport, LayerError, Mailbox, Message,
    SendError,
};
use solent_layer_memory::MemoryLayer;
use solent_testing::conformance::{Profile, Promise, Subject, promises};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::sleep,
};

/// How long nothing happens before each thing that does. Much longer than the kit looks for what must not arrive.
const PAUSE: Duration = Duration::from_millis(50);

/// What a layer with a slow backend does not promise, or takes no messages for.
const EXCEPT: [&str; 6] = [
    // It cannot know in time.
    "name_without_a_listener_is_bounded",
    // The last of a burst comes when the first has expired.
    "burst_waits_in_the_mailbox_of_a_busy_reader",
    // With threads its clock is the machine's, and it is slow indeed.
    "many_senders_lose_nothing_and_keep_their_order",
    "listeners_share_a_flood_without_loss",
    "members_that_come_and_go_disturb_nobody",
    "drops_are_counted_by_cause",
];

/// Passes on what it is told, in order, after a pause each.
struct Late {
    inner: Arc<MemoryLayer>,
    queue: mpsc::UnboundedSender<Work>,
    closed: AtomicBool,
    task: AbortHandle,
}

enum Work {
    Send(ChannelName, Message),
    GroupSend(GroupName, Message),
    /// What the caller waits for comes after all of this.
    Turn(oneshot::Sender<()>),
}

impl Late {
    fn new() -> Self {
        let inner = Arc::new(MemoryLayer::default());
        let (queue, rx) = mpsc::unbounded_channel();
        let task = tokio::spawn(work(Arc::clone(&inner), rx)).abort_handle();
        Self {
            inner,
            queue,
            closed: AtomicBool::new(false),
            task,
        }
    }

    fn submit(&self, work: Work) -> Result<(), LayerError> {
        if self.closed.load(SeqCst) {
            return Err(LayerError::Closed);
        }
        self.queue.send(work).map_err(|_| LayerError::Closed)
    }

    async fn turn(&self) -> Result<(), LayerError> {
        let (tx, rx) = oneshot::channel();
        self.submit(Work::Turn(tx))?;
        rx.await.map_err(|_| LayerError::Closed)
    }
}

async fn work(inner: Arc<MemoryLayer>, mut queue: mpsc::UnboundedReceiver<Work>) {
    while let Some(work) = queue.recv().await {
        sleep(PAUSE).await;
        match work {
            Work::Send(channel, message) => drop(inner.send(&channel, message).await),
            Work::GroupSend(group, message) => drop(inner.group_send(&group, message).await),
            Work::Turn(tx) => drop(tx.send(())),
        }
    }
}

impl Drop for Late {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ChannelLayer for Late {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.inner.open(prefix).await
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.inner.listen(channel).await
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        Ok(self.submit(Work::Send(channel.clone(), message))?)
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.turn().await?;
        self.inner.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.turn().await?;
        self.inner.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.submit(Work::GroupSend(group.clone(), message))?;
        Ok(GroupReport::default())
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.turn().await?;
        self.inner.flush().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.closed.store(true, SeqCst);
        self.inner.close().await
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        self.inner.drops()
    }
}

#[test]
fn layer_that_is_slow_breaks_no_promise() {
    let profile = Profile::default()
        .settle(PAUSE / 10)
        .reports(false)
        .tells_full(false);
    let mut broken = Vec::new();
    for promise in promises().filter(|promise| is_tried(promise)) {
        let subject = Subject::new(profile.clone(), |_| async { Late::new() }).without_settings();
        if catch_unwind(AssertUnwindSafe(|| subject.check(promise))).is_err() {
            broken.push(promise.name);
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What expires is younger than it seems where it comes late.
fn is_tried(promise: &Promise) -> bool {
    let about_time = ["expire", "renew", "stays_a_member"];
    !EXCEPT.contains(&promise.name) && !about_time.iter().any(|word| promise.name.contains(word))
}
