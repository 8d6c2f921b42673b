//! Everything on its way to one client.

use std::{
    cell::RefCell,
    io,
    net::Shutdown,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU16, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use solent_spec::{
    Closed, ClosedSignal, SendError,
    websocket::{Close, CloseCode, Frame, FrameSink, SharedFrame, SinkRefusal, WireVariant},
};
use tokio::task::AbortHandle;

use super::{engine, queue::Queue, reader::Reader};
use crate::{
    clock::{Key, Tick, Watched, ticks},
    connection::{ConnectionGuard, WriteHalf},
    server::Core,
};

/// Bytes that may wait to be written before a sender has to wait.
const HIGH_WATER: usize = 64 * 1024;

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
    key: OnceLock<Key>,
    socket: OnceLock<WriteHalf>,
    guard: OnceLock<ConnectionGuard>,
    /// Held while writing, so that messages leave in order; never across a wait.
    state: Mutex<State>,
    /// How ready frames go on the wire here; set when the handshake is accepted.
    variant: OnceLock<WireVariant>,
    /// When the last octets came in.
    last_read: AtomicU32,
    /// When the ping was sent that has not been answered by anything; 0 without one.
    pinged: AtomicU32,
    /// When a close that is not answered, or a client that does not read, has taken too long; 0 for never.
    deadline: AtomicU32,
    /// The code the server itself ends the connection with; 0 for none.
    ended_with: AtomicU16,
    abort: OnceLock<AbortHandle>,
}

/// Whether a sender may go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Enough,
    /// Too much waits to be written: wait for [room](Outbox::poll_room).
    Full,
}

