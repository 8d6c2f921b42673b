use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use solent::{
    Application, Args, ChannelConsumer, ChannelContext, Error, Result, Solent,
    consumers::{ChannelConfig, ChannelCounts, WorkerConfig, WorkerCounts},
    layer::{
        ChannelLayer, ChannelName, DynLayer, GroupName, GroupReport, LayerError, Mailbox,
        MemoryLayer, Message, SendError,
    },
    spec::Channel,
};
use tokio::sync::{Semaphore, mpsc};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Job {
    #[serde(rename = "job.do")]
    Do { what: String },
}

/// What a worker's consumers share with a test.
#[derive(Clone)]
struct Bench {
    done: mpsc::UnboundedSender<String>,
    /// A handler needs a permit to end.
    may_end: Arc<Semaphore>,
    ended: Arc<Mutex<Vec<String>>>,
}

struct Works(Bench);

impl ChannelConsumer for Works {
    type Event = Job;

    async fn handle(&mut self, cx: &mut ChannelContext<Job>, Job::Do { what }: &Job) -> Result {
        self.0
            .done
            .send(format!("{}: {what}", cx.scope().channel))?;
        self.0.may_end.acquire().await?.forget();
        if what == "fail" {
            return Err("asked to".into());
        }
        self.0.ended.lock().unwrap().push(what.clone());
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut ChannelContext<Job>) -> Result {
        self.0.ended.lock().unwrap().push("disconnect".to_owned());
        Ok(())
    }
}

fn bench(permits: usize) -> (Bench, mpsc::UnboundedReceiver<String>) {
    let (done, seen) = mpsc::unbounded_channel();
    let bench = Bench {
        done,
        may_end: Arc::new(Semaphore::new(permits)),
        ended: Arc::default(),
    };
    (bench, seen)
}

fn works(bench: &Bench) -> impl Application<Channel> {
    let bench = bench.clone();
    Works::application_with(move |_| Ok(Works(bench.clone())))
}

/// An application with two channels, on a layer that a test can send through.
fn app(bench: &Bench) -> (Solent, DynLayer) {
    let layer = DynLayer::new(MemoryLayer::default());
    let app = Solent::new()
        .bind("127.0.0.1:0")
        .layer(layer.clone())
        .channel("thumbnails", works(bench))
        .channel_with(
            "emails",
            ChannelConfig::default().concurrency(2),
            works(bench),
        );
    (app, layer)
}

async fn order(layer: &DynLayer, channel: &str, what: &str) {
    let message = Message::encode(&Job::Do { what: what.into() }).unwrap();
    let channel = channel.parse().unwrap();
    layer.send(&channel, message).await.unwrap();
}

