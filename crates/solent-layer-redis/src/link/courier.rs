//! What many tasks want of Redis, in few pieces.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use redis::{Cmd, RedisError, RedisResult, Value};
use solent_spec::Chain;
use tokio::{
    sync::{oneshot, watch},
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::{
    queue::Queue,
    route::{Sent, lost, send},
    shared::Shared,
    source::{Source, no_connection},
    verdict::is_final,
};
use crate::{Backoff, RedisConfig, error::LinkError};

/// The most commands that are sent in one piece.
const PIECE: usize = 256;

/// The most pieces that are under way: while Redis works on one, the next is made.
const PIECES: usize = 2;

/// Sends commands to one host, in the order in which they are submitted, over one connection.
///
/// What is submitted while Redis works on something is sent together; a single command does not wait for others. When the connection breaks,
/// what was under way fails unless it may be carried out twice, and the rest waits for a new connection.
#[derive(Clone)]
pub(super) struct Courier(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    source: Arc<Source>,
    backoff: Backoff,
    /// The task that sends, once something was submitted.
    task: OnceLock<AbortHandle>,
}

/// The reply to a command. Dropping it does not take the command back.
#[derive(Debug)]
#[must_use = "whether the command was carried out is known by its reply"]
pub(crate) struct Reply(Result<oneshot::Receiver<Result<Value, LinkError>>, Option<LinkError>>);

impl Courier {
    pub(super) fn new(source: Arc<Source>, config: &RedisConfig) -> Self {
        Self(Arc::new(Inner {
            queue: Arc::new(Queue::new(config.max_pending.get(), config.send_wait)),
            source,
            backoff: config.backoff,
            task: OnceLock::new(),
        }))
    }

    pub(super) fn submit(&self, cmd: Cmd, again: bool) -> Reply {
        let reply = self.0.queue.push(cmd, again);
        self.0.task.get_or_init(|| self.0.start());
        Reply(reply.map_err(Some))
    }

    pub(super) fn has_ended(&self) -> bool {
        let task = self.0.task.get();
        task.is_some_and(AbortHandle::is_finished)
    }

    pub(super) fn close(&self) {
        self.0.queue.close();
        self.0.task.get_or_init(|| self.0.start());
    }
}

impl Inner {
    fn start(&self) -> AbortHandle {
        let work = Work {
            queue: Arc::clone(&self.queue),
            source: Arc::clone(&self.source),
            backoff: self.backoff,
            way: Way::None,
            ended: 0,
            under_way: 0,
            stale: 0,
            failures: 0,
            answered: false,
            cause: None,
            refused: None,
        };
        tokio::spawn(work.run()).abort_handle()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Future for Reply {
    type Output = Result<Value, LinkError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(answer) => {
                // Without an answer, the task ended with its runtime.
                let answer = ready!(Pin::new(answer).poll(cx));
                Poll::Ready(answer.unwrap_or(Err(LinkError::Closed)))
            }
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(LinkError::Closed))),
        }
    }
}

/// The task that sends.
struct Work {
    queue: Arc<Queue>,
    source: Arc<Source>,
    backoff: Backoff,
    way: Way,
    /// How many connections have ended. Pieces of earlier ones are stale.
    ended: u64,
    /// Pieces under way, and how many of them are stale.
    under_way: usize,
    stale: usize,
    /// Failures in a row.
    failures: u32,
    /// Whether the connection has answered since it was made.
    answered: bool,
    /// What the last connection, or attempt to make one, ended with.
    cause: Option<Arc<RedisError>>,
    /// The last attempt was refused, as the next one would be.
    refused: Option<LinkError>,
}

type Cause = Option<Arc<RedisError>>;

