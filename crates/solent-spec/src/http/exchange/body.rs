//! The server's side, while the response goes on.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Host, Piece, Running, Slot, poll_application};
use crate::{Body, BoxError, is_disconnect};

/// The response body of an exchange. It keeps the application running while there is more to come.
///
/// Dropping it tells the application that the exchange is over; the host runs what is left of it.
pub struct ExchangeBody {
    kind: Kind,
    /// What came before the response's head has left; boxed, because few bodies have it.
    first: Option<Box<Frame<Bytes>>>,
}

enum Kind {
    Whole(Body),
    Pieces(VecDeque<Piece>),
    Driven(Box<Driven>),
}

/// The body of a response whose application has not ended.
struct Driven {
    running: Option<Running>,
    slot: Arc<Slot>,
    host: Arc<dyn Host>,
    /// The body of a whole response, or the file that is being sent.
    inner: Option<Body>,
    /// Whether `inner` is a file.
    in_file: bool,
}

impl ExchangeBody {
    pub(super) fn whole(body: Body) -> Self {
        Kind::Whole(body).into()
    }

    pub(super) fn pieces(pieces: VecDeque<Piece>) -> Self {
        Kind::Pieces(pieces).into()
    }

    pub(super) fn driven(
        running: Option<Running>,
        slot: Arc<Slot>,
        host: Arc<dyn Host>,
        inner: Option<Body>,
    ) -> Self {
        let driven = Driven {
            running,
            slot,
            host,
            inner,
            in_file: false,
        };
        Kind::Driven(Box::new(driven)).into()
    }

    /// Polls for the first piece before the response's head leaves, and keeps it: where it cannot be
    /// had, another response can be sent. Ready as well where the piece takes its time, unless it is
    /// one of a file, which has to be opened first.
    ///
    /// # Errors
    ///
    /// What the first piece failed with, or that there is none though the body's size hint is exact. The body is of no use
    /// then.
    pub fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.first.is_some() || self.is_at_hand() {
            return Poll::Ready(Ok(()));
        }
        let announced = self.kind.size_hint().exact().unwrap_or_default();
        match self.kind.poll_frame(cx) {
            Poll::Ready(None) if announced > 0 => {
                return Poll::Ready(Err(Absent { announced }.into()));
            }
            Poll::Ready(Some(Ok(frame))) => self.first = Some(Box::new(frame)),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
            Poll::Ready(None) => self.kind = Kind::Whole(Body::empty()),
            Poll::Pending if self.kind.begins_with_file() => return Poll::Pending,
            Poll::Pending => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there is nothing that could fail.
    fn is_at_hand(&self) -> bool {
        match &self.kind {
            Kind::Whole(body) => body.as_full().is_some(),
            Kind::Pieces(pieces) => !matches!(pieces.front(), Some(Piece::File(_))),
            Kind::Driven(_) => false,
        }
    }
}

/// A body ended before its first piece.
#[derive(Debug, thiserror::Error)]
#[error("body has {announced} bytes by its size hint, but it has none")]
struct Absent {
    announced: u64,
}

impl From<Kind> for ExchangeBody {
    fn from(kind: Kind) -> Self {
        Self { kind, first: None }
    }
}

impl Kind {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PollFrame {
        match self {
            Self::Whole(body) => http_body::Body::poll_frame(Pin::new(body), cx),
            Self::Pieces(pieces) => poll_pieces(pieces, cx),
            Self::Driven(driven) => driven.poll_frame(cx),
        }
    }

    fn begins_with_file(&self) -> bool {
        match self {
            Self::Whole(_) => false,
            Self::Pieces(pieces) => matches!(pieces.front(), Some(Piece::File(_))),
            Self::Driven(driven) => driven.in_file,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => http_body::Body::size_hint(body),
            Self::Driven(driven) => driven.size_hint(),
            Self::Pieces(pieces) => pieces_hint(pieces),
        }
    }
}

/// The size of what is left, with a piece that was taken out before.
fn with_first(first: &Frame<Bytes>, rest: &SizeHint) -> SizeHint {
    let first = first.data_ref().map_or(0, |data| data.len() as u64);
    let mut hint = SizeHint::default();
    let lower = rest.lower().saturating_add(first);
    if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(first)) {
        hint.set_upper(upper.max(lower));
    }
    hint.set_lower(lower);
    hint
}

