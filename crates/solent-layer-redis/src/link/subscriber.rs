//! What is published in Redis.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisResult, Value};
use solent_spec::Chain;
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    source::{OnPush, Source, Subscribed},
    topics::{Changes, Topic, Topics},
};
use crate::{Backoff, RedisConfig};

/// The most topics in one command.
const AT_ONCE: usize = 500;

/// Where what is published goes. It is called from the task that reads the connection and must not wait.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Something was published to a channel of Redis.
    fn published(&self, channel: &[u8], payload: Vec<u8>);

    /// The connection was away for a while and is back, with all its subscriptions: something may have been missed.
    fn gap(&self);
}

/// Subscribes to topics of one host for as long as they are wanted, over one connection that comes back.
///
/// There is a connection as soon as a topic is wanted. While it is away, subscriptions wait.
pub(crate) struct Subscriber {
    topics: Arc<Topics>,
    work: Work,
    patience: Duration,
    /// The task that subscribes, once a topic was wanted.
    task: OnceLock<AbortHandle>,
}

impl Subscriber {
    pub(super) fn new(source: Arc<Source>, sink: Arc<dyn Sink>, config: &RedisConfig) -> Self {
        let topics = Arc::new(Topics::default());
        let work = Work {
            topics: Arc::clone(&topics),
            source,
            sink,
            backoff: config.backoff,
        };
        Self {
            topics,
            work,
            patience: config.send_wait,
            task: OnceLock::new(),
        }
    }

    /// Wants a topic, once more.
    pub(crate) fn want(&self, topic: Topic) {
        self.topics.want(topic);
        self.task
            .get_or_init(|| tokio::spawn(self.work.clone().run()).abort_handle());
    }

    /// Wants a topic once less.
    pub(crate) fn unwant(&self, topic: &Topic) {
        self.topics.unwant(topic);
    }

    /// Resolves when what is published to a wanted topic arrives here, or when Redis has been away for too long. Then the sink
    /// is told of a [gap](Sink::gap) once it does arrive.
    pub(crate) async fn live(&self, topic: &Topic) {
        let Some(live) = self.topics.when_live(topic) else {
            return;
        };
        if timeout(self.patience, live).await.is_err() {
            self.topics.note_late();
        }
    }

    /// Gives the connection up.
    pub(crate) fn close(&self) {
        self.topics.close();
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// The task that subscribes.
#[derive(Clone)]
struct Work {
    topics: Arc<Topics>,
    source: Arc<Source>,
    sink: Arc<dyn Sink>,
    backoff: Backoff,
}

impl Work {
    async fn run(self) {
        let mut failures = 0;
        let mut missed = false;
        loop {
            self.topics.changed().await;
            if self.topics.is_closed() {
                return;
            }
            match self.subscribe(&mut failures, &mut missed).await {
                Ok(()) => return,
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(error = %Chain(&error), host = %self.source, "subscriptions are out of reach");
                    }
                    self.source.forget();
                    missed |= self.topics.start_anew();
                    sleep(self.backoff.wait(failures)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Keeps the subscriptions of one connection as they should be, until it breaks; well, if the subscriber is closed.
    async fn subscribe(&self, failures: &mut u32, missed: &mut bool) -> RedisResult<()> {
        let lost = Arc::new(Notify::new());
        let mut connection = self.source.subscribed(self.on_push(&lost)).await?;
        let mut settled = false;
        loop {
            let changes = self.topics.take_changes(AT_ONCE);
            if !changes.is_empty() {
                connection.change(&changes).await?;
                self.topics.confirm(&changes.subscribe);
                continue;
            }
            if !settled {
                settled = true;
                if *failures > 0 {
                    tracing::info!(host = %self.source, "subscriptions are back");
                }
                *failures = 0;
                *missed |= self.topics.take_late();
                if std::mem::take(missed) {
                    self.sink.gap();
                }
            }
            tokio::select! {
                () = lost.notified() => return Err(closed()),
                () = self.topics.changed() => {}
            }
            if self.topics.is_closed() {
                return Ok(());
            }
        }
    }

    fn on_push(&self, lost: &Arc<Notify>) -> OnPush {
        let (sink, topics, lost) = (
            Arc::clone(&self.sink),
            Arc::clone(&self.topics),
            Arc::clone(lost),
        );
        Box::new(move |PushInfo { kind, data }| match kind {
            PushKind::Disconnection => lost.notify_one(),
            PushKind::Message | PushKind::SMessage | PushKind::PMessage => {
                if let Some((channel, payload)) = message(data) {
                    sink.published(&channel, payload);
                }
            }
            // A shard that moves to another node ends its subscriptions.
            PushKind::SUnsubscribe => {
                if let Some(topic) = shard(&data)
                    && topics.ended(&topic)
                {
                    lost.notify_one();
                }
            }
            _ => {}
        })
    }
}

/// The last two values of a message: the channel, behind the pattern if there was one, and the payload.
fn message(mut data: Vec<Value>) -> Option<(Vec<u8>, Vec<u8>)> {
    let Some(Value::BulkString(payload)) = data.pop() else {
        return None;
    };
    let Some(Value::BulkString(channel)) = data.pop() else {
        return None;
    };
    Some((channel, payload))
}

fn shard(data: &[Value]) -> Option<Topic> {
    let Some(Value::BulkString(name)) = data.first() else {
        return None;
    };
    let name = str::from_utf8(name).ok()?;
    Some(Topic::Shard(name.into()))
}

fn closed() -> redis::RedisError {
    redis::RedisError::from((redis::ErrorKind::Io, "connection was closed"))
}

impl Subscribed {
    /// A server has channels and patterns; a cluster is only subscribed to where its shards publish.
    async fn change(&mut self, changes: &Changes) -> RedisResult<()> {
        let (leave, join) = (
            Names::of(&changes.unsubscribe),
            Names::of(&changes.subscribe),
        );
        match self {
            Self::Server(connection) => {
                if !leave.channels.is_empty() {
                    connection.unsubscribe(&leave.channels).await?;
                }
                if !leave.patterns.is_empty() {
                    connection.punsubscribe(&leave.patterns).await?;
                }
                if !join.channels.is_empty() {
                    connection.subscribe(&join.channels).await?;
                }
                if !join.patterns.is_empty() {
                    connection.psubscribe(&join.patterns).await?;
                }
            }
            Self::Cluster(connection) => {
                for name in leave.shards {
                    connection.sunsubscribe(name).await?;
                }
                for name in join.shards {
                    connection.ssubscribe(name).await?;
                }
            }
        }
        Ok(())
    }
}

/// The names of topics, by kind.
#[derive(Default)]
struct Names<'a> {
    channels: Vec<&'a str>,
    patterns: Vec<&'a str>,
    shards: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(topics: &'a [Topic]) -> Self {
        let mut names = Self::default();
        for topic in topics {
            let kind = match topic {
                Topic::Channel(_) => &mut names.channels,
                Topic::Pattern(_) => &mut names.patterns,
                Topic::Shard(_) => &mut names.shards,
            };
            kind.push(topic.name());
        }
        names
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}
