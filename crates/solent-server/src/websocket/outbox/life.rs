//! Whether a client is alive: signs of life, pings and deadlines.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use super::{Outbox, State, Status};
use crate::{
    clock::{Tick, Watched, ticks},
    websocket::engine,
};

impl Outbox {
    /// Something was read of the client.
    pub(in crate::websocket) fn heard(&self) {
        self.answered.store(true, Relaxed);
        self.sign_of_life();
    }

    /// The client has read something, or sent something.
    pub(super) fn sign_of_life(&self) {
        self.heard.store(self.core.clock.now(), Relaxed);
    }

    /// The client has until then to read something of what waits.
    pub(super) fn expect_progress(&self, state: &State) {
        let config = &self.core.config.websocket;
        let timeout = match state.status {
            Status::Open => config.write_timeout,
            Status::Closing | Status::Ending => config.close_timeout,
            Status::Handshaking | Status::Shut => return,
        };
        self.deadline.store(self.core.clock.after(timeout), Relaxed);
    }

    /// Everything has left: what is expected of the client now.
    pub(super) fn all_left(&self, state: &mut State) {
        if std::mem::take(&mut state.pinging) {
            let unread = state.unread.ping(self.answered.swap(false, Relaxed));
            let patience = self.core.config.websocket.ping_timeout;
            let patience = patience.saturating_add(time_to_read(unread));
            self.patience.store(ticks(patience), Relaxed);
            self.pinged.store(self.core.clock.now(), Relaxed);
        }
        let deadline = match state.status {
            Status::Closing | Status::Ending => {
                let timeout = self.core.config.websocket.close_timeout;
                self.core.clock.after(timeout)
            }
            Status::Open => 0,
            Status::Handshaking | Status::Shut => return,
        };
        self.deadline.store(deadline, Relaxed);
    }

    /// Sends a ping after a silence, and gives up on a client that answers it with silence.
    fn keep_alive(&self, now: Tick) {
        let config = &self.core.config.websocket;
        let (Some(interval), Some(bell)) = (config.ping_interval, self.bell()) else {
            return;
        };
        let (heard, pinged) = (self.heard.load(Relaxed), self.pinged.load(Relaxed));
        // What has come and waits to be read, or for the application to read on, is not the client's silence.
        if bell.is_silent() && pinged != 0 && heard < pinged {
            if now.saturating_sub(pinged) >= self.patience.load(Relaxed) {
                self.cut();
            }
        } else if now.saturating_sub(heard.max(pinged)) >= ticks(interval) {
            // Also where nothing is read: the system of a client that is gone refuses it.
            self.ping();
        }
    }

    /// Tells the application of a client that has left behind more input than is read of it at the moment. The end of the
    /// stream cannot be read then; the system knows of it all the same.
    fn look_for_end(&self) {
        let (Some(bell), Some(socket)) = (self.bell(), self.socket()) else {
            return;
        };
        if !bell.is_silent() && socket.is_read_closed() {
            self.client_gone();
        }
    }

    /// Sends a ping, unless there is something on its way: then the client shows that it lives by reading it.
    fn ping(&self) {
        let mut state = self.state.lock();
        if state.status == Status::Open && state.queue.is_empty() {
            state.queue.extend(engine::ping);
            state.pinging = true;
            self.flush_locked(&mut state);
        }
    }
}

impl Watched for Outbox {
    fn sweep(&self, now: Tick) {
        if (1..=now).contains(&self.deadline.load(Relaxed)) {
            self.deadline.store(0, Relaxed);
            self.cut();
        } else {
            self.look_for_end();
            self.keep_alive(now);
        }
    }
}

/// How long the slowest client that is kept takes to read so much.
fn time_to_read(bytes: u32) -> Duration {
    const PER_SECOND: u32 = 4 * 1024;
    Duration::from_secs((bytes / PER_SECOND).into())
}