impl From<Body> for ExchangeBody {
    /// A body without an application behind it.
    fn from(body: Body) -> Self {
        Self::whole(body)
    }
}

impl Default for ExchangeBody {
    fn default() -> Self {
        Self::whole(Body::empty())
    }
}

/// Exact where there are only bytes, or one file: the response then has a length.
fn pieces_hint(pieces: &VecDeque<Piece>) -> SizeHint {
    if pieces.len() == 1
        && let Some(Piece::File(file)) = pieces.front()
    {
        return http_body::Body::size_hint(file);
    }
    let mut total = 0;
    for piece in pieces {
        let Piece::Data(data) = piece else {
            return SizeHint::default();
        };
        total += data.len() as u64;
    }
    SizeHint::with_exact(total)
}

type PollFrame = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

impl http_body::Body for ExchangeBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollFrame {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(*first))),
            None => self.kind.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        if self.first.is_some() {
            return false;
        }
        match &self.kind {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Pieces(pieces) => pieces.is_empty(),
            Kind::Driven(driven) => driven.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.kind.size_hint();
        match &self.first {
            Some(first) => with_first(first, &rest),
            None => rest,
        }
    }
}

fn poll_pieces(pieces: &mut VecDeque<Piece>, cx: &mut Context<'_>) -> PollFrame {
    loop {
        if let Some(Piece::File(body)) = pieces.front_mut() {
            if let Some(frame) = ready!(http_body::Body::poll_frame(Pin::new(body), cx)) {
                return Poll::Ready(Some(frame));
            }
            pieces.pop_front();
            continue;
        }
        return Poll::Ready(match pieces.pop_front() {
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::File(_)) => continue,
            None => None,
        });
    }
}

impl Driven {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PollFrame {
        self.poll_running(cx)?;
        loop {
            if let Some(body) = &mut self.inner {
                if let Some(frame) = ready!(http_body::Body::poll_frame(Pin::new(body), cx)) {
                    return Poll::Ready(Some(frame));
                }
                self.inner = None;
                self.in_file = false;
            }
            let mut state = self.slot.lock();
            match state.pop() {
                Some(Piece::Data(data)) => {
                    state.wake_application();
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Piece::Trailers(trailers)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Some(Piece::File(body)) => {
                    state.wake_application();
                    self.inner = Some(body);
                    self.in_file = true;
                }
                None if state.ended => return Poll::Ready(None),
                None => {
                    state.wait_as_server(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Lets the application go on.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Result<(), BoxError> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        let Poll::Ready(result) = poll_application(running, cx) else {
            return Ok(());
        };
        self.running = None;
        let state = self.slot.lock();
        let (ended, lost) = (state.ended, state.lost);
        drop(state);
        match result {
            Err(error) if !is_disconnect(&*error) => self.host.failed(&self.slot.caller, error),
            Ok(()) if !ended && !lost => self.host.failed(
                &self.slot.caller,
                "application ended without completing its response".into(),
            ),
            _ => {}
        }
        if ended {
            Ok(())
        } else {
            Err("response was not completed by its application".into())
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.slot.lock().size_hint();
        match &self.inner {
            None => rest,
            Some(body) if rest.exact() == Some(0) => http_body::Body::size_hint(body),
            Some(_) => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.slot.lock();
        state.ended
            && state.pieces.is_empty()
            && self
                .inner
                .as_ref()
                .is_none_or(http_body::Body::is_end_stream)
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.slot.lock().end();
            self.host.finish(self.slot.caller.clone(), running);
        }
    }
}

impl fmt::Debug for ExchangeBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeBody").finish_non_exhaustive()
    }
}
