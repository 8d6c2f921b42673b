//! What is published in Redis.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use solent_spec::Chain;
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    patience::Patience,
    source::{OnPush, Source, no_connection},
    subscribed::Subscribed,
    topics::{Changes, Topic, Topics},
    verdict::is_final,
};
use crate::{Backoff, RedisConfig, error::LinkError};

/// The most topics in one command.
const AT_ONCE: usize = 500;

/// How often a task that waits for a subscription looks whether the connection is still there.
const LOOK: Duration = Duration::from_millis(200);

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
    patience: Patience,
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
            heartbeat: config.heartbeat,
        };
        Self {
            topics,
            work,
            patience: Patience::new(config),
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

    /// Resolves when what is published to a wanted topic arrives here. A task that goes on without it hears of a
    /// [gap](Sink::gap) once it does.
    ///
    /// # Errors
    ///
    /// Redis has been away for too long, or refuses.
    pub(crate) async fn live(&self, topic: &Topic) -> Result<(), LinkError> {
        let begun = Instant::now();
        let Some(mut live) = self.topics.when_live(topic)? else {
            return Ok(());
        };
        let Patience { connection, answer } = self.patience;
        let mut subscribed = timeout(connection, &mut live).await;
        // A Redis that is slow is not away. Whether it still is there is seen once in a while.
        let last = begun + connection + answer;
        while subscribed.is_err() && self.topics.is_connected() && Instant::now() < last {
            subscribed = timeout(LOOK, &mut live).await;
        }
        match subscribed {
            Ok(Ok(subscribed)) => subscribed,
            // The topic is not wanted any more.
            Ok(Err(_)) => Ok(()),
            Err(_) => {
                self.topics.note_late();
                Err(LinkError::Away {
                    waited: begun.elapsed(),
                    cause: self.topics.cause(),
                })
            }
        }
    }

    /// Fails if Redis refuses a wanted topic.
    ///
    /// # Errors
    ///
    /// Redis's words.
    pub(crate) fn refusal(&self, topic: &Topic) -> Result<(), LinkError> {
        self.topics.when_live(topic).map(drop)
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
    heartbeat: Duration,
}

/// What the task that reads a connection tells.
#[derive(Default)]
struct News {
    /// The connection is gone, or has to be made anew.
    lost: Notify,
    /// Something has arrived since the heartbeat looked.
    arrived: AtomicBool,
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
                    self.failed(failures, error);
                    missed |= self.topics.start_anew();
                    self.source.pause(&self.backoff, failures).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    fn failed(&self, failures: u32, error: RedisError) {
        if failures == 0 {
            tracing::warn!(
                error = %Chain(&error),
                host = %self.source,
                "redis cannot be subscribed at"
            );
        }
        self.source.forget();
        let refused = is_final(&error).then(|| no_connection(error.clone()));
        self.topics.failed(error, refused.as_ref());
    }

    /// Keeps the subscriptions of one connection as they should be, until it breaks; well, if the subscriber is closed.
    async fn subscribe(&self, failures: &mut u32, missed: &mut bool) -> RedisResult<()> {
        let news = Arc::new(News::default());
        let mut connection = self.source.subscribed(self.on_push(&news)).await?;
        self.topics.connected();
        let mut settled = false;
        let mut asked = connection.clone();
        let heartbeat = self.beat(&mut asked, &news);
        tokio::pin!(heartbeat);
        loop {
            let changes = self.topics.take_changes(AT_ONCE);
            if !changes.is_empty() {
                self.make(&mut connection, &changes).await?;
                continue;
            }
            if !settled {
                settled = true;
                if *failures > 0 {
                    tracing::info!(host = %self.source, "subscriptions are back");
                }
                *failures = 0;
                self.topics.recovered();
                *missed |= self.topics.take_late();
                if std::mem::take(missed) {
                    self.sink.gap();
                }
            }
            tokio::select! {
                () = news.lost.notified() => return Err(closed()),
                error = &mut heartbeat => {
                    self.source.leave();
                    return Err(error);
                }
                () = self.topics.changed() => {}
            }
            if self.topics.is_closed() {
                return Ok(());
            }
        }
    }

    /// Makes changes. Topics that Redis refuses do not keep it from the others.
    async fn make(&self, connection: &mut Subscribed, changes: &Changes) -> RedisResult<()> {
        match connection.change(changes).await {
            Ok(()) => {
                self.topics.confirm(&changes.subscribe);
                return Ok(());
            }
            Err(error) if !is_final(&error) || error.code().is_none() => return Err(error),
            Err(_) => {}
        }
        for topic in &changes.subscribe {
            let alone = Changes {
                subscribe: vec![topic.clone()],
                unsubscribe: Vec::new(),
            };
            match connection.change(&alone).await {
                Ok(()) => self.topics.confirm(&alone.subscribe),
                Err(error) if is_final(&error) && error.code().is_some() => {
                    tracing::warn!(
                        error = %Chain(&error),
                        host = %self.source,
                        %topic,
                        "redis refuses a subscription"
                    );
                    self.topics.refuse(topic, &LinkError::Refused(error.into()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Asks again and again whether the other end is there. Resolves when it is not.
    async fn beat(&self, connection: &mut Subscribed, news: &News) -> RedisError {
        loop {
            sleep(self.heartbeat).await;
            if news.arrived.swap(false, Relaxed) && !matches!(connection, Subscribed::Master(_)) {
                continue;
            }
            if let Err(error) = connection.ask(self.heartbeat).await {
                // An answer may be late because it has to wait behind messages.
                if !error.is_timeout() || !news.arrived.swap(false, Relaxed) {
                    return error;
                }
            }
        }
    }

    fn on_push(&self, news: &Arc<News>) -> OnPush {
        let (sink, topics, news) = (
            Arc::clone(&self.sink),
            Arc::clone(&self.topics),
            Arc::clone(news),
        );
        Box::new(move |PushInfo { kind, data }| match kind {
            PushKind::Disconnection => news.lost.notify_one(),
            PushKind::Message | PushKind::SMessage | PushKind::PMessage => {
                news.arrived.store(true, Relaxed);
                if let Some((channel, payload)) = message(data) {
                    sink.published(&channel, payload);
                }
            }
            // A shard that moves to another node ends its subscriptions.
            PushKind::SUnsubscribe => {
                if let Some(topic) = shard(&data)
                    && topics.ended(&topic)
                {
                    news.lost.notify_one();
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

fn closed() -> RedisError {
    RedisError::from((redis::ErrorKind::Io, "connection was closed"))
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}
