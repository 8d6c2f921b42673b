//! Commands that wait for their turn.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use redis::{Cmd, RedisError, Value};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::error::LinkError;

/// The commands of one link, in order.
pub(super) struct Queue {
    /// Held for a few instructions at a time, never across a wait.
    state: Mutex<State>,
    /// There is something to do.
    ready: Notify,
    /// The queue was closed.
    ended: Notify,
    /// How many commands may wait or be under way.
    most: usize,
    /// How long a command waits for a connection.
    patience: Duration,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many commands there have been.
    submitted: u64,
    /// Commands that were taken and not answered yet.
    under_way: usize,
    closed: bool,
}

/// A command, and who waits for its reply.
pub(super) struct Job {
    pub(super) cmd: Cmd,
    /// Whether it may be carried out twice.
    pub(super) again: bool,
    /// Which of all commands it is. Those that come back find their place by it.
    number: u64,
    submitted: Instant,
    reply: oneshot::Sender<Result<Value, LinkError>>,
}

impl Job {
    pub(super) fn finish(self, result: Result<Value, LinkError>) {
        // The task that asked may have gone.
        let _ = self.reply.send(result);
    }
}

impl Queue {
    pub(super) fn new(most: usize, patience: Duration) -> Self {
        Self {
            state: Mutex::default(),
            ready: Notify::new(),
            ended: Notify::new(),
            most,
            patience,
        }
    }

    /// Appends a command.
    pub(super) fn push(
        &self,
        cmd: Cmd,
        again: bool,
    ) -> Result<oneshot::Receiver<Result<Value, LinkError>>, LinkError> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Err(LinkError::Closed);
        }
        let pending = state.jobs.len() + state.under_way;
        if pending >= self.most {
            return Err(LinkError::Overloaded { pending });
        }
        let number = state.submitted;
        state.submitted += 1;
        state.jobs.push_back(Job {
            cmd,
            again,
            number,
            submitted: Instant::now(),
            reply,
        });
        let first = state.jobs.len() == 1;
        drop(state);
        if first {
            self.ready.notify_one();
        }
        Ok(answer)
    }

    /// Waits until there is a command, or the queue is closed.
    pub(super) async fn ready(&self) {
        loop {
            let ready = self.ready.notified();
            {
                let state = self.state.lock();
                if state.closed || !state.jobs.is_empty() {
                    return;
                }
            }
            ready.await;
        }
    }

    /// Takes up to so many commands.
    pub(super) fn take(&self, most: usize) -> Vec<Job> {
        let mut state = self.state.lock();
        let count = most.min(state.jobs.len());
        state.under_way += count;
        state.jobs.drain(..count).collect()
    }

    /// So many commands that were taken have been answered.
    pub(super) fn finished(&self, count: usize) {
        self.state.lock().under_way -= count;
    }

    /// Puts commands that were taken back to their places; they have not been carried out, or may be again. Two pieces that
    /// were under way together may come back in either order.
    pub(super) fn put_back(&self, jobs: Vec<Job>) {
        let mut state = self.state.lock();
        state.under_way -= jobs.len();
        for job in jobs.into_iter().rev() {
            let place = state
                .jobs
                .partition_point(|other| other.number < job.number);
            state.jobs.insert(place, job);
        }
        drop(state);
        self.ready.notify_one();
    }

    /// Fails all commands that wait: Redis would refuse each of them.
    pub(super) fn refuse(&self, error: &LinkError) {
        let jobs = std::mem::take(&mut self.state.lock().jobs);
        jobs.into_iter()
            .for_each(|job| job.finish(Err(error.clone())));
    }

    /// Whether a command waits.
    pub(super) fn has_jobs(&self) -> bool {
        !self.state.lock().jobs.is_empty()
    }

    /// Fails the commands that have waited long enough. Tells when the next one will have, if any waits.
    pub(super) fn expire(&self, cause: Option<&Arc<RedisError>>) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state.lock();
        while let Some(job) = state.jobs.front() {
            let deadline = job.submitted + self.patience;
            if deadline > now {
                return Some(deadline);
            }
            let waited = now - job.submitted;
            if let Some(job) = state.jobs.pop_front() {
                job.finish(Err(LinkError::Away {
                    waited,
                    cause: cause.cloned(),
                }));
            }
        }
        None
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.ready.notify_one();
        self.ended.notify_one();
    }

    /// Waits until the queue is closed. Only one may wait.
    pub(super) async fn closed(&self) {
        while !self.state.lock().closed {
            self.ended.notified().await;
        }
    }

    /// Fails everything, once the queue is closed.
    pub(super) fn fail_if_closed(&self) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            state
                .jobs
                .drain(..)
                .for_each(|job| job.finish(Err(LinkError::Closed)));
        }
        state.closed
    }
}
