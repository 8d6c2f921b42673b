use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use solent::{
    Solent,
    app::{BackgroundConfig, BoundSolent, Health, Restart, StopHandle, TaskHealth, TaskState},
    layer::{
        ChannelLayer, ChannelName, Claim, DynLayer, GroupName, GroupReport, LayerError, Mailbox,
        MemoryLayer, Message, SendError,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

const SECOND: Duration = Duration::from_secs(1);

/// An application that serves.
struct Served {
    health: Health,
    handle: StopHandle,
    serving: JoinHandle<Result<(), solent::Error>>,
}

impl Served {
    async fn new(app: Solent) -> Self {
        Self::of(app.bind("127.0.0.1:0").listen().await.unwrap())
    }

    fn of(bound: BoundSolent) -> Self {
        Self {
            health: bound.health().clone(),
            handle: bound.handle(),
            serving: tokio::spawn(bound.serve()),
        }
    }

    /// The one task, once it is as expected.
    async fn task_that(&self, is_expected: impl Fn(&TaskHealth) -> bool) -> TaskHealth {
        let found = async {
            loop {
                let task = self.health.tasks().into_iter().next();
                match task.filter(&is_expected) {
                    Some(task) => return task,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        match timeout(600 * SECOND, found).await {
            Ok(task) => task,
            Err(_) => panic!("{:?}", self.health.tasks()),
        }
    }

    async fn stop(self) {
        self.handle.stop();
        self.serving.await.unwrap().unwrap();
    }
}

/// Counts the tasks that run at the moment.
#[derive(Clone, Default)]
struct Running {
    now: Arc<AtomicUsize>,
    /// How many ran at once at most.
    most: Arc<AtomicUsize>,
}

impl Running {
    /// Runs until it is cancelled.
    async fn run(self) -> solent::Result {
        let _guard = Guard::new(&self.now);
        self.most.fetch_max(self.count(), SeqCst);
        pending().await
    }

    fn count(&self) -> usize {
        self.now.load(SeqCst)
    }
}

struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn task_that_fails_or_panics_is_started_again_after_growing_pauses() {
    for panics in [false, true] {
        let starts: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let noted = Arc::clone(&starts);
        let served = Served::new(Solent::new().background("unlucky", move |_| {
            noted.lock().unwrap().push(Instant::now());
            async move {
                assert!(!panics, "out of luck");
                Err("out of luck".into())
            }
        }))
        .await;

        let task = served.task_that(|task| task.restarts == 4).await;

        assert_eq!((task.name, task.state), ("unlucky", TaskState::Restarting));
        let error = task.last_error.unwrap();
        assert!(error.contains("out of luck"), "{error}");
        assert!(served.health.is_healthy(), "it is not given up");
        let starts = starts.lock().unwrap().clone();
        for (pair, longest) in starts.windows(2).zip([1, 2, 4]) {
            let pause = pair[1] - pair[0];
            let longest = longest * SECOND + Duration::from_millis(10);
            assert!(
                pause <= longest && pause >= longest / 2,
                "{pause:?}, {longest:?}"
            );
        }
        served.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn task_that_fails_too_often_is_given_up() {
    let config = BackgroundConfig::default().limit(2);
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let served = Served::new(Solent::new().background_with("hopeless", config, move |_| {
        counted.fetch_add(1, SeqCst);
        async { Err("hopeless".into()) }
    }))
    .await;

    served
        .task_that(|task| task.state == TaskState::Failed)
        .await;

    assert!(!served.health.is_healthy());
    sleep(600 * SECOND).await;
    assert_eq!(runs.load(SeqCst), 3, "once, and twice again");
    served.stop().await;
}

#[tokio::test(start_paused = true)]
async fn policy_says_what_is_started_again() {
    for (restart, fails, expected) in [
        (Restart::Never, true, TaskState::Failed),
        (Restart::Never, false, TaskState::Finished),
        (Restart::OnFailure, false, TaskState::Finished),
        (Restart::OnFailure, true, TaskState::Restarting),
        (Restart::Always, false, TaskState::Restarting),
        (Restart::Always, true, TaskState::Restarting),
    ] {
        let config = BackgroundConfig::default().restart(restart);
        let served =
            Served::new(
                Solent::new().background_with("task", config, move |_| async move {
                    if fails {
                        Err("as asked".into())
                    } else {
                        Ok(())
                    }
                }),
            )
            .await;

        let task = served.task_that(|task| task.state == expected).await;

        assert_eq!(task.last_error.is_some(), fails, "{restart:?}");
        served.stop().await;
    }
}

#[tokio::test]
async fn health_is_shown_to_who_asks_by_http() {
    for (fails, status, body) in [
        (
            false,
            "HTTP/1.1 200 OK",
            r#"{"status":"ok","tasks":[{"name":"task","restarts":0,"state":"finished"}]}"#,
        ),
        (
            true,
            "HTTP/1.1 503 Service Unavailable",
            r#"{"status":"failed","tasks":[{"name":"task","restarts":0,"state":"failed"}]}"#,
        ),
    ] {
        let config = BackgroundConfig::default().restart(Restart::Never);
        let app = Solent::new()
            .bind("127.0.0.1:0")
            .health("health/")
            .background_with("task", config, move |_| async move {
                if fails {
                    Err("a secret".into())
                } else {
                    Ok(())
                }
            });
        let bound = app.listen().await.unwrap();
        let address = bound.addresses()[0].to_string();
        let served = Served::of(bound);
        served
            .task_that(|task| task.state == TaskState::Failed || task.state == TaskState::Finished)
            .await;

        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /health/ HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();

        assert!(answer.starts_with(status), "{answer}");
        assert!(answer.ends_with(body), "{answer}");
        served.stop().await;
    }
}

/// What several processes share: it stays open when one of them ends, and may forget its leases.
#[derive(Clone, Default)]
struct StaysOpen(MemoryLayer, Arc<Mutex<MemoryLayer>>);

impl StaysOpen {
    fn leases(&self) -> MemoryLayer {
        let leases = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        leases.clone()
    }

    fn forget_leases(&self) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = MemoryLayer::default();
    }
}

impl ChannelLayer for StaysOpen {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.0.open(prefix).await
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.0.listen(channel).await
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.0.send(channel, message).await
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.0.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.0.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.0.group_send(group, message).await
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.0.flush().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        Ok(())
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        self.leases().hold(claim, lifetime).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        self.leases().release(claim).await
    }
}

/// An application that runs a task once for all that share the layer.
async fn once(layer: &DynLayer, running: &Running) -> Served {
    let running = running.clone();
    let app = Solent::new()
        .layer(layer.clone())
        .background_once("once", move |_| running.clone().run());
    Served::new(app).await
}

async fn runs(served: &Served) {
    served
        .task_that(|task| task.state == TaskState::Running)
        .await;
}

#[tokio::test(start_paused = true)]
async fn task_of_all_processes_runs_in_one_and_moves_on_when_it_shuts_down() {
    let layer = DynLayer::new(StaysOpen::default());
    let running = Running::default();
    let first = once(&layer, &running).await;
    runs(&first).await;
    let second = once(&layer, &running).await;

    sleep(60 * SECOND).await;
    assert_eq!(running.count(), 1, "one holds the lease");
    assert_eq!(second.health.tasks()[0].state, TaskState::Waiting);

    let start = Instant::now();
    first.handle.stop();
    runs(&second).await;
    assert!(start.elapsed() <= 2 * SECOND, "{:?}", start.elapsed());
    assert_eq!(running.count(), 1, "the first has ended");
}

#[tokio::test(start_paused = true)]
async fn task_of_all_processes_moves_on_in_time_when_its_process_dies() {
    let layer = DynLayer::new(MemoryLayer::default());
    let running = Running::default();
    let first = once(&layer, &running).await;
    runs(&first).await;
    let second = once(&layer, &running).await;
    sleep(7 * SECOND).await;

    let start = Instant::now();
    first.serving.abort();
    runs(&second).await;

    assert!(start.elapsed() <= 15 * SECOND, "{:?}", start.elapsed());
    assert_eq!(running.count(), 1);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn task_is_cancelled_when_its_lease_cannot_be_renewed() {
    let layer = DynLayer::new(MemoryLayer::default());
    let running = Running::default();
    let served = once(&layer, &running).await;
    runs(&served).await;
    assert_eq!(running.count(), 1);

    layer.close().await.unwrap();
    served
        .task_that(|task| task.state == TaskState::Waiting)
        .await;

    assert_eq!(running.count(), 0);
    served.stop().await;
}

#[tokio::test(start_paused = true)]
async fn task_runs_in_one_process_at_a_time_when_the_layer_forgets_its_leases() {
    let shared = StaysOpen::default();
    let layer = DynLayer::new(shared.clone());
    let running = Running::default();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(once(&layer, &running).await);
    }

    for n in 0..50 {
        sleep(4 * SECOND + Duration::from_millis(37 * n)).await;
        assert_eq!(running.count(), 1, "after {n}");
        shared.forget_leases();
    }

    assert_eq!(running.most.load(SeqCst), 1);
    for process in processes {
        process.stop().await;
    }
}
