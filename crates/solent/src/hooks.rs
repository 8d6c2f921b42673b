//! What an application does before it listens, and after the last connection.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use http::Extensions;
use solent_layer::DynLayer;
use solent_spec::{Chain, Result};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{context::Context, error::Error};

/// What each shutdown hook has, however late it is: one that hangs takes no time from those after it.
const AT_LEAST: Duration = Duration::from_secs(1);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Puts what a start-up hook has made into the state.
type Made = Box<dyn FnOnce(&mut Extensions) + Send>;

type Start = Box<dyn FnOnce(Context) -> BoxFuture<Result<Made>> + Send>;
type Stop = Box<dyn FnOnce(Context) -> BoxFuture<Result> + Send>;

/// The hooks of an application, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Hooks(Vec<(&'static str, Hook)>);

enum Hook {
    Startup(Start),
    Shutdown(Stop),
}

/// The shutdown hooks that are due once the application ends.
pub(crate) struct Cleanup {
    context: Context,
    hooks: Vec<(&'static str, Stop)>,
}

impl Hooks {
    pub(crate) fn startup<T, F, R>(&mut self, name: &'static str, hook: F)
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result<T>> + Send + 'static,
    {
        let start: Start = Box::new(move |context| {
            let made = hook(context);
            Box::pin(async move {
                let value = made.await?;
                let put: Made = Box::new(move |state| drop(state.insert(value)));
                Ok(put)
            })
        });
        self.0.push((name, Hook::Startup(start)));
    }

    pub(crate) fn shutdown<F, R>(&mut self, name: &'static str, hook: F)
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        let stop: Stop = Box::new(move |context| Box::pin(hook(context)));
        self.0.push((name, Hook::Shutdown(stop)));
    }

    /// Runs the start-up hooks one after the other. Each sees what those before it have put into `state`. Whether all ran;
    /// `stop` ends it between and within them. In any case it comes with the shutdown hooks that are due: those before the hook that
    /// was not finished.
    pub(crate) async fn start(
        self,
        layer: &DynLayer,
        state: &mut Extensions,
        stop: impl Future<Output = ()>,
    ) -> (Cleanup, Result<bool, Error>) {
        let mut stop = pin!(stop);
        let mut due = Vec::new();
        let mut result = Ok(true);
        for (name, hook) in self.0 {
            let start = match hook {
                Hook::Shutdown(stop) => {
                    due.push((name, stop));
                    continue;
                }
                Hook::Startup(start) => start,
            };
            let context = Context::new(layer.clone(), Arc::new(state.clone()));
            let started = tokio::select! {
                started = contained(start(context)) => started,
                () = &mut stop => {
                    result = Ok(false);
                    break;
                }
            };
            match started {
                Ok(put) => put(state),
                Err(source) => {
                    result = Err(Error::Startup { name, source });
                    break;
                }
            }
        }
        let context = Context::new(layer.clone(), Arc::new(state.clone()));
        (
            Cleanup {
                context,
                hooks: due,
            },
            result,
        )
    }
}

impl Cleanup {
    /// Runs the hooks, the last one first. One that fails or takes until the deadline is logged, and those before it run all the
    /// same.
    ///
    /// # Errors
    ///
    /// What the first of them failed with.
    pub(crate) async fn run(self, deadline: Instant) -> Result<(), Error> {
        let mut result = Ok(());
        for (name, stop) in self.hooks.into_iter().rev() {
            let until = deadline.max(Instant::now() + AT_LEAST);
            let stopped = timeout_at(until, contained(stop(self.context.clone()))).await;
            let source = match stopped {
                Ok(Ok(())) => continue,
                Ok(Err(source)) => source,
                Err(_) => "it was not done in time".into(),
            };
            tracing::error!(target: "solent", hook = name, error = %Chain(&*source), "shutdown hook failed");
            if result.is_ok() {
                result = Err(Error::Shutdown { name, source });
            }
        }
        result
    }
}

/// Runs `future` in a task of its own, so that a panic is an error. Dropping it ends the task.
pub(crate) async fn contained<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(future);
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(panic)) => Err(panic.into()),
        None => unreachable!("a task was spawned"),
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.hooks.iter().map(|(name, _)| name))
            .finish()
    }
}
