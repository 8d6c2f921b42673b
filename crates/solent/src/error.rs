//! What an application cannot start or end with.

use std::fmt;

use solent_consumers::WorkerError;
use solent_layer::{LayerError, NameError};
use solent_routing::RouteError;
use solent_server::{BindParseError, ServeError};
use solent_spec::{BoxError, Chain};

use crate::layer_url::LayerUrlError;

/// An application could not be put together, started or ended.
///
/// Its `Debug` is the message and its causes, since that is what a `main` that returns it shows to people.
#[derive(thiserror::Error)]
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
    /// A [middleware](crate::Solent::middleware) cannot work: what it needs refuses this process.
    #[error("middleware cannot be used")]
    Middleware(#[source] BoxError),
    /// A [start-up hook](crate::Solent::startup) failed.
    #[error("start-up hook {name:?} failed")]
    Startup {
        /// Its name.
        name: &'static str,
        /// What it returned, or that it panicked.
        source: BoxError,
    },
    /// A [shutdown hook](crate::Solent::shutdown) failed, the first of them that did.
    #[error("shutdown hook {name:?} failed")]
    Shutdown {
        /// Its name.
        name: &'static str,
        /// What it returned, that it panicked, or that it took too long.
        source: BoxError,
    },
    /// The name of a channel breaks the rules.
    #[error(transparent)]
    ChannelName(#[from] NameError),
    /// A worker is to listen on a channel that the application does not have.
    #[error("application has no channel {name:?}, {}", list(.known))]
    UnknownChannel {
        /// The channel.
        name: String,
        /// The channels that it has.
        known: Vec<String>,
    },
    /// A worker is a process of its own, and no other process can send to it.
    #[error(
        "a worker on the memory layer gets no messages, choose a layer that processes share with --layer or SOLENT_LAYER"
    )]
    AloneAtWork,
    /// A named channel is on a layer that publishes.
    #[error(
        "channel {channel:?} needs a layer with queues, and the layer {alias:?} publishes: each worker would do every job, or \
         none. Use a queue layer, --layer \"redis://…?layer=queue\"; or give the channel one of its own, with \
         ChannelConfig::layer(\"jobs\") and --layer \"jobs=redis://…?layer=queue\"; or, in one process, the memory layer"
    )]
    NoQueues {
        /// The channel.
        channel: String,
        /// The alias of its layer.
        alias: String,
    },
    /// A named channel is on a layer that there is not.
    #[error(
        "channel {channel:?} is on the layer {alias:?}, and there is none, add it with Solent::layer_as or --layer {alias}=URL"
    )]
    UnknownLayer {
        /// The channel.
        channel: String,
        /// The alias.
        alias: String,
    },
    /// A worker has no channels, or has been left without its layer.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// There is no channel layer.
    #[error(
        "application has no channel layer, give it one with Solent::layer, or use the feature `memory`"
    )]
    NoLayer,
    /// No channel layer has such a URL.
    #[error(transparent)]
    LayerUrl(#[from] LayerUrlError),
    /// The settings in the URL of a channel layer cannot be used.
    #[error("{url} cannot be used")]
    LayerSettings {
        /// The URL without its secrets, and where it was given.
        url: String,
        /// What is wrong; it may change between releases.
        source: BoxError,
    },
    /// The backend of the channel layer refuses this process: wrong credentials, a missing permission, a wrong database.
    #[error("channel layer cannot be used")]
    LayerRefused(#[source] LayerError),
    /// The channel layer could not be closed.
    #[error("channel layer could not be closed")]
    Close(#[source] LayerError),
    /// The runtime could not be started.
    #[error("runtime could not be started")]
    Runtime(#[source] std::io::Error),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Chain(self), f)
    }
}

fn list(known: &[String]) -> String {
    match known {
        [] => "nor any other, add one with Solent::channel".to_owned(),
        known => format!("it has {}", known.join(", ")),
    }
}
