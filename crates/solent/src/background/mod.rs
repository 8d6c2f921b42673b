//! Tasks that run beside the connections.

mod config;
mod health;
mod lease;
mod supervisor;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use solent_spec::Result;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use self::supervisor::Supervisor;
pub use self::{
    config::{BackgroundConfig, Restart},
    health::{Health, TaskHealth, TaskState},
};
use crate::context::Context;

type BoxTask = Pin<Box<dyn Future<Output = Result> + Send>>;
type Start = Arc<dyn Fn(Context) -> BoxTask + Send + Sync>;

/// How long background tasks and their leases have to end once they are told to.
const STOPPING: Duration = Duration::from_secs(5);

/// A task that runs for as long as the application does.
pub(crate) struct Background {
    name: &'static str,
    config: BackgroundConfig,
    start: Start,
}

impl Background {
    pub(crate) fn new<F, R>(name: &'static str, config: BackgroundConfig, task: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        let start: Start = Arc::new(move |context| Box::pin(task(context)));
        Self {
            name,
            config,
            start,
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The background tasks that run. Dropping it cuts them off, and leaves their leases to expire.
pub(crate) struct Tasks {
    running: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    /// Starts all of them.
    pub(crate) fn start(tasks: Vec<Background>, context: &Context, health: &Health) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        for task in tasks {
            let report = health.add(task.name);
            let supervisor = Supervisor::new(task, context.clone(), report, stopped.clone());
            running.spawn(supervisor.run());
        }
        Self { running, stop }
    }

    /// Cancels them and releases their leases.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.running.join_next().await.is_some() {} };
        if timeout(STOPPING, ended).await.is_err() {
            tracing::warn!(target: "solent", "background tasks do not end, they are left behind");
        }
    }
}
