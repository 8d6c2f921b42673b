//! What belongs to no connection.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::Extensions;
use solent_layer::DynLayer;
use solent_spec::{Chain, Result};

/// What background tasks and start-up have of the application. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    layer: DynLayer,
    state: Arc<Extensions>,
}

impl Context {
    pub(crate) fn new(layer: DynLayer, state: Arc<Extensions>) -> Self {
        Self { layer, state }
    }

    /// The default channel layer: what groups send through.
    pub fn layer(&self) -> &DynLayer {
        &self.layer
    }

    /// What was given to [`Solent::state`](crate::Solent::state), by type.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.state.get()
    }
}

type BoxTask = Pin<Box<dyn Future<Output = Result> + Send>>;

/// A task that runs for as long as the application does.
pub(crate) struct Background {
    name: &'static str,
    start: Box<dyn FnOnce(Context) -> BoxTask + Send>,
}

impl Background {
    pub(crate) fn new<F, R>(name: &'static str, task: F) -> Self
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        Self {
            name,
            start: Box::new(move |context| Box::pin(task(context))),
        }
    }

    pub(crate) async fn run(self, context: Context) {
        if let Err(error) = (self.start)(context).await {
            tracing::error!(target: "solent", task = self.name, error = %Chain(&*error), "background task failed");
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
