//! Response bodies on their way out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use solent_spec::{BoxError, Chain, SendError, http::ExchangeBody, is_disconnect};

use super::outgoing::{Asked, Fault, Framing};
use crate::{connection::Watch, failure::panicked};

/// A response body. It keeps the length that was stated, and tells the connection's watch when it is done with.
pub(crate) struct ResponseBody {
    inner: ExchangeBody,
    /// Which request it answers.
    asked: Asked,
    /// The length that was stated, and what of it has not been seen yet.
    length: Option<(u64, u64)>,
    /// The last piece of a stated length, until it is known that nothing follows it.
    last: Option<Bytes>,
    /// Absent for a response after which the connection is no longer HTTP.
    watch: Option<Arc<Watch>>,
}

/// Polls a body; a panic is an error like any other.
fn poll_contained(body: &mut ExchangeBody, cx: &mut Context<'_>) -> PollFrame {
    let caught = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)));
    caught.unwrap_or_else(|payload| Poll::Ready(Some(Err(panicked(&*payload)))))
}

type PollFrame = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

impl ResponseBody {
    pub(super) fn new(
        inner: ExchangeBody,
        asked: Asked,
        framing: Framing,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        if let Some(watch) = watch.as_ref().filter(|_| framing.open) {
            watch.on_stream();
        }
        Self {
            inner,
            asked,
            length: framing.length.map(|length| (length, length)),
            last: None,
            watch,
        }
    }

    fn is_cut(&self) -> bool {
        self.watch
            .as_ref()
            .is_some_and(|watch| watch.is_stream_cut())
    }

    /// A piece, or the end, of a body whose length was stated.
    fn count(&mut self, frame: Option<Frame<Bytes>>, cx: &mut Context<'_>) -> PollFrame {
        let Some((declared, left)) = &mut self.length else {
            return Poll::Ready(frame.map(Ok));
        };
        let piece = frame.as_ref().and_then(Frame::data_ref).map(Bytes::len);
        let Some(piece) = piece.map(|length| length as u64) else {
            if *left == 0 {
                return Poll::Ready(frame.map(Ok));
            }
            let actual = *declared - *left;
            let declared = *declared;
            return self.abort(&Fault::Length { declared, actual });
        };
        if piece > *left {
            let actual = (*declared - *left).saturating_add(piece);
            let declared = *declared;
            return self.abort(&Fault::TooLong { declared, actual });
        }
        *left -= piece;
        if piece == 0 || *left > 0 || self.inner.is_end_stream() {
            return Poll::Ready(frame.map(Ok));
        }
        self.last = frame.and_then(|frame| frame.into_data().ok());
        self.poll_behind_last(cx)
    }

    /// All that was announced is there. Whatever is at hand behind it must not be lost in silence.
    fn poll_behind_last(&mut self, cx: &mut Context<'_>) -> PollFrame {
        loop {
            let behind = match poll_contained(&mut self.inner, cx) {
                Poll::Ready(Some(Err(error))) => return self.fail(error),
                Poll::Ready(Some(Ok(frame))) => frame.into_data().map_or(0, |data| data.len()),
                Poll::Ready(None) | Poll::Pending => {
                    let last = self.last.take().unwrap_or_default();
                    return Poll::Ready(Some(Ok(Frame::data(last))));
                }
            };
            if behind > 0
                && let Some((declared, _)) = self.length
            {
                let actual = declared.saturating_add(behind as u64);
                return self.abort(&Fault::TooLong { declared, actual });
            }
        }
    }

    fn abort(&mut self, fault: &Fault) -> PollFrame {
        self.asked.abort(fault);
        Poll::Ready(Some(Err(SendError::Closed.into())))
    }

    fn fail(&mut self, error: BoxError) -> PollFrame {
        // What the application is to blame for has been logged, and that the client left is no error.
        if !is_disconnect(&*error) {
            self.asked.abort(&Chain(&*error));
        }
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollFrame {
        if self.is_cut() {
            return Poll::Ready(Some(Err(SendError::Closed.into())));
        }
        match ready!(poll_contained(&mut self.inner, cx)) {
            Some(Err(error)) => self.fail(error),
            Some(Ok(frame)) => self.count(Some(frame), cx),
            None => self.count(None, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && self.length.is_none_or(|(_, left)| left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some((_, left)) => SizeHint::with_exact(left),
            // It was not exact when the head was made, and what it says now comes too late.
            None => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.on_response_end();
        }
    }
}
