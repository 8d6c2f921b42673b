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
pub struct ExchangeBody(Kind);

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
}

impl ExchangeBody {
    pub(super) fn whole(body: Body) -> Self {
        Self(Kind::Whole(body))
    }

    pub(super) fn pieces(pieces: VecDeque<Piece>) -> Self {
        Self(Kind::Pieces(pieces))
    }

    pub(super) fn driven(
        running: Option<Running>,
        slot: Arc<Slot>,
        host: Arc<dyn Host>,
        inner: Option<Body>,
    ) -> Self {
        Self(Kind::Driven(Box::new(Driven {
            running,
            slot,
            host,
            inner,
        })))
    }
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

/// Exact where there are only octets: the response then has a length.
fn pieces_hint(pieces: &VecDeque<Piece>) -> SizeHint {
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
        match &mut self.0 {
            Kind::Whole(body) => Pin::new(body).poll_frame(cx),
            Kind::Pieces(pieces) => poll_pieces(pieces, cx),
            Kind::Driven(driven) => driven.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Pieces(pieces) => pieces.is_empty(),
            Kind::Driven(driven) => driven.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(body) => body.size_hint(),
            Kind::Driven(driven) => driven.size_hint(),
            Kind::Pieces(pieces) => pieces_hint(pieces),
        }
    }
}

fn poll_pieces(pieces: &mut VecDeque<Piece>, cx: &mut Context<'_>) -> PollFrame {
    loop {
        if let Some(Piece::Stream(body)) = pieces.front_mut() {
            if let Some(frame) = ready!(http_body::Body::poll_frame(Pin::new(body), cx)) {
                return Poll::Ready(Some(frame));
            }
            pieces.pop_front();
            continue;
        }
        return Poll::Ready(match pieces.pop_front() {
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::Stream(_)) => continue,
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
                Some(Piece::Stream(body)) => {
                    state.wake_application();
                    self.inner = Some(body);
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
        let ended = self.slot.lock().ended;
        match result {
            Err(error) if !is_disconnect(&*error) => self.host.failed(&self.slot.caller, error),
            Ok(()) if !ended => self.host.failed(
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
