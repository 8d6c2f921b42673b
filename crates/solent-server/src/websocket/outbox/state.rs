//! What an outbox keeps under its lock.

use std::task::Waker;

use solent_spec::ClosedSignal;

use crate::websocket::queue::Queue;

/// Bytes that may wait to be written before a sender has to wait.
pub(super) const HIGH_WATER: usize = 64 * 1024;

/// Whether a sender may go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Room {
    Enough,
    /// Too much waits to be written: wait for [room](super::Outbox::poll_room).
    Full,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) status: Status,
    pub(super) queue: Queue,
    /// A flusher has this outbox on its list.
    pub(super) scheduled: bool,
    /// The socket takes no more; a task waits for it.
    pub(super) blocked: bool,
    /// A ping is at the end of the queue and has not left.
    pub(super) pinging: bool,
    /// Nothing that is sent reaches the client any more.
    pub(super) gone: bool,
    /// The answer to the latest ping, until there is room for it.
    pub(super) pong: Option<Box<[u8]>>,
    /// Wakes a sender that waits for room.
    pub(super) room: Option<Waker>,
    /// Wakes a handshake that waits for its answer, and then a transport that waits for its socket.
    pub(super) arrival: Option<Waker>,
    /// Tells the application that the client is gone; made when it first asks.
    pub(super) closed: Option<ClosedSignal>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Handshaking,
    Open,
    /// A close frame has been queued. Nothing may follow it.
    Closing,
    /// As closing, and the direction to the client is shut once the queue is empty.
    Ending,
    /// Nothing can be written any more.
    Shut,
}

impl State {
    pub(super) fn set_gone(&mut self) {
        self.gone = true;
        if let Some(signal) = &self.closed {
            signal.close();
        }
    }

    pub(super) fn room(&self) -> Room {
        if self.queue.len() <= HIGH_WATER {
            Room::Enough
        } else {
            Room::Full
        }
    }
}
