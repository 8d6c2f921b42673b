//! What keeps a background task running.

use std::{
    collections::hash_map::RandomState,
    future::{Future, pending},
    hash::BuildHasher,
    time::Duration,
};

use solent_layer::{Claim, GroupName};
use solent_spec::{AppError, Chain, Result};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Background,
    config::Restart,
    health::{Report, TaskState},
    lease::Lease,
};
use crate::context::Context;

/// Starts a task, again and again if that is its policy, and tells how it does.
pub(super) struct Supervisor {
    task: Background,
    context: Context,
    report: Report,
    stopped: watch::Receiver<bool>,
    /// Failures in a row.
    failures: u32,
}

/// What a run of the task ended with.
enum Outcome {
    Done,
    Failed(AppError),
    /// Another process may run it now.
    LeaseLost,
    /// The application ends.
    Stopped,
}

impl Supervisor {
    pub(super) fn new(
        task: Background,
        context: Context,
        report: Report,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            task,
            context,
            report,
            stopped,
            failures: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.report.is(TaskState::Waiting);
            let Some(mut lease) = self.lease().await else {
                return;
            };
            self.report.is(TaskState::Running);
            let began = Instant::now();
            let outcome = self.attempt(lease.as_mut()).await;
            let Some(pause) = self.after(outcome, began.elapsed()) else {
                self.rest(lease).await;
                return;
            };
            // Another process may have more luck meanwhile.
            release(lease).await;
            if self.or_stopped(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Waits for the lease, if the task needs one. `None` when the application ends.
    async fn lease(&mut self) -> Option<Option<Lease>> {
        let Some(takeover) = self.task.config.lease else {
            return Some(None);
        };
        let claim = Claim::new(lease_name(self.task.name));
        let mut lease = Lease::new(self.context.layer().clone(), claim, takeover);
        if self.or_stopped(lease.taken()).await.is_none() {
            // It may have been taken just now.
            lease.release().await;
            return None;
        }
        tracing::info!(target: "solent", task = self.task.name, "this process runs the background task");
        Some(Some(lease))
    }

    /// Runs the task once. It has ended when this returns.
    async fn attempt(&mut self, lease: Option<&mut Lease>) -> Outcome {
        let mut task: JoinSet<Result> = JoinSet::new();
        let (start, context) = (self.task.start.clone(), self.context.clone());
        // Inside the task, so that a closure that panics is a task that panics.
        task.spawn(async move { start(context).await });
        let lost = async {
            match lease {
                Some(lease) => lease.lost().await,
                None => pending().await,
            }
        };
        let outcome = tokio::select! {
            ended = task.join_next() => match ended {
                Some(Ok(Ok(()))) | None => Outcome::Done,
                Some(Ok(Err(error))) => Outcome::Failed(error),
                Some(Err(panic)) => Outcome::Failed(panic.into()),
            },
            () = lost => Outcome::LeaseLost,
            _ = self.stopped.wait_for(|stopped| *stopped) => Outcome::Stopped,
        };
        task.shutdown().await;
        outcome
    }

    /// How long to wait before the task is started again; `None` if it is not.
    fn after(&mut self, outcome: Outcome, ran: Duration) -> Option<Duration> {
        let (name, config) = (self.task.name, &self.task.config);
        let error = match outcome {
            Outcome::Stopped => return None,
            Outcome::LeaseLost => {
                tracing::warn!(target: "solent", task = name, "lease is lost, background task is cancelled here");
                return Some(Duration::ZERO);
            }
            Outcome::Done if config.restart == Restart::Always => {
                self.failures = 0;
                self.report.restarts();
                return Some(config.pause_after(0, random()));
            }
            Outcome::Done => {
                self.report.is(TaskState::Finished);
                return None;
            }
            Outcome::Failed(error) => error,
        };
        let error = Chain(&*error).to_string();
        self.report.failed(&error);
        if ran >= config.longest_pause {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let is_last = config.limit.is_some_and(|limit| self.failures > limit);
        if is_last || config.restart == Restart::Never {
            tracing::error!(target: "solent", task = name, error, failures = self.failures, "background task failed, it is not started again");
            self.report.is(TaskState::Failed);
            return None;
        }
        let pause = config.pause_after(self.failures, random());
        tracing::error!(target: "solent", task = name, error, failures = self.failures, again_in = ?pause, "background task failed, it is started again");
        self.report.restarts();
        Some(pause)
    }

    /// After the last run. A task that has done its work for all processes keeps its lease, so that no other does it again.
    async fn rest(mut self, lease: Option<Lease>) {
        let is_done = self.report.get() == Some(TaskState::Finished);
        let Some(mut lease) = lease else { return };
        if is_done {
            self.or_stopped(lease.lost()).await;
        }
        lease.release().await;
    }

    /// Waits for `future`; `None` when the application ends first.
    async fn or_stopped<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            _ = self.stopped.wait_for(|stopped| *stopped) => None,
            value = future => Some(value),
        }
    }
}

async fn release(lease: Option<Lease>) {
    if let Some(lease) = lease {
        lease.release().await;
    }
}

/// A lease's name for any name that a task may have.
fn lease_name(task: &str) -> GroupName {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = task.chars().map(plain).take(90).collect();
    let name = if name.is_empty() {
        "_".to_owned()
    } else {
        name
    };
    name.parse()
        .expect("it is of characters that names may have, and short")
}

/// A number from 0 to 1, different each time.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(0) >> 32;
    bits as f64 / f64::from(u32::MAX)
}
