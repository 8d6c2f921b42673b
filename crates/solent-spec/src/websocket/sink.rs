//! Ready frames to a client from any task.

use std::sync::Arc;

use super::SharedFrame;

/// Writes ready frames to one client, from any task and without waiting.
///
/// A server's transport may hand one out ([`Transport::direct`](crate::Transport::direct)). A broadcast then needs no
/// wake-up of each member's task: the frames are queued at the sockets, in order with what the members' own tasks
/// send, and written once the publisher's task pauses.
pub trait FrameSink: Send + Sync {
    /// Queues `frame` behind everything sent before. Returns at once.
    ///
    /// # Errors
    ///
    /// Why the frame was not taken; it is then not sent by this sink.
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal>;
}

/// A shared handle to a [`FrameSink`].
pub type FrameSinkHandle = Arc<dyn FrameSink>;

/// Why a [`FrameSink`] did not take a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkRefusal {
    /// The handshake is not complete yet, or has been refused.
    #[error("socket has not been accepted")]
    NotOpen,
    /// The connection is over.
    #[error("socket is closed")]
    Closed,
    /// The client reads too slowly, and its unread output has reached the limit.
    #[error("client does not read fast enough, unsent output exceeds the limit")]
    Full,
}
