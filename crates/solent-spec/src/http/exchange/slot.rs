//! What the two sides of an exchange share.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use http::{HeaderMap, Response};
use http_body::SizeHint;

use super::{MAX_QUEUED, Piece};
use crate::{Body, Closed, ClosedSignal, http::HttpOrder, request::Caller};

/// Never held while anything is polled, so the lock is free whenever it is asked for, but for applications that use
/// their connection from another task.
pub(super) struct Slot {
    state: Mutex<State>,
    /// Whose request it is, for the log.
    pub(super) caller: Caller,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) order: HttpOrder,
    /// The response's head, from its start until the server takes it; for a whole response with its body.
    pub(super) head: Option<Box<Response<Body>>>,
    /// Pieces of the body that the server has not taken yet.
    pub(super) pieces: VecDeque<Piece>,
    /// Bytes in `pieces`, files not counted.
    pub(super) queued: usize,
    /// Files in `pieces`.
    files: usize,
    /// Trailers so far. Boxed, because few responses have them.
    pub(super) trailers: Option<Box<HeaderMap>>,
    /// The last piece is in `pieces` or has been taken.
    pub(super) ended: bool,
    /// The client left, or has the whole response.
    pub(super) over: bool,
    /// The request's body broke off, and the application was told that its client is gone.
    pub(super) lost: bool,
    /// Wakes the application: room for more, or the end.
    application: Option<Waker>,
    /// Wakes the server's side: something to take.
    server: Option<Waker>,
    /// Tells of the end; made when the application first asks.
    closed: Option<ClosedSignal>,
}

impl Slot {
    pub(super) fn new(caller: Caller) -> Self {
        Self {
            state: Mutex::default(),
            caller,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the application may go on. A file holds a descriptor open, so only one waits for its turn.
    pub(super) fn has_room(&self) -> bool {
        self.queued <= MAX_QUEUED && self.files == 0
    }

    /// The size of what is left of the body, as far as it is known.
    pub(super) fn size_hint(&self) -> SizeHint {
        let only_data = |piece: &Piece| matches!(piece, Piece::Data(_));
        if self.ended && self.pieces.iter().all(only_data) {
            SizeHint::with_exact(self.queued as u64)
        } else {
            let mut hint = SizeHint::default();
            hint.set_lower(self.queued as u64);
            hint
        }
    }

    pub(super) fn push(&mut self, piece: Piece) {
        match &piece {
            Piece::Data(data) if data.is_empty() => return,
            Piece::Data(data) => self.queued += data.len(),
            Piece::File(_) => self.files += 1,
            Piece::Trailers(_) => {}
        }
        self.pieces.push_back(piece);
    }

    pub(super) fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        match &piece {
            Piece::Data(data) => self.queued -= data.len(),
            Piece::File(_) => self.files -= 1,
            Piece::Trailers(_) => {}
        }
        Some(piece)
    }

    /// Marks the exchange as over; what is sent from now on is refused, what is received is a disconnect.
    pub(super) fn end(&mut self) {
        self.over = true;
        self.order.disconnected();
        // The head's body may hold the other end of this slot; it is not taken any more.
        self.head = None;
        self.pieces.clear();
        self.queued = 0;
        self.files = 0;
        if let Some(signal) = &self.closed {
            signal.close();
        }
        self.wake_application();
    }

    /// What resolves at the end.
    pub(super) fn closed(&mut self) -> Closed {
        let signal = self.closed.get_or_insert_default();
        if self.over {
            signal.close();
        }
        signal.closed()
    }

    pub(super) fn wait_as_application(&mut self, cx: &Context<'_>) {
        replace(&mut self.application, cx);
    }

    pub(super) fn wait_as_server(&mut self, cx: &Context<'_>) {
        replace(&mut self.server, cx);
    }

    pub(super) fn wake_application(&mut self) {
        if let Some(waker) = self.application.take() {
            waker.wake();
        }
    }

    pub(super) fn wake_server(&mut self) {
        if let Some(waker) = self.server.take() {
            waker.wake();
        }
    }
}

fn replace(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}
