//! What hooks and background tasks have of the application.

use std::sync::Arc;

use http::Extensions;
use solent_layer::DynLayer;

/// What hooks and background tasks have of the application. Cheap to clone.
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

    /// What was given to [`Solent::state`](crate::Solent::state), or returned by a [start-up hook](crate::Solent::startup),
    /// by type.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.state.get()
    }
}
