use std::time::Duration;

use serde::{Deserialize, Serialize};
use solent_consumers::{
    Address, ChannelConfig, ChannelConsumer, ChannelContext, ChannelCounts, Group,
    SyncChannelConsumer, SyncChannelContext, WithLayer, Worker, WorkerConfig, WorkerCounts,
    WorkerError,
};
use solent_layer::{
    ChannelLayer, ChannelName, Delivery, DynLayer, GroupName, GroupReport, LayerError, Mailbox,
    Message, SendError,
};
use solent_layer_memory::MemoryLayer;
use solent_spec::{Application, Channel, Result};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use crate::support::{Lines, Log, settle};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Job {
    #[serde(rename = "job.do")]
    Do { what: String },
    #[serde(rename = "job.answer")]
    Answer { to: String },
}

/// Does what its messages say.
struct Works {
    log: Log,
    instance: usize,
}

impl ChannelConsumer for Works {
    type Event = Job;

    async fn handle(&mut self, cx: &mut ChannelContext<Job>, job: &Job) -> Result {
        match job {
            Job::Do { what } => {
                self.log.add(format!("{} {what}", self.instance));
                match what.as_str() {
                    "fail" => return Err("failed".into()),
                    "panic" => panic!("asked to"),
                    "slow" => tokio::time::sleep(Duration::from_secs(5)).await,
                    _ => {}
                }
                self.log.add(format!("done {what}"));
                Ok(())
            }
            Job::Answer { to } => {
                let to: Address<Job> = to.parse()?;
                let what = cx.scope().channel.clone();
                cx.send_to_channel(&to, &Job::Do { what }).await?;
                cx.send_to(&Group::new("answers")?, &Job::Do { what: "all".into() })
                    .await?;
                Ok(())
            }
        }
    }

    async fn disconnect(&mut self, _: &mut ChannelContext<Job>) -> Result {
        self.log.add(format!("{} disconnect", self.instance));
        Ok(())
    }
}

fn works(log: &Log) -> impl Application<Channel> {
    let (log, made) = (log.clone(), Log::default());
    Works::application_with(move |_| {
        made.add("made");
        Ok(Works {
            log: log.clone(),
            instance: made.entries().len(),
        })
    })
}

struct Run {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), WorkerError>>,
    counts: WorkerCounts,
}

fn start(worker: Worker) -> Run {
    let (stop, stopped) = oneshot::channel();
    let counts = worker.counts();
    let task = tokio::spawn(worker.run(async {
        let _ = stopped.await;
    }));
    Run { stop, task, counts }
}

async fn order(layer: &DynLayer, channel: &str, what: &str) {
    let message = Message::encode(&Job::Do { what: what.into() }).unwrap();
    layer
        .send(&channel.parse().unwrap(), message)
        .await
        .unwrap();
}

fn memory() -> DynLayer {
    DynLayer::new(MemoryLayer::default())
}

