//! What comes from one client, and who reads it.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use solent_spec::websocket::{Close, CloseCode, Frame};

use super::{
    engine::Decoded,
    outbox::Outbox,
    reader::{Next, READ, Read, Reader},
    turn::Turn,
};

/// What a message that waits costs beside its payload.
const PER_MESSAGE: usize = 64;

/// The least that is read at a time while messages wait.
const LEAST_READ: usize = 4 * 1024;

/// The half of a WebSocket that reads. The application reads what it waits for; while it does not, the socket's own task
/// reads, answers pings, sees the client's end, and keeps messages for later.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Locked by the application's transport and by the socket's task, which are mostly one task; never across a wait. The
    /// outbox's own lock may be taken while this is held, and not the other way round.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Absent until the socket is there, and after its end.
    reader: Option<Reader>,
    /// What the socket's task has read and the application has not received. Absent while it is empty.
    waiting: Option<Box<Waiting>>,
    /// What the application has read in this turn.
    turn: Turn,
    /// The application's turn is over, and with it the task's.
    turn_over: bool,
    /// The client's end has been read.
    over: bool,
    /// Messages are of no interest any more.
    discarding: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    arrived: VecDeque<Arrived>,
    bytes: usize,
}

/// What the application has to know.
#[derive(Debug)]
pub(super) enum Arrived {
    Message(Frame),
    /// The client closed, or broke the rules.
    Closed(Close),
    /// The stream is over without a close frame.
    Lost,
}

impl Input {
    pub(super) fn attach(&self, reader: Reader) {
        self.state.lock().reader = Some(reader);
    }

    /// Waits for what the application has to know next, and tells whether more is at hand behind it. To be called once
    /// the socket is there.
    pub(super) fn poll_next(&self, outbox: &Outbox, cx: &Context<'_>) -> Poll<(Arrived, bool)> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if let Some(arrived) = state.pop() {
            return Poll::Ready((arrived, state.has_more()));
        }
        let Some(reader) = &mut state.reader else {
            // The application has ended, and left its connection to somebody.
            return Poll::Ready((Arrived::Lost, false));
        };
        loop {
            match reader.next(outbox, &mut state.turn, READ, Some(cx.waker())) {
                Next::Nothing => {
                    state.turn = Turn::default();
                    return Poll::Pending;
                }
                Next::TurnOver => {
                    state.turn = Turn::default();
                    state.turn_over = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Read(read) => {
                    if let Some(arrived) = act(read, outbox, reader) {
                        state.over = !matches!(arrived, Arrived::Message(_));
                        return Poll::Ready((arrived, state.has_more()));
                    }
                }
            }
        }
    }

