//! What an application cannot start or end with.

use solent_layer::LayerError;
use solent_routing::RouteError;
use solent_server::{BindParseError, ServeError};

/// An application could not be put together, started or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Routes are faulty.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// An address cannot be read.
    #[error(transparent)]
    Address(#[from] BindParseError),
    /// The server could not listen, or the application refused to start or end.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The channel layer could not be closed.
    #[error("channel layer could not be closed")]
    Layer(#[from] LayerError),
    /// The runtime could not be started.
    #[error("runtime could not be started")]
    Runtime(#[source] std::io::Error),
}
