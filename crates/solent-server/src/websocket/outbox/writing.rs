//! How what waits gets into the socket.

use std::{cell::RefCell, io, net::Shutdown};

use solent_spec::websocket::Close;

use super::{
    Outbox,
    state::{HIGH_WATER, State, Status},
};
use crate::websocket::{engine, queue::Written};

thread_local! {
    /// Where single small messages are put together.
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Outbox {
    /// Writes one small message without queueing it first.
    pub(super) fn write_encoded(&self, state: &mut State, encode: impl FnOnce(&mut Vec<u8>)) {
        ENCODED.with_borrow_mut(|encoded| {
            encoded.clear();
            encode(encoded);
            let written = match self.socket().map(|socket| socket.try_write(encoded)) {
                Some(Ok(written)) => written,
                Some(Err(error)) if is_transient(&error) => 0,
                Some(Err(_)) => return self.shut(state),
                None => 0,
            };
            state.unread.written(written);
            if written < encoded.len() {
                state
                    .queue
                    .extend(|tail| tail.extend_from_slice(&encoded[written..]));
                self.flush_locked(state);
            }
        });
    }

    pub(super) fn close_locked(&self, state: &mut State, close: Option<&Close>, status: Status) {
        state.queue.extend(|tail| engine::close(close, tail));
        state.status = status;
        self.expect_progress(state);
        self.flush_locked(state);
    }

    pub(super) fn flush_or_schedule(&self, state: &mut State, corked: bool) {
        if corked {
            self.schedule(state)
        } else {
            self.flush_locked(state)
        }
    }

    pub(super) fn schedule(&self, state: &mut State) {
        if state.scheduled || state.blocked || self.socket().is_none() {
            return;
        }
        if let Some(me) = self.me.upgrade() {
            state.scheduled = true;
            self.core.flushers.here().add(me);
        }
    }

    pub(super) fn flush_locked(&self, state: &mut State) {
        if state.blocked || state.status == Status::Shut {
            return;
        }
        let Some(socket) = self.socket() else {
            return;
        };
        match state.write_to(socket) {
            Ok(Written::All) => self.flushed(state),
            Ok(Written::TurnOver) => self.block(state),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.block(state),
            Err(_) => self.shut(state),
        }
    }

    fn flushed(&self, state: &mut State) {
        self.release(state);
        if !state.queue.is_empty() {
            return self.flush_locked(state);
        }
        self.all_left(state);
        if state.status == Status::Ending {
            state.status = Status::Shut;
            self.shut_socket(Shutdown::Write);
        }
    }

    /// Leaves the rest to a task that waits for the socket.
    fn block(&self, state: &mut State) {
        let Some(me) = self.me.upgrade() else {
            return;
        };
        state.blocked = true;
        self.expect_progress(state);
        self.core.spawn(async move { me.write_rest().await });
    }

    async fn write_rest(&self) {
        let Some(socket) = self.socket() else {
            return;
        };
        loop {
            let ready = socket.writable().await;
            if ready.is_err() {
                return self.shut(&mut self.state.lock());
            }
            if self.write_some() {
                return;
            }
            // The socket may take more at once, for as long as the client reads as fast.
            tokio::task::yield_now().await;
        }
    }

    /// Writes more of what waits for the socket; whether that was all, or there is nothing to be done any more.
    fn write_some(&self) -> bool {
        let Some(socket) = self.socket() else {
            return true;
        };
        let mut state = self.state.lock();
        if state.status == Status::Shut {
            self.shut(&mut state);
            return true;
        }
        let before = state.queue.len();
        let written = state.write_to(socket);
        if state.queue.len() < before {
            // There was no room before the client had read something.
            self.sign_of_life();
            self.expect_progress(&state);
        }
        if state.queue.len() <= HIGH_WATER {
            self.release(&mut state);
        }
        match written {
            Ok(Written::All) if state.queue.is_empty() => {
                state.blocked = false;
                self.flushed(&mut state);
                true
            }
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                self.shut(&mut state);
                true
            }
        }
    }

    /// There is room again: who waits for it goes on, and the answer to the latest ping is queued.
    fn release(&self, state: &mut State) {
        let Some(held_up) = state.held_up.take() else {
            return;
        };
        if let Some(waker) = held_up.room {
            waker.wake();
        }
        if let Some(payload) = held_up.pong
            && state.status == Status::Open
        {
            state.queue.extend(|tail| engine::pong(&payload, tail));
        }
    }

    pub(super) fn shut(&self, state: &mut State) {
        state.status = Status::Shut;
        state.set_gone();
        state.queue.clear();
        state.blocked = false;
        let room = state.held_up.take().and_then(|held_up| held_up.room);
        for waker in [room, state.arrival.take()].into_iter().flatten() {
            waker.wake();
        }
        self.shut_socket(Shutdown::Both);
    }

    pub(super) fn shut_socket(&self, how: Shutdown) {
        if let Some(socket) = self.socket() {
            socket.shutdown(how);
        }
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
