//! How background tasks do.

use std::sync::Arc;

use parking_lot::Mutex;
use solent_spec::{Body, Connection, Http, Result};

/// How the background tasks of this process do. Cheap to clone; it is in the state of every connection and
/// [`Context`](crate::app::Context), and [`Solent::health`](crate::Solent::health) shows it to who asks by HTTP.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// One entry for each task, in the order in which they were added. Written by the tasks' supervisors; locked for a moment.
    tasks: Arc<Mutex<Vec<TaskHealth>>>,
}

/// How one background task does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskHealth {
    /// Its name.
    pub name: &'static str,
    /// What it is doing.
    pub state: TaskState,
    /// How many times it has been started again after it had ended.
    pub restarts: u64,
    /// What it failed with last, with all causes.
    pub last_error: Option<String>,
}

/// What a background task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// Another process runs it, or that is not known since the channel layer is out of reach.
    Waiting,
    /// It runs.
    Running,
    /// It has ended and is started again after a pause.
    Restarting,
    /// It has done its work.
    Finished,
    /// It has failed and is not started again.
    Failed,
}

impl TaskState {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

impl Health {
    /// All background tasks, once they have been started.
    pub fn tasks(&self) -> Vec<TaskHealth> {
        self.tasks.lock().clone()
    }

    /// Whether no background task has been given up.
    pub fn is_healthy(&self) -> bool {
        self.tasks
            .lock()
            .iter()
            .all(|task| task.state != TaskState::Failed)
    }

    pub(super) fn add(&self, name: &'static str) -> Report {
        let mut tasks = self.tasks.lock();
        tasks.push(TaskHealth {
            name,
            state: TaskState::Waiting,
            restarts: 0,
            last_error: None,
        });
        Report {
            health: self.clone(),
            index: tasks.len() - 1,
        }
    }

    /// Answers an HTTP request with all of it, but for the errors: they may hold what is not for the public.
    pub(crate) async fn answer(self, mut connection: Connection<Http>) -> Result {
        let tasks = self.tasks();
        let is = |state| tasks.iter().any(|task| task.state == state);
        let (status, word) = match (is(TaskState::Failed), is(TaskState::Restarting)) {
            (true, _) => (http::StatusCode::SERVICE_UNAVAILABLE, "failed"),
            (false, true) => (http::StatusCode::OK, "degraded"),
            (false, false) => (http::StatusCode::OK, "ok"),
        };
        let tasks: Vec<_> = tasks
            .iter()
            .map(|task| serde_json::json!({"name": task.name, "state": task.state.name(), "restarts": task.restarts}))
            .collect();
        let body = serde_json::json!({"status": word, "tasks": tasks}).to_string();
        let response = http::Response::builder()
            .status(status)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::CACHE_CONTROL, "no-store")
            .body(Body::from(body))?;
        connection.send(response.into()).await?;
        Ok(())
    }
}

/// Where a supervisor writes how its task does.
pub(super) struct Report {
    health: Health,
    index: usize,
}

impl Report {
    pub(super) fn is(&self, state: TaskState) {
        self.change(|task| task.state = state);
    }

    pub(super) fn get(&self) -> Option<TaskState> {
        self.health
            .tasks
            .lock()
            .get(self.index)
            .map(|task| task.state)
    }

    pub(super) fn failed(&self, error: &str) {
        self.change(|task| task.last_error = Some(error.to_owned()));
    }

    pub(super) fn restarts(&self) {
        self.change(|task| {
            task.state = TaskState::Restarting;
            task.restarts += 1;
        });
    }

    fn change(&self, change: impl FnOnce(&mut TaskHealth)) {
        if let Some(task) = self.health.tasks.lock().get_mut(self.index) {
            change(task);
        }
    }
}
