//! What an outbox keeps under its lock.

use std::{io, task::Waker};

use solent_spec::ClosedSignal;

use crate::{
    connection::WriteHalf,
    websocket::queue::{Queue, Written},
};

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
    /// What the client may have left unread in the system's buffers.
    pub(super) unread: Unread,
    /// Nothing that is sent reaches the client any more.
    pub(super) gone: bool,
    /// What waits for room, if something does.
    pub(super) held_up: Option<Box<HeldUp>>,
    /// Wakes a handshake that waits for its answer, and then a transport that waits for its socket.
    pub(super) arrival: Option<Waker>,
    /// Tells the application that the client is gone; made when it first asks.
    pub(super) closed: Option<ClosedSignal>,
}

/// What waits until the client has read something.
#[derive(Default)]
pub(super) struct HeldUp {
    /// The answer to the latest ping.
    pub(super) pong: Option<Box<[u8]>>,
    /// Wakes a sender.
    pub(super) room: Option<Waker>,
}

/// Bytes that have left for the client and that it may not have read. The system does not tell; an answer to a ping does.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Written since the last ping left.
    since: u32,
    /// What was unread when it left.
    before: u32,
}

impl Unread {
    /// More than the system holds of one connection.
    const MOST: u32 = 512 * 1024;

    pub(super) fn written(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.since = self.since.saturating_add(bytes);
    }

    /// A ping leaves. Returns how much the client has to read before that, at most; `answered` says whether it has given a
    /// sign of life since the last ping.
    pub(super) fn ping(&mut self, answered: bool) -> u32 {
        let before = if answered { 0 } else { self.before };
        self.before = self.since.saturating_add(before).min(Self::MOST);
        self.since = 0;
        self.before
    }
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
    /// Writes what waits, as far as the socket takes it in a turn; see [`Queue::write_to`].
    pub(super) fn write_to(&mut self, socket: &WriteHalf) -> io::Result<Written> {
        let before = self.queue.len();
        let written = self.queue.write_to(socket);
        self.unread.written(before - self.queue.len());
        written
    }

    pub(super) fn held_up(&mut self) -> &mut HeldUp {
        self.held_up.get_or_insert_default()
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_to_a_ping_says_that_everything_before_it_was_read() {
        let mut unread = Unread::default();
        unread.written(1000);
        assert_eq!(unread.ping(true), 1000);
        unread.written(500);
        assert_eq!(unread.ping(false), 1500, "nothing says that it was read");
        unread.written(2);
        assert_eq!(unread.ping(true), 2);
        unread.written(usize::MAX);
        assert_eq!(unread.ping(false), Unread::MOST);
    }
}
