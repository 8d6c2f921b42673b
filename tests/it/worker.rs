use std::{env, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solent::{
    Application, ChannelConsumer, ChannelContext, Frame, Json, Solent, WebSocketConsumer,
    WebSocketContext,
    consumers::{
        Address, ChannelConfig, ChannelCounts, SyncChannelConsumer, SyncChannelContext,
        WorkerConfig,
    },
    layer::{ChannelLayer, DynLayer, MemoryLayer, Message},
    spec::Channel,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::Notify,
    time::timeout,
};

use super::live::{Live, PATIENCE};

/// What a client sends, a worker receives and the client gets back.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Job {
    #[serde(rename = "job.do")]
    Do { what: String, reply: Address<Job> },
    #[serde(rename = "job.done")]
    Done { what: String },
}

#[derive(Deserialize)]
struct Order {
    what: String,
}

/// Sends each order to the workers, and what they answer to its client.
#[derive(Default)]
struct Client;

impl WebSocketConsumer for Client {
    type Input = Json<Order>;
    type Event = Job;

    async fn receive(
        &mut self,
        cx: &mut WebSocketContext<Job>,
        Json(order): Json<Order>,
    ) -> solent::Result {
        let reply = cx.address().await?;
        let what = order.what;
        let jobs = "jobs".parse()?;
        Ok(cx.send_to_channel(&jobs, &Job::Do { what, reply }).await?)
    }

    async fn event(&mut self, cx: &mut WebSocketContext<Job>, event: &Job) -> solent::Result {
        if let Job::Done { what } = event {
            cx.send(Frame::text(what.as_str())).await?;
        }
        Ok(())
    }
}

/// Answers with what it was asked, in a thread of its own.
#[derive(Default)]
struct Blocking;

impl SyncChannelConsumer for Blocking {
    type Event = Job;

    fn handle(&mut self, cx: &mut SyncChannelContext<Job>, job: &Job) -> solent::Result {
        let Job::Do { what, reply } = job else {
            return Ok(());
        };
        ensure_sane(what)?;
        let done = Job::Done { what: what.clone() };
        Ok(cx.send_to_channel(reply, &done)?)
    }
}

fn ensure_sane(what: &str) -> solent::Result {
    match what {
        "fail" => Err("asked to".into()),
        "panic" => panic!("asked to"),
        _ => Ok(()),
    }
}

fn app(layer: &DynLayer, worker: impl Application<Channel>) -> Solent {
    Solent::new()
        .layer(layer.clone())
        .websocket("ws/", Client::application())
        .channel_with("jobs", ChannelConfig::default().concurrency(2), worker)
}

fn blocking() -> impl Application<Channel> {
    Blocking::application()
}

