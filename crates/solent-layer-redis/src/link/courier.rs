//! What many tasks want of Redis, in few pieces.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use futures::stream::{FuturesUnordered, StreamExt};
use redis::{Cmd, RedisError, Value};
use solent_spec::Chain;
use tokio::{
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::{
    queue::{Job, Queue},
    route::{Sent, send},
    source::{Shared, Source},
};
use crate::{Backoff, RedisConfig, error::LinkError};

/// The most commands that are sent in one piece.
const PIECE: usize = 256;

/// The most pieces that are under way: while Redis works on one, the next is made.
const PIECES: usize = 2;

/// Sends commands to one host, in the order in which they are submitted, over one connection.
///
/// What is submitted while Redis works on something is sent together; nobody waits for company. When the connection breaks,
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
            connection: None,
            made: 0,
            failures: 0,
            retry: None,
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
    connection: Option<Shared>,
    /// How many connections there have been.
    made: u64,
    /// Failures in a row.
    failures: u32,
    /// When to try again, after a failure.
    retry: Option<Instant>,
}

impl Work {
    async fn run(mut self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let most = if self.source.is_cluster() {
                PIECE
            } else {
                PIECES
            };
            tokio::select! {
                biased;
                Some((made, sent)) = under_way.next() => self.after(made, sent),
                () = self.queue.ready(), if under_way.len() < most => {
                    if self.queue.fail_if_closed() {
                        break;
                    }
                    let Some(connection) = self.connection().await else {
                        continue;
                    };
                    let made = self.made;
                    for jobs in self.pieces() {
                        let sending = send(connection.clone(), jobs);
                        under_way.push(async move { (made, sending.await) });
                    }
                }
            }
        }
        while let Some((made, sent)) = under_way.next().await {
            self.after(made, sent);
        }
        self.queue.fail_if_closed();
    }

    /// What to send now: commands for a cluster go different ways, each alone.
    fn pieces(&self) -> Vec<Vec<Job>> {
        let jobs = self.queue.take(PIECE);
        if jobs.is_empty() {
            // All have given up meanwhile.
            Vec::new()
        } else if self.source.is_cluster() {
            jobs.into_iter().map(|job| vec![job]).collect()
        } else {
            vec![jobs]
        }
    }

    fn after(&mut self, made: u64, sent: Sent) {
        self.queue.finished(sent.finished);
        match sent.broken {
            None => self.failures = 0,
            Some(error) if made == self.made && self.connection.is_some() => {
                tracing::debug!(error = %Chain(&*error), host = %self.source, "connection to redis broke");
                self.connection = None;
                self.source.forget();
                if error.code().is_some() {
                    // It is there and does not do yet: it loads its data, or is no master.
                    self.failed();
                }
            }
            Some(_) => {}
        }
        if !sent.left.is_empty() {
            self.queue.put_back(sent.left);
        }
    }

    /// A connection; nothing, if nobody waits for one any more.
    async fn connection(&mut self) -> Option<Shared> {
        if let Some(connection) = &self.connection {
            if !connection.is_lost() {
                return Some(connection.clone());
            }
            // What was sent now would fail, and nobody could tell that it was not carried out.
            tracing::debug!(host = %self.source, "connection to redis was lost");
            self.connection = None;
            self.source.forget();
        }
        let mut cause = None;
        loop {
            if let Some(retry) = self.retry.filter(|retry| *retry > Instant::now()) {
                self.meanwhile(sleep_until(retry), cause.as_ref()).await?;
            }
            let source = Arc::clone(&self.source);
            match self.attempt(source.shared(), cause.as_ref()).await? {
                Ok(connection) => {
                    self.made += 1;
                    self.retry = None;
                    self.connection = Some(connection.clone());
                    return Some(connection);
                }
                Err(error) => {
                    if self.failures == 0 {
                        tracing::warn!(error = %Chain(&error), host = %self.source, "redis is out of reach");
                    }
                    self.failed();
                    self.source.forget();
                    cause = Some(Arc::new(error));
                }
            }
        }
    }

    /// Connects, also when nobody waits for it any more: the next command finds a connection. Nothing, if the queue is closed.
    async fn attempt<T>(
        &self,
        connecting: impl Future<Output = T>,
        cause: Option<&Arc<RedisError>>,
    ) -> Option<T> {
        tokio::pin!(connecting);
        loop {
            let deadline = self.queue.expire(cause);
            if self.queue.fail_if_closed() {
                return None;
            }
            let expired = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => self.queue.ready().await,
                }
            };
            tokio::select! {
                output = &mut connecting => return Some(output),
                () = expired => {}
            }
        }
    }

    fn failed(&mut self) {
        self.retry = Some(Instant::now() + self.backoff.wait(self.failures));
        self.failures = self.failures.saturating_add(1);
    }

    /// Waits, and meanwhile fails commands that have waited too long; nothing, once none waits.
    async fn meanwhile<T>(
        &self,
        future: impl Future<Output = T>,
        cause: Option<&Arc<RedisError>>,
    ) -> Option<T> {
        tokio::pin!(future);
        loop {
            let deadline = self.queue.expire(cause)?;
            if self.queue.fail_if_closed() {
                return None;
            }
            tokio::select! {
                output = &mut future => return Some(output),
                () = sleep_until(deadline) => {}
            }
        }
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}