fn worker(layer: &DynLayer, log: &Log) -> Worker {
    Worker::new(layer.clone())
        .channel("jobs", works(log))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_channel_are_handled_in_order_by_one_consumer() {
    let (layer, log) = (memory(), Log::default());
    order(&layer, "jobs", "early").await;
    let run = start(worker(&layer, &log));

    order(&layer, "jobs", "slow").await;
    order(&layer, "jobs", "late").await;
    tokio::time::sleep(Duration::from_secs(6)).await;

    let expected = [
        "1 early",
        "done early",
        "1 slow",
        "done slow",
        "1 late",
        "done late",
    ];
    assert_eq!(log.entries(), expected);
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn failures_cost_their_own_message_and_no_other() {
    let (layer, log) = (memory(), Log::default());
    let run = start(worker(&layer, &log));

    for what in ["one", "fail", "two", "panic", "three"] {
        order(&layer, "jobs", what).await;
    }
    settle().await;

    let expected = [
        "1 one",
        "done one",
        "1 fail",
        "1 disconnect",
        "2 two",
        "done two",
        "2 panic",
        "2 disconnect",
        "3 three",
        "done three",
    ];
    assert_eq!(log.entries(), expected);
    let jobs = run.counts.channel("jobs").unwrap();
    assert_eq!((jobs.handled(), jobs.failed(), jobs.panicked()), (3, 1, 1));
    assert_eq!((jobs.in_hand(), jobs.starts_failed()), (0, 0));
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn message_of_an_unknown_type_is_counted_and_changes_nothing() {
    let (layer, log) = (memory(), Log::default());
    let seen = log.clone();
    let application = Works::application_with(move |_| {
        Ok(Works {
            log: seen.clone(),
            instance: 1,
        })
    });
    let counts = application.counts();
    let run = start(
        Worker::new(layer.clone())
            .channel("jobs", application)
            .unwrap(),
    );

    let unknown = Message::encode(&std::collections::BTreeMap::from([("type", "job.other")]));
    layer
        .send(&"jobs".parse().unwrap(), unknown.unwrap())
        .await
        .unwrap();
    order(&layer, "jobs", "next").await;
    settle().await;

    assert_eq!(log.entries(), ["1 next", "done next"]);
    assert_eq!(counts.unknown_events(), 1);
    assert_eq!(run.counts.total(ChannelCounts::handled), 2);
    assert_eq!(run.counts.total(ChannelCounts::failed), 0);
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn each_channel_has_its_own_application() {
    let (layer, one, two) = (memory(), Log::default(), Log::default());
    let run = start(
        worker(&layer, &one)
            .channel("more-jobs", works(&two))
            .unwrap(),
    );

    order(&layer, "jobs", "a").await;
    order(&layer, "more-jobs", "b").await;
    order(&layer, "other-jobs", "c").await;
    settle().await;

    assert_eq!((one.count("done a"), two.count("done b")), (1, 1));
    assert_eq!((one.count("done"), two.count("done")), (1, 1));
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn channel_takes_as_many_messages_as_it_may_handle_and_leaves_the_rest_to_others() {
    let (layer, log) = (memory(), Log::default());
    let three = ChannelConfig::default().concurrency(3);
    let run = start(
        Worker::new(layer.clone())
            .channel_with("jobs", three, works(&log))
            .unwrap()
            .channel("more-jobs", works(&log))
            .unwrap(),
    );
    settle().await;

    for channel in ["jobs", "more-jobs"] {
        for _ in 0..5 {
            order(&layer, channel, "slow").await;
        }
    }
    settle().await;

    let in_hand = |channel| run.counts.channel(channel).unwrap().in_hand();
    assert_eq!((in_hand("jobs"), in_hand("more-jobs")), (3, 1));
    let mut other = layer.listen(&"jobs".parse().unwrap()).await.unwrap();
    assert!(matches!(other.recv().await, Some(Delivery::Message(_))));
    assert_eq!(other.len(), 1);
    drop(other);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(log.count("done slow"), 4 + 5, "{log:?}");
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn workers_of_one_layer_compete_and_handle_each_message_once() {
    const MESSAGES: usize = 90;
    let (layer, log) = (memory(), Log::default());
    let runs = [(); 3].map(|()| start(worker(&layer, &log)));
    settle().await;

    for n in 0..MESSAGES {
        order(&layer, "jobs", &format!("message {n:02}.")).await;
    }
    settle().await;

    for n in 0..MESSAGES {
        assert_eq!(log.count(&format!("done message {n:02}.")), 1);
    }
    let handled = runs
        .each_ref()
        .map(|run| run.counts.total(ChannelCounts::handled));
    assert_eq!(handled.iter().sum::<u64>(), MESSAGES as u64);
    runs.into_iter().for_each(|run| run.task.abort());
}

#[tokio::test(start_paused = true)]
async fn stopping_worker_finishes_its_message_and_leaves_the_rest() {
    let (layer, log) = (memory(), Log::default());
    let run = start(worker(&layer, &log));
    order(&layer, "jobs", "slow").await;
    order(&layer, "jobs", "next").await;
    settle().await;

    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();

    assert_eq!(log.entries(), ["1 slow", "done slow", "1 disconnect"]);
    assert_eq!(run.counts.total(ChannelCounts::in_hand), 0);
    let mut mailbox = layer.listen(&"jobs".parse().unwrap()).await.unwrap();
    let left = mailbox.recv().await;
    assert!(matches!(left, Some(Delivery::Message(message)) if message.kind() == Some("job.do")));
}

#[tokio::test(start_paused = true)]
async fn stopping_worker_gives_up_after_its_grace() {
    let (layer, log) = (memory(), Log::default());
    let config = WorkerConfig::default().grace(Duration::from_secs(1));
    let run = start(worker(&layer, &log).config(config));
    order(&layer, "jobs", "slow").await;
    settle().await;

    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();

    solent_consumers::disconnects_finished().await;
    assert_eq!(log.entries(), ["1 slow", "1 disconnect"]);
    assert_eq!(run.counts.total(ChannelCounts::abandoned), 1);
    assert_eq!(run.counts.total(ChannelCounts::in_hand), 0);
}

#[tokio::test(start_paused = true)]
async fn consumer_without_a_message_is_disconnected_too() {
    let (layer, log) = (memory(), Log::default());
    let run = start(worker(&layer, &log));
    settle().await;

    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();

    assert_eq!(log.entries(), ["1 disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn applications_find_the_counts_in_their_state() {
    struct Asks(Log);
    impl ChannelConsumer for Asks {
        type Event = Job;
        async fn handle(&mut self, cx: &mut ChannelContext<Job>, _: &Job) -> Result {
            let counts = cx.scope().state.get::<WorkerCounts>().ok_or("no counts")?;
            let in_hand = counts.total(ChannelCounts::in_hand);
            self.0.add(format!("{in_hand} in hand"));
            Ok(())
        }
    }
    let (layer, log) = (memory(), Log::default());
    let seen = log.clone();
    let asks = Asks::application_with(move |_| Ok(Asks(seen.clone())));
    let run = start(Worker::new(layer.clone()).channel("jobs", asks).unwrap());

    order(&layer, "jobs", "count").await;
    settle().await;

    assert_eq!(log.entries(), ["1 in hand"]);
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn application_that_cannot_start_is_tried_again_with_pauses() {
    let (layer, tries) = (memory(), Log::default());
    let seen = tries.clone();
    let application = Works::application_with(move |_| {
        seen.add("try");
        Err::<Works, _>("no database".into())
    });
    let run = start(Worker::new(layer).channel("jobs", application).unwrap());

    tokio::time::sleep(Duration::from_millis(750)).await;
    assert_eq!(tries.count("try"), 4, "after 0, 100, 300 and 700 ms");
    tokio::time::sleep(Duration::from_secs(100)).await;

    assert!(
        (12..20).contains(&tries.count("try")),
        "{}",
        tries.count("try")
    );
    let failed = run.counts.total(ChannelCounts::starts_failed);
    assert_eq!(failed, tries.count("try") as u64);
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn worker_whose_layer_is_closed_says_so() {
    let (layer, log) = (memory(), Log::default());
    let run = start(worker(&layer, &log));
    settle().await;

    layer.close().await.unwrap();

    assert_eq!(run.task.await.unwrap(), Err(WorkerError::LayerClosed));
    assert!(run.counts.total(ChannelCounts::listens_failed) > 0);
}

/// A layer whose backend does not answer, or is away for a while.
struct Mute {
    layer: DynLayer,
    /// When the backend is there; it never answers if it is not said.
    there: Option<Instant>,
}

impl ChannelLayer for Mute {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.layer.open(prefix).await
    }
    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        match self.there {
            None => std::future::pending().await,
            Some(there) if Instant::now() < there => Err(LayerError::Away("no route".into())),
            Some(_) => self.layer.listen(channel).await,
        }
    }
    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.layer.send(channel, message).await
    }
    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.layer.group_add(group, channel).await
    }
    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.layer.group_discard(group, channel).await
    }
    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.layer.group_send(group, message).await
    }
    async fn flush(&self) -> Result<(), LayerError> {
        self.layer.flush().await
    }
    async fn close(&self) -> Result<(), LayerError> {
        self.layer.close().await
    }
}

#[tokio::test(start_paused = true)]
async fn worker_whose_layer_does_not_answer_stops_at_once() {
    let log = Log::default();
    let mute = DynLayer::new(Mute {
        layer: memory(),
        there: None,
    });
    let run = start(worker(&mute, &log));
    settle().await;

    let told = tokio::time::Instant::now();
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();

    assert_eq!(told.elapsed(), Duration::ZERO);
    assert!(log.entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn worker_whose_layer_is_away_says_so_once_and_listens_soon_after_it_is_back() {
    let (log, lines) = (Log::default(), Lines::default());
    let _told = lines.collect();
    let layer = memory();
    let there = Instant::now() + Duration::from_secs(120);
    let away = DynLayer::new(Mute {
        layer: layer.clone(),
        there: Some(there),
    });
    let config = ChannelConfig::default().concurrency(4);
    let worker = Worker::new(away).channel_with("jobs", config, works(&log));
    let run = start(worker.unwrap());
    tokio::time::sleep_until(there).await;
    assert_eq!(lines.with("channel cannot be listened on while"), 1);
    assert_eq!(lines.with("listened on again"), 0);

    order(&layer, "jobs", "late").await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert_eq!(log.count("done late"), 1);
    assert_eq!(lines.with("channel is listened on again"), 1);
    assert_eq!(lines.with("ERROR"), 0);
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn worker_without_channels_does_not_start() {
    let worker = Worker::new(memory());

    assert_eq!(
        worker.run(std::future::pending()).await,
        Err(WorkerError::NoChannels)
    );
}

#[tokio::test(start_paused = true)]
async fn worker_refuses_a_channel_that_it_has_twice_or_that_is_a_consumers_own() {
    let log = Log::default();
    let twice = worker(&memory(), &log)
        .channel("jobs", works(&log))
        .unwrap();
    let own = worker(&memory(), &log).channel("a!b", works(&log)).unwrap();

    let (twice, own) = (
        twice.run(std::future::pending()).await,
        own.run(std::future::pending()).await,
    );

    assert_eq!(twice, Err(WorkerError::Twice("jobs".into())));
    assert_eq!(own, Err(WorkerError::NotNamed("a!b".into())));
}

#[tokio::test(start_paused = true)]
async fn consumer_sends_to_channels_and_groups() {
    let (layer, log) = (memory(), Log::default());
    let run = start(worker(&layer, &log));
    let mut mailbox = layer.open("reply.").await.unwrap();
    layer
        .group_add(&"answers".parse().unwrap(), mailbox.name())
        .await
        .unwrap();

    let message = Message::encode(&Job::Answer {
        to: mailbox.name().to_string(),
    })
    .unwrap();
    layer.send(&"jobs".parse().unwrap(), message).await.unwrap();

    for expected in ["jobs", "all"] {
        let Some(Delivery::Message(message)) = mailbox.recv().await else {
            panic!("no answer");
        };
        let job = message.decode::<Job>().unwrap();
        assert!(
            matches!(&*job, Job::Do { what } if what == expected),
            "{job:?}"
        );
    }
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn consumer_sends_through_the_layer_of_its_alias() {
    #[derive(Default)]
    struct Aliased;
    impl ChannelConsumer for Aliased {
        type Event = Job;
        const LAYER: &'static str = "other";
        async fn handle(&mut self, cx: &mut ChannelContext<Job>, job: &Job) -> Result {
            cx.broadcast(&Group::<Job>::new("answers")?, format!("{job:?}"))
                .await?;
            Ok(())
        }
    }
    let (layer, other) = (memory(), memory());
    let layers = WithLayer::new(layer.clone()).and("other", other.clone());
    let application = layers.wrap_channel(Aliased::application());
    let run = start(
        Worker::new(layer.clone())
            .channel("jobs", application)
            .unwrap(),
    );
    let mut mailbox = other.open("reply.").await.unwrap();
    other
        .group_add(&"answers".parse().unwrap(), mailbox.name())
        .await
        .unwrap();

    order(&layer, "jobs", "x").await;

    let Some(Delivery::Message(message)) = mailbox.recv().await else {
        panic!("no answer");
    };
    let text = message
        .ready_frame()
        .and_then(|frame| frame.frame().as_text());
    assert_eq!(text, Some("Do { what: \"x\" }"));
    run.task.abort();
}

#[tokio::test]
async fn blocking_consumer_works_and_answers() {
    #[derive(Default)]
    struct Blocks;
    impl SyncChannelConsumer for Blocks {
        type Event = Job;
        fn handle(&mut self, cx: &mut SyncChannelContext<Job>, job: &Job) -> Result {
            let Job::Answer { to } = job else {
                return Ok(());
            };
            let what = cx.scope().channel.clone();
            Ok(cx.send_to_channel(&to.parse()?, &Job::Do { what })?)
        }
    }
    let layer = memory();
    let blocks = Blocks::application();
    let run = start(Worker::new(layer.clone()).channel("jobs", blocks).unwrap());
    let mut mailbox = layer.open("reply.").await.unwrap();

    let message = Message::encode(&Job::Answer {
        to: mailbox.name().to_string(),
    })
    .unwrap();
    layer.send(&"jobs".parse().unwrap(), message).await.unwrap();

    let answer = mailbox.recv().await;
    assert!(matches!(answer, Some(Delivery::Message(message)) if message.kind() == Some("job.do")));
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn blocking_consumer_that_fails_or_panics_is_disconnected_and_made_again() {
    struct Blocks(Log);
    impl SyncChannelConsumer for Blocks {
        type Event = Job;
        fn handle(&mut self, cx: &mut SyncChannelContext<Job>, job: &Job) -> Result {
            match job {
                Job::Do { what } if what == "fail" => Err("failed".into()),
                Job::Do { .. } => panic!("asked to"),
                Job::Answer { to } => {
                    let what = self.0.entries().join(", ");
                    Ok(cx.send_to_channel(&to.parse()?, &Job::Do { what })?)
                }
            }
        }
        fn disconnect(&mut self, cx: &mut SyncChannelContext<Job>) -> Result {
            self.0.add(format!("{} disconnect", cx.scope().channel));
            Ok(())
        }
    }
    let (layer, log) = (memory(), Log::default());
    let seen = log.clone();
    let blocks = Blocks::application_with(move |_| Ok(Blocks(seen.clone())));
    let run = start(Worker::new(layer.clone()).channel("jobs", blocks).unwrap());
    let mut mailbox = layer.open("reply.").await.unwrap();

    order(&layer, "jobs", "fail").await;
    order(&layer, "jobs", "panic").await;
    let to = mailbox.name().to_string();
    let ask = Message::encode(&Job::Answer { to }).unwrap();
    layer.send(&"jobs".parse().unwrap(), ask).await.unwrap();

    let Some(Delivery::Message(answer)) = mailbox.recv().await else {
        panic!("no answer");
    };
    let answer = answer.decode::<Job>().unwrap();
    assert!(
        matches!(&*answer, Job::Do { what } if what == "jobs disconnect, jobs disconnect"),
        "{answer:?}"
    );
    run.stop.send(()).unwrap();
    run.task.await.unwrap().unwrap();
    let jobs = run.counts.channel("jobs").unwrap();
    assert_eq!((jobs.handled(), jobs.failed(), jobs.panicked()), (1, 1, 1));
    assert_eq!(log.count("jobs disconnect"), 3);
}
