//! What a worker cannot run with.

/// A worker could not run, or ended before it was to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It has no channels.
    #[error("worker has no channels, add one with its channel method")]
    NoChannels,
    /// Two applications would compete for the messages of one channel.
    #[error("channel {0:?} has two applications, add it once")]
    Twice(String),
    /// A channel is the mailbox of one consumer and cannot be listened on.
    #[error("channel {0:?} belongs to one consumer, listen on a name without `!`")]
    NotNamed(String),
    /// A channel is on a layer that there is not.
    #[error(
        "channel {channel:?} is on the layer {alias:?}, and the worker's state has none with this alias in its Layers"
    )]
    UnknownLayer {
        /// The channel.
        channel: String,
        /// The alias.
        alias: String,
    },
    /// A channel is on a layer that publishes.
    #[error(
        "channel {0:?} needs a layer with queues, and its layer publishes: each worker would do every job, or none; use a \
         queue layer, or the memory layer in one process"
    )]
    NoQueues(String),
    /// The channel layer was closed under it.
    #[error("worker has ended, its channel layer was closed")]
    LayerClosed,
}
