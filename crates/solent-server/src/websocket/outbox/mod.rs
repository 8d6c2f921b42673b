//! Everything on its way to one client.

mod life;
mod state;
mod writing;

use std::{
    net::Shutdown,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use solent_spec::{
    Closed, SendError,
    websocket::{Close, CloseCode, Frame, FrameSink, SharedFrame, SinkRefusal, WireVariant},
};
use tokio::task::AbortHandle;

pub(super) use self::state::Room;
use self::state::{HIGH_WATER, State, Status};
use super::{bell::Bell, engine, input::Input, reader::Reader};
use crate::{
    clock::Key,
    connection::{ConnectionGuard, WriteHalf},
    server::Core,
};

/// Payloads from this size on are written from where they lie; smaller ones are copied behind their header.
const IN_PLACE: usize = 4 * 1024;

/// The half of a WebSocket that writes, used by the connection's own task, by publishers on any other, and by the sweep.
///
/// What is sent while nothing waits is written at once. What is sent while more input is at hand (*corked*), or by
/// others, is queued, and a [`Flusher`](super::Flusher) writes it at the end of the turn. What the socket does not
/// take is written by a task of its own, so that an application that is busy elsewhere does not hold it up.
pub(crate) struct Outbox {
    core: Arc<Core>,
    me: Weak<Self>,
    key: Key,
    /// What there is from the moment that the socket is there.
    attached: OnceLock<Attached>,
    /// Held while writing, so that messages leave in order; never across a wait.
    state: Mutex<State>,
    /// The half that reads, here so that the socket's task can read while the application does not.
    input: Input,
    /// How ready frames go on the wire here; set when the handshake is accepted.
    variant: OnceLock<WireVariant>,
    /// When the client last gave a sign of life: something was read of it, or it made room in a socket that was full.
    heard: AtomicU32,
    /// When the ping left that has not been answered by anything; 0 without one.
    pinged: AtomicU32,
    /// For how long after that the client may be silent: longer if much lies before the ping that it has yet to read.
    patience: AtomicU32,
    /// Something was read of the client since the last ping left. Set by who reads, taken when the next ping leaves.
    answered: AtomicBool,
    /// When a handshake or a close that is not answered, or a client that does not read, has taken too long; 0 for never.
    deadline: AtomicU32,
    /// The code the server itself ends the connection with; 0 for none.
    ended_with: AtomicU16,
    abort: OnceLock<AbortHandle>,
}

/// A socket that is there.
struct Attached {
    socket: WriteHalf,
    /// The reader's.
    bell: Arc<Bell>,
    /// Counts the connection for as long as its outbox lives.
    _guard: ConnectionGuard,
}

impl Outbox {
    pub(super) fn new(core: &Arc<Core>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            core: Arc::clone(core),
            me: me.clone(),
            // A sweep before the outbox is made finds nothing yet.
            key: core.websockets.insert(me.clone()),
            attached: OnceLock::new(),
            state: Mutex::default(),
            variant: OnceLock::new(),
            input: Input::default(),
            heard: AtomicU32::new(core.clock.now()),
            pinged: AtomicU32::new(0),
            patience: AtomicU32::new(0),
            answered: AtomicBool::new(true),
            deadline: AtomicU32::new(0),
            ended_with: AtomicU16::new(0),
            abort: OnceLock::new(),
        })
    }

    /// The handshake is accepted: frames may be queued, though the socket is not there yet.
    pub(super) fn open(&self, variant: WireVariant) {
        let _ = self.variant.set(variant);
        let mut state = self.state.lock();
        if state.status == Status::Handshaking {
            state.status = Status::Open;
            self.deadline.store(0, Relaxed);
        }
        if self.core.is_draining() {
            // Accepted after the drain has passed by.
            self.go_away_locked(&mut state);
        }
    }

    /// The socket is there, and `task` is its own.
    pub(super) fn attach(
        &self,
        socket: WriteHalf,
        reader: Reader,
        guard: ConnectionGuard,
        task: &Waker,
    ) {
        reader.bell().belongs_to(task);
        let bell = Arc::clone(reader.bell());
        self.heard();
        self.input.attach(reader);
        let _ = self.attached.set(Attached {
            socket,
            bell,
            _guard: guard,
        });
        let mut state = self.state.lock();
        if let Some(waker) = state.arrival.take() {
            waker.wake();
        }
        if state.status == Status::Shut {
            drop(state);
            self.shut_socket(Shutdown::Both);
            return;
        }
        self.flush_locked(&mut state);
    }

    /// What comes from the client.
    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// Reads what the application does not read at the moment, if there is anything; called by the socket's task.
    pub(super) fn read_ahead(&self, cx: &Context<'_>) {
        if self.bell().is_some_and(|bell| !bell.is_silent()) {
            self.input.read_ahead(self, cx);
        }
    }

    /// The bell of the socket, once it is there.
    pub(super) fn bell(&self) -> Option<&Bell> {
        self.attached.get().map(|attached| &*attached.bell)
    }

    fn socket(&self) -> Option<&WriteHalf> {
        self.attached.get().map(|attached| &attached.socket)
    }

    /// Waits for the socket; false if it will never come.
    pub(super) fn poll_arrival(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if self.attached.get().is_some() {
            return Poll::Ready(true);
        }
        if state.status == Status::Shut {
            return Poll::Ready(false);
        }
        state.arrival = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for the time that the application has to answer the handshake to pass.
    pub(super) fn poll_unanswered(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.status == Status::Shut {
            return Poll::Ready(());
        }
        if self.deadline.load(Relaxed) == 0 {
            let timeout = self.core.config.websocket.handshake_timeout;
            self.deadline.store(self.core.clock.after(timeout), Relaxed);
        }
        state.arrival = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The task that runs the application, for the end of the drain.
    pub(super) fn run_by(&self, abort: AbortHandle) {
        let _ = self.abort.set(abort);
    }

    /// Sends a message of the connection's own application. `corked`: more input is at hand, so writing can wait.
    pub(super) fn send(
        &self,
        frame: Frame,
        deflater: Option<&mut engine::Deflater>,
        corked: bool,
    ) -> Result<Room, SendError> {
        let mut state = self.open_state()?;
        if frame.len() >= IN_PLACE && deflater.is_none() {
            let (head, len) = engine::head(&frame);
            state
                .queue
                .extend(|tail| tail.extend_from_slice(&head[..len]));
            state.queue.push(frame.into_bytes());
        } else if corked || !state.queue.is_empty() || state.blocked {
            state
                .queue
                .extend(|tail| engine::encode(&frame, deflater, tail));
        } else {
            self.write_encoded(&mut state, |encoded| {
                engine::encode(&frame, deflater, encoded)
            });
            return Ok(state.room());
        }
        self.flush_or_schedule(&mut state, corked);
        Ok(state.room())
    }

    /// Sends a ready message of the connection's own application.
    pub(super) fn send_shared(&self, frame: &SharedFrame, corked: bool) -> Result<Room, SendError> {
        let mut state = self.open_state()?;
        state.queue.push(self.wire(frame).clone());
        self.flush_or_schedule(&mut state, corked);
        Ok(state.room())
    }

    /// Sends a close frame, after which nothing may be sent.
    pub(super) fn close(&self, close: &Close) -> Result<(), SendError> {
        let mut state = self.open_state()?;
        self.close_locked(&mut state, Some(close), Status::Closing);
        Ok(())
    }

    /// Answers the peer's close frame, or ends a connection that broke the rules; then shuts the direction to the client.
    pub(super) fn end(&self, close: Option<&Close>) {
        let mut state = self.state.lock();
        state.set_gone();
        match state.status {
            Status::Open => self.close_locked(&mut state, close, Status::Ending),
            Status::Closing => {
                state.status = Status::Ending;
                self.flush_locked(&mut state);
            }
            Status::Handshaking => state.status = Status::Shut,
            Status::Ending | Status::Shut => {}
        }
    }

    /// Closes from outside the application, as the drain does.
    pub(crate) fn go_away(&self) {
        self.go_away_locked(&mut self.state.lock());
    }

    /// Cuts the connection; its reader sees the end of the stream.
    pub(crate) fn cut(&self) {
        self.shut(&mut self.state.lock());
    }

    /// What resolves when nothing that is sent reaches the client any more.
    pub(super) fn closed(&self) -> Closed {
        let mut state = self.state.lock();
        let gone = state.gone;
        let signal = state.closed.get_or_insert_default();
        if gone {
            signal.close();
        }
        signal.closed()
    }

    /// The client is gone; what is still sent may be lost.
    pub(super) fn client_gone(&self) {
        self.state.lock().set_gone();
    }

    /// Whether nothing goes to or comes from the client any more.
    pub(crate) fn is_shut(&self) -> bool {
        self.state.lock().status == Status::Shut
    }

    /// Ends the application's task.
    pub(crate) fn abort(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    /// Answers a ping.
    pub(super) fn pong(&self, payload: &[u8], corked: bool) {
        let mut state = self.state.lock();
        if state.status != Status::Open {
            return;
        }
        // RFC 6455 §5.5.3: only the latest ping has to be answered, so pongs that are not read cannot pile up.
        if state.blocked || state.queue.len() > HIGH_WATER {
            state.held_up().pong = Some(payload.into());
            return;
        }
        state.queue.extend(|tail| engine::pong(payload, tail));
        self.flush_or_schedule(&mut state, corked);
    }

    /// Writes what is queued, for a flusher.
    pub(super) fn flush_scheduled(&self) {
        let mut state = self.state.lock();
        state.scheduled = false;
        self.flush_locked(&mut state);
    }

    /// Waits until a sender may go on.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.state.lock();
        if state.status == Status::Shut {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.room() == Room::Enough {
            return Poll::Ready(Ok(()));
        }
        match &mut state.held_up().room {
            Some(waker) => waker.clone_from(cx.waker()),
            room => *room = Some(cx.waker().clone()),
        }
        self.flush_locked(&mut state);
        match state.room() {
            Room::Enough => Poll::Ready(Ok(())),
            Room::Full => Poll::Pending,
        }
    }

    /// The code the server ended the connection with, if it did.
    pub(super) fn ended_with(&self) -> Option<CloseCode> {
        match self.ended_with.load(Relaxed) {
            0 => None,
            code => Some(CloseCode::from_u16(code)),
        }
    }

    /// Notes the code the server ends the connection with.
    pub(super) fn end_with(&self, code: CloseCode) {
        self.ended_with.store(code.as_u16(), Relaxed);
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// This outbox as what layers write ready frames to.
    pub(super) fn sink(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    fn go_away_locked(&self, state: &mut State) {
        if state.status == Status::Open {
            self.ended_with
                .store(CloseCode::GOING_AWAY.as_u16(), Relaxed);
            state.set_gone();
            self.close_locked(state, Some(&CloseCode::GOING_AWAY.into()), Status::Closing);
        }
    }

    fn open_state(&self) -> Result<MutexGuard<'_, State>, SendError> {
        let state = self.state.lock();
        if state.status == Status::Open {
            Ok(state)
        } else {
            Err(SendError::Closed)
        }
    }

    fn wire<'a>(&self, frame: &'a SharedFrame) -> &'a Bytes {
        let variant = self.variant.get().copied().unwrap_or(WireVariant::Plain);
        frame.wire(variant, |frame| {
            engine::ready(frame, variant, &self.core.config.websocket)
        })
    }
}

impl FrameSink for Outbox {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        let mut state = self.state.lock();
        match state.status {
            Status::Open => {}
            Status::Handshaking => return Err(SinkRefusal::NotOpen),
            Status::Closing | Status::Ending | Status::Shut => return Err(SinkRefusal::Closed),
        }
        if state.queue.len() > self.core.config.websocket.max_unsent {
            return Err(SinkRefusal::Full);
        }
        state.queue.push(self.wire(frame).clone());
        self.schedule(&mut state);
        Ok(())
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.core.websockets.remove(self.key);
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("status", &self.state.lock().status)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outbox_and_its_counts_take_no_more_than_384_bytes() {
        let counts = 2 * size_of::<usize>();
        assert!(
            size_of::<Outbox>() + counts <= 384,
            "{}",
            size_of::<Outbox>()
        );
    }
}