    /// Reads what the application does not read, as far as there is room for messages to wait.
    pub(super) fn read_ahead(&self, outbox: &Outbox, cx: &Context<'_>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if std::mem::take(&mut state.turn_over) {
            return cx.waker().wake_by_ref();
        }
        let Some(reader) = state.reader.as_mut().filter(|_| !state.over) else {
            return;
        };
        let limit = outbox.core().config.websocket.max_unread;
        let (mut turn, mut new) = (Turn::default(), false);
        loop {
            let waiting = state.waiting.as_ref().map_or(0, |waiting| waiting.bytes);
            // Beyond that the kernel keeps it, and TCP slows the client down.
            let room = match limit.saturating_sub(waiting) {
                0 => break,
                room => room.max(LEAST_READ),
            };
            match reader.next(outbox, &mut turn, room, None) {
                Next::Nothing => break,
                Next::TurnOver => {
                    cx.waker().wake_by_ref();
                    break;
                }
                Next::Read(read) => match act(read, outbox, reader) {
                    Some(Arrived::Message(_)) if state.discarding => {}
                    Some(arrived) => {
                        new = true;
                        state.over = !matches!(arrived, Arrived::Message(_));
                        state.waiting.get_or_insert_default().push(arrived);
                        if state.over {
                            break;
                        }
                    }
                    None => {}
                },
            }
        }
        if new {
            reader.bell().set_waiting(true);
        }
    }

    /// Reads and discards until the peer's close frame or the end of the stream, for the socket's task.
    pub(super) fn poll_close(&self, outbox: &Outbox, cx: &Context<'_>) -> Poll<()> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(reader) = &mut state.reader else {
            return Poll::Ready(());
        };
        if state.waiting.take().is_some() {
            reader.bell().set_waiting(false);
        }
        let mut turn = Turn::default();
        loop {
            match reader.next(outbox, &mut turn, READ, None) {
                Next::Nothing => return Poll::Pending,
                Next::TurnOver => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Read(Read::Event(Decoded::Close(_)) | Read::End) => break,
                Next::Read(Read::Violation(_)) => reader.discard(),
                Next::Read(Read::Event(_)) => {}
            }
        }
        reader.bell().set_waiting(true);
        state.reader = None;
        Poll::Ready(())
    }

    /// The application has closed: messages are of no interest any more, and must not keep the client's close from being
    /// read.
    pub(super) fn discard_messages(&self) {
        let mut state = self.state.lock();
        state.discarding = true;
        if let Some(waiting) = &mut state.waiting {
            waiting.discard_messages();
        }
    }

    /// See [`solent_spec::Transport::take_overhead`].
    pub(super) fn take_overhead(&self) -> usize {
        let mut state = self.state.lock();
        state.reader.as_mut().map_or(0, Reader::take_overhead)
    }
}

impl State {
    fn pop(&mut self) -> Option<Arrived> {
        let waiting = self.waiting.as_mut()?;
        let arrived = waiting.pop();
        if waiting.arrived.is_empty() {
            self.waiting = None;
            if let Some(reader) = &self.reader {
                reader.bell().set_waiting(false);
            }
        }
        arrived
    }

    fn has_more(&self) -> bool {
        self.waiting.is_some() || self.reader.as_ref().is_some_and(Reader::has_more)
    }
}

impl Waiting {
    fn push(&mut self, arrived: Arrived) {
        self.bytes = self.bytes.saturating_add(arrived.cost());
        self.arrived.push_back(arrived);
    }

    fn pop(&mut self) -> Option<Arrived> {
        let arrived = self.arrived.pop_front()?;
        self.bytes = self.bytes.saturating_sub(arrived.cost());
        Some(arrived)
    }

    fn discard_messages(&mut self) {
        self.arrived
            .retain(|arrived| !matches!(arrived, Arrived::Message(_)));
        self.bytes = self.arrived.iter().map(Arrived::cost).sum();
    }
}

impl Arrived {
    fn cost(&self) -> usize {
        match self {
            Self::Message(frame) => frame.len().saturating_add(PER_MESSAGE),
            Self::Closed(_) | Self::Lost => PER_MESSAGE,
        }
    }
}

/// Does what needs no application; what is left for it to know.
fn act(read: Read, outbox: &Outbox, reader: &Reader) -> Option<Arrived> {
    match read {
        Read::Event(Decoded::Message(frame)) => Some(Arrived::Message(frame)),
        Read::Event(Decoded::Pong) => None,
        Read::Event(Decoded::Ping(payload)) => {
            outbox.pong(&payload, reader.has_more());
            None
        }
        Read::Event(Decoded::Close(close)) => {
            let answer = (close.code != CloseCode::NO_STATUS).then(|| close.code.into());
            outbox.end(answer.as_ref());
            Some(Arrived::Closed(close))
        }
        Read::Violation(violation) => {
            let close = Close::from(violation);
            tracing::debug!(
                target: "solent::server",
                code = close.code.as_u16(),
                reason = violation.reason,
                "client broke the WebSocket protocol"
            );
            outbox.end_with(close.code);
            outbox.end(Some(&close));
            Some(Arrived::Closed(close))
        }
        // What an application sends may still arrive where only one direction is shut.
        Read::End => {
            outbox.client_gone();
            Some(Arrived::Lost)
        }
    }
}