/// How many messages wait on a channel.
async fn waiting(layer: &DynLayer, channel: &str) -> usize {
    let mailbox = layer.listen(&channel.parse().unwrap()).await.unwrap();
    mailbox.len()
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn process_that_serves_leaves_named_channels_alone() {
    let (bench, _seen) = bench(9);
    let (app, layer) = app(&bench);
    let bound = app.listen().await.unwrap();
    assert_eq!(bound.addresses().len(), 1);
    assert!(bound.worker_counts().is_none());
    let serving = tokio::spawn(bound.serve());

    order(&layer, "emails", "a").await;
    settle().await;

    assert_eq!(waiting(&layer, "emails").await, 1);
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn worker_listens_on_its_channels_and_nowhere_else() {
    let (bench, mut seen) = bench(9);
    let (app, layer) = app(&bench);
    let bound = app.worker(["emails"]).listen().await.unwrap();
    assert!(bound.addresses().is_empty());
    let counts = bound.worker_counts().unwrap();
    let handle = bound.handle();
    let working = tokio::spawn(bound.serve());

    order(&layer, "thumbnails", "a").await;
    order(&layer, "emails", "fail").await;
    order(&layer, "emails", "b").await;

    assert_eq!(seen.recv().await.unwrap(), "emails: fail");
    assert_eq!(seen.recv().await.unwrap(), "emails: b");
    assert_eq!(waiting(&layer, "thumbnails").await, 1);
    handle.stop();
    working.await.unwrap().unwrap();
    let emails = counts.channel("emails").unwrap();
    assert_eq!((emails.handled(), emails.failed()), (1, 1));
    assert!(counts.channel("thumbnails").is_none());
}

#[tokio::test(start_paused = true)]
async fn process_that_works_here_serves_and_listens_on_all_channels() {
    let (bench, mut seen) = bench(9);
    let (app, layer) = app(&bench);
    let bound = app.worker_here().listen().await.unwrap();
    assert_eq!(bound.addresses().len(), 1);
    let handle = bound.handle();
    let serving = tokio::spawn(bound.serve());

    order(&layer, "thumbnails", "a").await;
    assert_eq!(seen.recv().await.unwrap(), "thumbnails: a");
    order(&layer, "emails", "b").await;
    assert_eq!(seen.recv().await.unwrap(), "emails: b");

    handle.stop();
    serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn stopped_worker_finishes_what_it_has_in_hand_and_disconnects() {
    let (bench, mut seen) = bench(0);
    let (app, layer) = app(&bench);
    let bound = app.worker(["thumbnails"]).listen().await.unwrap();
    let (handle, counts) = (bound.handle(), bound.worker_counts().unwrap());
    let working = tokio::spawn(bound.serve());
    order(&layer, "thumbnails", "a").await;
    order(&layer, "thumbnails", "b").await;
    assert_eq!(seen.recv().await.unwrap(), "thumbnails: a");

    handle.stop();
    settle().await;
    assert!(!working.is_finished());
    assert_eq!(waiting(&layer, "thumbnails").await, 1);
    bench.may_end.add_permits(1);
    working.await.unwrap().unwrap();

    assert_eq!(*bench.ended.lock().unwrap(), ["a", "disconnect"]);
    assert_eq!(counts.total(ChannelCounts::in_hand), 0);
}

#[tokio::test(start_paused = true)]
async fn worker_gives_up_on_a_handler_after_its_grace() {
    let (bench, mut seen) = bench(0);
    let (app, layer) = app(&bench);
    let grace = WorkerConfig::default().grace(Duration::from_secs(3));
    let bound = app
        .worker(["emails"])
        .worker_config(grace)
        .listen()
        .await
        .unwrap();
    let (handle, counts) = (bound.handle(), bound.worker_counts().unwrap());
    let working = tokio::spawn(bound.serve());
    order(&layer, "emails", "endless").await;
    assert_eq!(seen.recv().await.unwrap(), "emails: endless");

    let told = tokio::time::Instant::now();
    handle.stop();
    working.await.unwrap().unwrap();

    assert_eq!(told.elapsed().as_secs(), 3);
    assert_eq!(counts.total(ChannelCounts::abandoned), 1);
    // Both consumers of the channel: the idle one, and the one that was given up.
    assert_eq!(*bench.ended.lock().unwrap(), ["disconnect", "disconnect"]);
}

#[tokio::test]
async fn unknown_channel_is_refused_with_the_known_ones() {
    let (bench, _seen) = bench(0);

    let error = app(&bench)
        .0
        .worker(["emails", "letters"])
        .listen()
        .await
        .unwrap_err();

    assert_eq!(
        error.to_string(),
        r#"application has no channel "letters", it has thumbnails, emails"#
    );
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[tokio::test]
async fn worker_needs_channels() {
    let none: [&str; 0] = [];
    let (bench, _seen) = bench(0);
    let asked_for_none = app(&bench).0.worker(none).listen().await.unwrap_err();
    let has_none = Solent::new().worker_here().listen().await.unwrap_err();

    for error in [asked_for_none, has_none] {
        assert!(
            error.to_string().contains("worker has no channels"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn worker_on_a_layer_of_its_own_is_refused() {
    let (bench, _seen) = bench(0);
    let alone = Solent::new().channel("emails", works(&bench));
    let chosen = app(&bench)
        .0
        .args(Args::parse(["--layer=memory:"], None, &[]).unwrap());

    for app in [alone, chosen] {
        let error = app.worker(["emails"]).listen().await.unwrap_err();
        assert!(matches!(error, Error::AloneAtWork), "{error}");
    }
}

/// A memory layer that says it publishes.
struct Publishes(MemoryLayer);

impl ChannelLayer for Publishes {
    async fn open(&self, prefix: &str) -> std::result::Result<Mailbox, LayerError> {
        self.0.open(prefix).await
    }

    async fn listen(&self, channel: &ChannelName) -> std::result::Result<Mailbox, LayerError> {
        self.0.listen(channel).await
    }

    async fn send(
        &self,
        channel: &ChannelName,
        message: Message,
    ) -> std::result::Result<(), SendError> {
        self.0.send(channel, message).await
    }

    async fn group_add(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> std::result::Result<(), LayerError> {
        self.0.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> std::result::Result<(), LayerError> {
        self.0.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> std::result::Result<GroupReport, SendError> {
        self.0.group_send(group, message).await
    }

    async fn flush(&self) -> std::result::Result<(), LayerError> {
        self.0.flush().await
    }

    async fn close(&self) -> std::result::Result<(), LayerError> {
        self.0.close().await
    }

    fn has_queues(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn channel_on_a_layer_that_publishes_is_refused_whatever_the_process_does() {
    let (bench, _seen) = bench(0);
    let app = || app(&bench).0.layer(Publishes(MemoryLayer::default()));

    for app in [app(), app().worker_here(), app().worker(["emails"])] {
        let error = app.listen().await.unwrap_err();
        assert!(matches!(error, Error::NoQueues { .. }), "{error}");
        assert!(error.to_string().contains("?layer=queue"), "{error}");
    }
}

#[tokio::test]
async fn channel_on_an_unknown_layer_is_refused_with_how_to_add_it() {
    let (bench, _seen) = bench(0);
    let config = ChannelConfig::default().layer("jobs");
    let app = Solent::new().channel_with("emails", config, works(&bench));

    let error = app.listen().await.unwrap_err();

    assert!(error.to_string().contains("--layer jobs=URL"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn worker_takes_jobs_from_the_layer_that_its_channel_is_on() {
    let (bench, mut seen) = bench(9);
    let jobs = DynLayer::new(MemoryLayer::default());
    let bound = Solent::new()
        .bind("127.0.0.1:0")
        .layer(Publishes(MemoryLayer::default()))
        .layer_as("jobs", jobs.clone())
        .channel_with(
            "emails",
            ChannelConfig::default().layer("jobs"),
            works(&bench),
        )
        .worker_here()
        .listen()
        .await
        .unwrap();
    let (default, handle) = (bound.layer().clone(), bound.handle());
    let serving = tokio::spawn(bound.serve());

    // Whoever sends through the default layer reaches the worker as well.
    order(&jobs, "emails", "one").await;
    assert_eq!(seen.recv().await.unwrap(), "emails: one");
    order(&default, "emails", "two").await;
    assert_eq!(seen.recv().await.unwrap(), "emails: two");

    handle.stop();
    serving.await.unwrap().unwrap();
    let closed = jobs.open("a.").await;
    assert!(
        matches!(closed, Err(LayerError::Closed)),
        "all layers are closed"
    );
}

#[tokio::test]
async fn faulty_channels_are_refused_whatever_the_process_does() {
    let (bench, _seen) = bench(0);
    let twice = app(&bench).0.channel("emails", works(&bench));
    let nameless = app(&bench).0.channel("no spaces", works(&bench));

    let twice = twice.listen().await.unwrap_err();
    assert_eq!(
        twice.to_string(),
        r#"channel "emails" has two applications, add it once"#
    );
    assert!(matches!(
        nameless.listen().await,
        Err(Error::ChannelName(_))
    ));
}

#[tokio::test]
async fn command_line_counts_before_the_program() {
    let (bench, _seen) = bench(0);
    let args = |line: &str| Args::parse(line.split_whitespace(), None, &[]).unwrap();
    let two = "--bind 127.0.0.1:0 --bind localhost:0";

    let elsewhere = app(&bench).0.args(args(two)).listen().await.unwrap();
    let here = app(&bench)
        .0
        .worker_here()
        .args(args(""))
        .listen()
        .await
        .unwrap();
    let worker = app(&bench).0.worker_here().args(args("--worker emails"));
    let worker = worker.listen().await.unwrap();

    assert_eq!(elsewhere.addresses().len(), 2);
    assert_eq!(here.addresses().len(), 1);
    assert!(worker.addresses().is_empty());
    let counts = worker.worker_counts().unwrap();
    assert_eq!(counts.channels().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn background_tasks_run_where_connections_are_served_and_state_is_everywhere() {
    struct Asks(mpsc::UnboundedSender<(u32, bool)>);
    impl ChannelConsumer for Asks {
        type Event = Job;
        async fn handle(&mut self, cx: &mut ChannelContext<Job>, _: &Job) -> Result {
            let state = &cx.scope().state;
            let number = state.get::<u32>().copied().unwrap_or_default();
            self.0
                .send((number, state.get::<WorkerCounts>().is_some()))?;
            Ok(())
        }
    }
    for (works_only, expected) in [(true, 0), (false, 1)] {
        let (answers, mut asked) = mpsc::unbounded_channel();
        let layer = DynLayer::new(MemoryLayer::default());
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let app = Solent::new()
            .bind("127.0.0.1:0")
            .layer(layer.clone())
            .state(7_u32)
            .channel(
                "asks",
                Asks::application_with(move |_| Ok(Asks(answers.clone()))),
            )
            .background("counts", move |_| {
                count.fetch_add(1, SeqCst);
                pending()
            });
        let app = if works_only {
            app.worker(["asks"])
        } else {
            app.worker_here()
        };
        let bound = app.listen().await.unwrap();
        let handle = bound.handle();
        let serving = tokio::spawn(bound.serve());

        order(&layer, "asks", "x").await;
        assert_eq!(asked.recv().await.unwrap(), (7, true));
        settle().await;

        assert_eq!(started.load(SeqCst), expected);
        handle.stop();
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn worker_whose_layer_is_closed_ends_with_an_error() {
    let (bench, _seen) = bench(0);
    let (app, layer) = app(&bench);
    let bound = app.worker(["emails"]).listen().await.unwrap();
    let working = tokio::spawn(bound.serve());
    settle().await;

    layer.close().await.unwrap();

    let error = working.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Worker(_)), "{error}");
}