/// Where the connection is.
enum Way {
    /// There is none, and no attempt to make one.
    None,
    /// It is too early for another attempt.
    Pausing(BoxFuture<'static, ()>),
    Making(BoxFuture<'static, RedisResult<Shared>>),
    /// Pieces under way hear by `cut` that it broke.
    There {
        connection: Shared,
        cut: watch::Sender<Cause>,
    },
}

/// What has happened on the way to a connection.
enum Step {
    Paused,
    Made(RedisResult<Shared>),
}

impl Work {
    /// Nothing here waits alone: pieces under way, an attempt to connect and the patience of commands are polled together.
    async fn run(mut self) {
        let mut pieces = FuturesUnordered::new();
        while !self.queue.fail_if_closed() {
            self.look();
            let deadline = self.deadline();
            let listens = self.may_send() || deadline.is_none() && !self.is_there();
            tokio::select! {
                biased;
                Some((of, sent)) = pieces.next() => self.after(of, sent),
                step = self.way.step() => self.step(step),
                () = until(deadline) => {}
                () = self.queue.closed() => {}
                () = self.queue.ready(), if listens => {
                    for piece in self.begin() {
                        pieces.push(piece);
                    }
                }
            }
        }
        while let Some((of, sent)) = pieces.next().await {
            self.after(of, sent);
        }
        self.queue.fail_if_closed();
    }

    fn is_there(&self) -> bool {
        matches!(self.way, Way::There { .. })
    }

    /// Whether a piece may leave now. One for a new connection waits until those of the old one have come back: commands in
    /// them that are sent again come before it.
    fn may_send(&self) -> bool {
        let most = if self.source.is_cluster() {
            PIECE
        } else {
            PIECES
        };
        self.is_there() && self.stale == 0 && self.under_way < most
    }

    /// Gives up a connection that is lost, and makes one if a command waits for it.
    fn look(&mut self) {
        if let Way::There { connection, .. } = &self.way
            && connection.is_lost(&self.source)
        {
            // What was sent now would fail, and it could not be told that it was not carried out.
            self.lose(Arc::new(lost()));
        }
        if matches!(self.way, Way::None) && self.queue.has_jobs() {
            let source = Arc::clone(&self.source);
            self.way = Way::Making(Box::pin(async move { source.shared().await }));
        }
    }

    /// When the next command will have waited too long. Those that have are failed.
    fn deadline(&self) -> Option<Instant> {
        if self.is_there() && self.stale == 0 {
            return None;
        }
        if let (Some(refused), Way::Pausing(_)) = (&self.refused, &self.way) {
            self.queue.refuse(refused);
        }
        self.queue.expire(self.cause.as_ref())
    }

    /// What to send now: commands for a cluster go different ways, each alone.
    fn begin(&mut self) -> Vec<impl Future<Output = (u64, Sent)> + use<>> {
        self.look();
        let Way::There { connection, cut } = &self.way else {
            return Vec::new();
        };
        if !self.may_send() {
            return Vec::new();
        }
        let jobs = self.queue.take(PIECE);
        let pieces = match jobs.len() {
            // All have given up meanwhile.
            0 => Vec::new(),
            _ if self.source.is_cluster() => jobs.into_iter().map(|job| vec![job]).collect(),
            _ => vec![jobs],
        };
        self.under_way += pieces.len();
        let of = self.ended;
        let send = |jobs| {
            let sending = send(connection.clone(), jobs, cut.subscribe());
            async move { (of, sending.await) }
        };
        pieces.into_iter().map(send).collect()
    }

    fn after(&mut self, of: u64, sent: Sent) {
        self.under_way -= 1;
        self.queue.finished(sent.finished);
        if of != self.ended {
            self.stale = self.stale.saturating_sub(1);
        } else if let Some(error) = sent.broken {
            self.lose(error);
        } else {
            self.failures = 0;
            self.answered = true;
        }
        if !sent.left.is_empty() {
            self.queue.put_back(sent.left);
        }
    }

    fn lose(&mut self, error: Arc<RedisError>) {
        tracing::debug!(error = %Chain(&*error), host = %self.source, "connection to redis broke");
        if let Way::There { cut, .. } = std::mem::replace(&mut self.way, Way::None)
            && !self.source.is_cluster()
        {
            self.stale = self.under_way;
            cut.send_replace(Some(Arc::clone(&error)));
        }
        self.ended += 1;
        self.source.forget();
        if error.code().is_some() || !self.answered {
            // It is there and does not do yet: it loads its data, or is no master. Or it ends each connection at the first
            // command, which would come again as fast as connections can be made.
            self.pause();
        }
        self.cause = Some(error);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Paused => self.way = Way::None,
            Step::Made(Ok(connection)) => {
                (self.cause, self.refused, self.answered) = (None, None, false);
                let cut = watch::Sender::new(None);
                self.way = Way::There { connection, cut };
            }
            Step::Made(Err(error)) => self.failed(error),
        }
    }

    fn failed(&mut self, error: RedisError) {
        if self.failures == 0 {
            tracing::warn!(
                error = %Chain(&error),
                host = %self.source,
                "redis is out of reach"
            );
        }
        self.source.forget();
        self.refused = is_final(&error).then(|| no_connection(error.clone()));
        if let Some(refused) = &self.refused {
            self.queue.refuse(refused);
        }
        self.cause = Some(Arc::new(error));
        self.pause();
    }

    fn pause(&mut self) {
        let (source, backoff, failures) = (Arc::clone(&self.source), self.backoff, self.failures);
        let pause = async move { source.pause(&backoff, failures).await };
        self.way = Way::Pausing(Box::pin(pause));
        self.failures = self.failures.saturating_add(1);
    }
}

impl Way {
    async fn step(&mut self) -> Step {
        match self {
            Self::None | Self::There { .. } => std::future::pending().await,
            Self::Pausing(pause) => {
                pause.await;
                Step::Paused
            }
            Self::Making(making) => Step::Made(making.await),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}
