//! A connection that any number of commands share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use redis::{
    PushInfo, PushKind,
    aio::{AsyncPushSender, MultiplexedConnection, SendError},
    cluster_async::ClusterConnection,
};

use super::source::Source;

/// A connection that any number of commands share. Cheap to clone.
#[derive(Clone)]
pub(super) enum Shared {
    Server(MultiplexedConnection, Loss),
    /// It takes care of itself.
    Cluster(ClusterConnection),
}

/// Whether a connection was lost.
#[derive(Clone)]
pub(super) struct Loss {
    /// Set by the task that reads the connection, when it ends.
    lost: Arc<AtomicBool>,
    /// How often the host had moved when the connection was made.
    moves: u64,
}

impl Loss {
    /// What becomes known of a connection, and what the connection tells.
    pub(super) fn new(moves: u64) -> (Self, impl AsyncPushSender) {
        let lost = Arc::new(AtomicBool::new(false));
        let this = Self {
            lost: Arc::clone(&lost),
            moves,
        };
        let on_push = move |info: PushInfo| {
            if info.kind == PushKind::Disconnection {
                lost.store(true, Relaxed);
            }
            Ok::<(), SendError>(())
        };
        (this, on_push)
    }
}

impl Shared {
    /// Whether nothing can be sent any more: the connection is lost, or its server is the host no longer.
    pub(super) fn is_lost(&self, source: &Source) -> bool {
        match self {
            Self::Server(_, loss) => loss.lost.load(Relaxed) || loss.moves != source.moves(),
            Self::Cluster(_) => false,
        }
    }
}