#[derive(Default)]
struct State {
    status: Status,
    queue: Queue,
    /// A flusher has this outbox on its list.
    scheduled: bool,
    /// The socket takes no more; a task waits for it.
    blocked: bool,
    /// Wakes a sender that waits for room.
    room: Option<Waker>,
    /// The half that reads, before its transport has taken it, or after the transport has left it.
    reader: Option<Box<Reader>>,
    /// Wakes a transport that waits for its half.
    arrival: Option<Waker>,
    /// Nothing that is sent reaches the client any more.
    gone: bool,
    /// Tells the application that it is so; made when it first asks.
    closed: Option<ClosedSignal>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
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

thread_local! {
    /// Where single small messages are put together.
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl State {
    fn set_gone(&mut self) {
        self.gone = true;
        if let Some(signal) = &self.closed {
            signal.close();
        }
    }

    fn room(&self) -> Room {
        if self.queue.len() <= HIGH_WATER {
            Room::Enough
        } else {
            Room::Full
        }
    }
}

impl Outbox {
    pub(super) fn new(core: &Arc<Core>) -> Arc<Self> {
        let outbox = Arc::new_cyclic(|me| Self {
            core: Arc::clone(core),
            me: me.clone(),
            key: OnceLock::new(),
            socket: OnceLock::new(),
            guard: OnceLock::new(),
            state: Mutex::default(),
            variant: OnceLock::new(),
            last_read: AtomicU32::new(core.clock.now()),
            pinged: AtomicU32::new(0),
            deadline: AtomicU32::new(0),
            ended_with: AtomicU16::new(0),
            abort: OnceLock::new(),
        });
        let _ = outbox.key.set(core.websockets.insert(outbox.me.clone()));
        outbox
    }

    /// The handshake is accepted: frames may be queued, though the socket is not there yet.
    pub(super) fn open(&self, variant: WireVariant) {
        let _ = self.variant.set(variant);
        let mut state = self.lock();
        if state.status == Status::Handshaking {
            state.status = Status::Open;
        }
        if self.core.is_draining() {
            // Accepted after the drain has passed by.
            self.go_away_locked(&mut state);
        }
    }

    /// The socket is there: one half stays here, the other is for the transport.
    pub(super) fn attach(&self, socket: WriteHalf, reader: Box<Reader>, guard: ConnectionGuard) {
        let _ = self.socket.set(socket);
        let _ = self.guard.set(guard);
        self.on_read();
        let mut state = self.lock();
        state.reader = Some(reader);
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

    /// Waits for the half that reads; `None` if it will never come.
    pub(super) fn poll_arrival(&self, cx: &Context<'_>) -> Poll<Option<Box<Reader>>> {
        let mut state = self.lock();
        match state.reader.take() {
            Some(reader) => Poll::Ready(Some(reader)),
            None if state.status == Status::Shut => Poll::Ready(None),
            None => {
                state.arrival = Some(cx.waker().clone());
                Poll::Pending
            }
        }
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
        let mut state = self.lock();
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
        self.go_away_locked(&mut self.lock());
    }

    /// Cuts the connection; its reader sees the end of the stream.
    pub(crate) fn cut(&self) {
        self.shut(&mut self.lock());
    }

    /// What resolves when nothing that is sent reaches the client any more.
    pub(super) fn closed(&self) -> Closed {
        let mut state = self.lock();
        let gone = state.gone;
        let signal = state.closed.get_or_insert_default();
        if gone {
            signal.close();
        }
        signal.closed()
    }

    /// The client is gone; what is still sent may be lost.
    pub(super) fn client_gone(&self) {
        self.lock().set_gone();
    }

    /// Ends the application's task.
    pub(crate) fn abort(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    /// Answers a ping.
    pub(super) fn pong(&self, payload: &[u8], corked: bool) {
        let mut state = self.lock();
        // RFC 6455 §5.5.3: only the latest ping has to be answered, so a flood of them cannot pile up pongs.
        if state.status == Status::Open && state.queue.len() <= HIGH_WATER {
            state.queue.extend(|tail| engine::pong(payload, tail));
            self.flush_or_schedule(&mut state, corked);
        }
    }

    /// Writes what is queued, for a flusher.
    pub(super) fn flush_scheduled(&self) {
        let mut state = self.lock();
        state.scheduled = false;
        self.flush_locked(&mut state);
    }

    /// Waits until a sender may go on.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.lock();
        if state.status == Status::Shut {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.room() == Room::Enough {
            return Poll::Ready(Ok(()));
        }
        match &mut state.room {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.room = Some(cx.waker().clone()),
        }
        self.flush_locked(&mut state);
        match state.room() {
            Room::Enough => Poll::Ready(Ok(())),
            Room::Full => Poll::Pending,
        }
    }

    /// Octets have come in.
    pub(super) fn on_read(&self) {
        self.last_read.store(self.core.clock.now(), Relaxed);
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

    /// Leaves the half that reads to whoever completes the closing handshake.
    pub(super) fn leave(&self, reader: Box<Reader>) {
        self.lock().reader = Some(reader);
    }

    /// Takes over the half that reads.
    pub(super) fn take_reader(&self) -> Option<Box<Reader>> {
        self.lock().reader.take()
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
        let state = self.lock();
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

    /// Writes one small message without queueing it first.
    fn write_encoded(&self, state: &mut State, encode: impl FnOnce(&mut Vec<u8>)) {
        ENCODED.with_borrow_mut(|encoded| {
            encoded.clear();
            encode(encoded);
            let written = match self.socket.get().map(|socket| socket.try_write(encoded)) {
                Some(Ok(written)) => written,
                Some(Err(error)) if is_transient(&error) => 0,
                Some(Err(_)) => return self.shut(state),
                None => 0,
            };
            if written < encoded.len() {
                state
                    .queue
                    .extend(|tail| tail.extend_from_slice(&encoded[written..]));
                self.flush_locked(state);
            }
        });
    }

    fn close_locked(&self, state: &mut State, close: Option<&Close>, status: Status) {
        state.queue.extend(|tail| engine::close(close, tail));
        state.status = status;
        self.deadline.store(
            self.core
                .clock
                .after(self.core.config.websocket.close_timeout),
            Relaxed,
        );
        self.flush_locked(state);
    }

    fn flush_or_schedule(&self, state: &mut State, corked: bool) {
        if corked {
            self.schedule(state)
        } else {
            self.flush_locked(state)
        }
    }

    fn schedule(&self, state: &mut State) {
        if state.scheduled || state.blocked || self.socket.get().is_none() {
            return;
        }
        if let Some(me) = self.me.upgrade() {
            state.scheduled = true;
            self.core.flushers.here().add(me);
        }
    }

    fn flush_locked(&self, state: &mut State) {
        if state.blocked || state.status == Status::Shut {
            return;
        }
        let Some(socket) = self.socket.get() else {
            return;
        };
        match state.queue.write_to(socket) {
            Ok(()) => self.flushed(state),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.block(state),
            Err(_) => self.shut(state),
        }
    }

    fn flushed(&self, state: &mut State) {
        if let Some(waker) = state.room.take() {
            waker.wake();
        }
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
        let Some(socket) = self.socket.get() else {
            return;
        };
        loop {
            let ready = socket.writable().await;
            let mut state = self.lock();
            if ready.is_err() || state.status == Status::Shut {
                return self.shut(&mut state);
            }
            let before = state.queue.len();
            match state.queue.write_to(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if state.queue.len() < before {
                        self.expect_progress(&state);
                    }
                    if state.queue.len() <= HIGH_WATER
                        && let Some(waker) = state.room.take()
                    {
                        waker.wake();
                    }
                }
                Err(_) => return self.shut(&mut state),
                Ok(()) => {
                    state.blocked = false;
                    if state.status == Status::Open {
                        self.deadline.store(0, Relaxed);
                    }
                    return self.flushed(&mut state);
                }
            }
        }
    }

    /// The client has until then to read something.
    fn expect_progress(&self, state: &State) {
        if state.status == Status::Open {
            let timeout = ticks(self.core.config.websocket.write_timeout);
            self.deadline
                .store(self.core.clock.now().saturating_add(timeout), Relaxed);
        }
    }

    fn shut(&self, state: &mut State) {
        state.status = Status::Shut;
        state.set_gone();
        state.queue.clear();
        state.blocked = false;
        for waker in [state.room.take(), state.arrival.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
        self.shut_socket(Shutdown::Both);
    }

    fn shut_socket(&self, how: Shutdown) {
        if let Some(socket) = self.socket.get() {
            socket.shutdown(how);
        }
    }

    /// Sends a ping after a silence, and gives up on a client that answers it with silence.
    fn keep_alive(&self, now: Tick) {
        let config = &self.core.config.websocket;
        let Some(interval) = config.ping_interval else {
            return;
        };
        let (last_read, pinged) = (self.last_read.load(Relaxed), self.pinged.load(Relaxed));
        if pinged != 0 && last_read < pinged {
            if now.saturating_sub(pinged) >= ticks(config.ping_timeout) {
                self.cut();
            }
        } else if now.saturating_sub(last_read) >= ticks(interval) {
            let mut state = self.lock();
            if state.status == Status::Open {
                self.pinged.store(now, Relaxed);
                state.queue.extend(engine::ping);
                self.flush_locked(&mut state);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

impl FrameSink for Outbox {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        let mut state = self.lock();
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

impl Watched for Outbox {
    fn sweep(&self, now: Tick) {
        if (1..=now).contains(&self.deadline.load(Relaxed)) {
            self.deadline.store(0, Relaxed);
            self.cut();
        } else {
            self.keep_alive(now);
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            self.core.websockets.remove(*key);
        }
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("status", &self.lock().status)
            .finish_non_exhaustive()
    }
}
