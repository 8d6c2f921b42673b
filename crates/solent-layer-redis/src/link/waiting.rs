//! Connections for commands that wait in Redis.

use std::{sync::Arc, time::Duration};

use redis::{
    Cmd, ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value,
    aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection, SendError},
    cluster_async::ClusterConnection,
};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::patience::within;

/// A connection for one command at a time, which may wait.
///
/// It is closed when it is dropped: a command that still waits in Redis must not take a message that no reader would get. So it is never
/// used again.
pub(crate) struct Waiting {
    on: Waits,
    /// The connection broke. A command that is sent just then may never hear of it.
    lost: Arc<Notify>,
    /// There are not more than there may be. In a cluster each has its key, and there are as many as keys.
    _permit: Option<OwnedSemaphorePermit>,
}

pub(super) enum Waits {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Waits {
    /// What the connection tells when it breaks.
    pub(super) fn on_loss(lost: &Arc<Notify>) -> impl AsyncPushSender {
        let lost = Arc::clone(lost);
        move |info: PushInfo| {
            if info.kind == PushKind::Disconnection {
                lost.notify_one();
            }
            Ok::<(), SendError>(())
        }
    }
}

impl Waiting {
    pub(super) fn new(on: Waits, lost: Arc<Notify>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            on,
            lost,
            _permit: permit,
        }
    }

    /// Runs a command, which Redis answers within `limit`.
    ///
    /// # Errors
    ///
    /// The connection broke, Redis refused the command, or there was no answer in time, after which the connection is of no
    /// use.
    pub(crate) async fn run(&mut self, cmd: &Cmd, limit: Duration) -> RedisResult<Value> {
        let on = &mut self.on;
        let answer = async {
            match on {
                Waits::Server(connection) => connection.req_packed_command(cmd).await,
                Waits::Cluster(connection) => connection.req_packed_command(cmd).await,
            }
        };
        tokio::select! {
            biased;
            answer = within(limit, answer) => match answer {
                Some(answer) => answer?.extract_error(),
                None => Err(silent()),
            },
            () = self.lost.notified() => Err(RedisError::from((
                ErrorKind::Io,
                "connection was closed",
            ))),
        }
    }
}

/// The other end does not answer.
pub(super) fn silent() -> RedisError {
    RedisError::from(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "redis does not answer",
    ))
}