#[tokio::test]
async fn several_workers_share_the_work_of_a_socket_and_failures_cost_only_their_own() -> Result<()>
{
    const JOBS: usize = 60;
    let layer = DynLayer::new(MemoryLayer::default());
    let live = Live::start(app(&layer, blocking())).await?;
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = app(&layer, blocking()).worker(["jobs"]).listen().await?;
        let (counts, handle) = (
            worker.worker_counts().context("no worker")?,
            worker.handle(),
        );
        workers.push((counts, handle, tokio::spawn(worker.serve())));
    }
    let mut client = live.connect("/ws/").await?;

    let mut answers = Vec::new();
    for n in 0..JOBS {
        let what = match n {
            10 => "fail".to_owned(),
            20 => "panic".to_owned(),
            n => n.to_string(),
        };
        client.send(&json!({ "what": what })).await?;
        if what.parse::<usize>().is_ok() {
            answers.push(client.next().await?.to_text()?.parse::<usize>()?);
        }
    }

    let expected: Vec<_> = (0..JOBS).filter(|n| ![10, 20].contains(n)).collect();
    assert_eq!(answers, expected);
    for (_, handle, _) in &workers {
        handle.stop();
    }
    let mut totals = [0; 3];
    for (counts, _, working) in workers {
        timeout(PATIENCE, working).await???;
        let of = [
            ChannelCounts::handled,
            ChannelCounts::failed,
            ChannelCounts::panicked,
        ];
        for (total, count) in totals.iter_mut().zip(of) {
            *total += counts.total(count);
        }
    }
    assert_eq!(totals, [JOBS as u64 - 2, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn process_that_works_here_closes_its_sockets_and_then_finishes_its_work() -> Result<()> {
    /// Works for as long as the test likes.
    struct Waits(Arc<Notify>, Arc<Notify>);
    impl ChannelConsumer for Waits {
        type Event = Job;
        async fn handle(&mut self, _: &mut ChannelContext<Job>, _: &Job) -> solent::Result {
            self.0.notify_one();
            self.1.notified().await;
            Ok(())
        }
    }
    let layer = DynLayer::new(MemoryLayer::default());
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, waits) = (Arc::clone(&begun), Arc::clone(&go_on));
    let waits = Waits::application_with(move |_| Ok(Waits(Arc::clone(&tells), Arc::clone(&waits))));
    let live = Live::start(app(&layer, waits).worker_here()).await?;
    let mut client = live.connect("/ws/").await?;
    client.send(&json!({ "what": "something long" })).await?;
    timeout(PATIENCE, begun.notified()).await?;

    live.stop();
    assert_eq!(client.close_code().await?, 1001);
    drop(client);
    go_on.notify_one();

    live.ended().await
}

/// Set for a process that is to be the child of a test.
const CHILD: &str = "SOLENT_TEST_WORKER";

/// How many messages wait for the child.
const MESSAGES: usize = 6;

/// Says when it begins, waits for a line, and says when it ends.
struct Speaks(Arc<tokio::sync::Mutex<BufReader<tokio::io::Stdin>>>);

impl ChannelConsumer for Speaks {
    type Event = Job;

    async fn handle(&mut self, _: &mut ChannelContext<Job>, job: &Job) -> solent::Result {
        let Job::Do { what, .. } = job else {
            return Ok(());
        };
        println!("begun {what}");
        let mut line = String::new();
        self.0.lock().await.read_line(&mut line).await?;
        println!("completed {what} after {}", line.trim());
        Ok(())
    }

    async fn disconnect(&mut self, _: &mut ChannelContext<Job>) -> solent::Result {
        println!("disconnected");
        Ok(())
    }
}

/// The child of the tests below; nothing by itself.
#[test]
fn worker_process() -> Result<()> {
    let Ok(grace) = env::var(CHILD) else {
        return Ok(());
    };
    tracing_subscriber::fmt().with_ansi(false).init();
    let layer = DynLayer::new(MemoryLayer::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for n in 0..MESSAGES {
        let job = Job::Do {
            what: n.to_string(),
            reply: "nowhere".parse().unwrap(),
        };
        runtime.block_on(layer.send(&"jobs".parse()?, Message::encode(&job)?))?;
    }
    let input = Arc::new(tokio::sync::Mutex::new(BufReader::new(tokio::io::stdin())));
    let speaks = Speaks::application_with(move |_| Ok(Speaks(Arc::clone(&input))));
    let config = WorkerConfig::default().grace(Duration::from_millis(grace.parse()?));
    app(&layer, speaks)
        .worker_config(config)
        .worker(["jobs"])
        .run()?;
    Ok(())
}

/// A worker in a process of its own.
struct Process {
    child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    said: Vec<String>,
}

impl Process {
    fn start(grace: Duration) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["worker::worker_process", "--exact", "--nocapture"])
            .env(CHILD, grace.as_millis().to_string())
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(output).lines(),
            said: Vec::new(),
        })
    }

    /// Reads until it has said something so many times.
    async fn says(&mut self, what: &str, times: usize) -> Result<()> {
        while self.count(what) < times {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.with_context(|| format!("waited for {what:?}: {:#?}", self.said))??;
            let line = line.with_context(|| format!("ended without {what:?}: {:#?}", self.said))?;
            self.said.push(line);
        }
        Ok(())
    }

    fn count(&self, what: &str) -> usize {
        self.said.iter().filter(|line| line.contains(what)).count()
    }

    async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended")?.to_string();
        let status = Command::new("kill").args([name, &id]).status().await?;
        ensure!(status.success(), "cannot send {name}");
        Ok(())
    }

    async fn type_line(&mut self, line: &str) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no input")?;
        Ok(input.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// Reads what is left, and waits for the end.
    async fn end(&mut self) -> Result<std::process::ExitStatus> {
        while let Some(line) = timeout(PATIENCE, self.lines.next_line()).await?? {
            self.said.push(line);
        }
        Ok(timeout(PATIENCE, self.child.wait()).await??)
    }
}

#[tokio::test]
async fn worker_process_finishes_what_it_has_in_hand_on_a_signal() -> Result<()> {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(PATIENCE)?;
        process.says("begun", 2).await?;
        process.type_line("first").await?;
        process.says("begun", 3).await?;

        process.signal(signal).await?;
        process.says("takes no more messages", 1).await?;
        process.type_line("second").await?;
        process.type_line("third").await?;
        let status = process.end().await?;

        assert!(status.success(), "{status}: {:#?}", process.said);
        let counts = ["begun", "completed", "disconnected"].map(|what| process.count(what));
        assert_eq!(counts, [3, 3, 2], "{:#?}", process.said);
        assert_eq!(
            process.count("handled=3 failed=0 panicked=0 abandoned=0"),
            1,
            "{:#?}",
            process.said
        );
    }
    Ok(())
}

#[tokio::test]
async fn worker_process_ends_at_its_deadline_whatever_it_has_in_hand() -> Result<()> {
    let mut process = Process::start(Duration::from_millis(200))?;
    process.says("begun", 2).await?;

    process.signal("-TERM").await?;
    let status = process.end().await?;

    assert!(status.success(), "{status}: {:#?}", process.said);
    let counts = ["begun", "completed", "disconnected"].map(|what| process.count(what));
    assert_eq!(counts, [2, 0, 2], "{:#?}", process.said);
    assert_eq!(
        process.count("handled=0 failed=0 panicked=0 abandoned=2"),
        1,
        "{:#?}",
        process.said
    );
    Ok(())
}
