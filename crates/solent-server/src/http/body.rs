//! Bodies on their way in and out.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use solent_spec::{Body, BoxError, http::ExchangeBody};

use crate::connection::Watch;

/// A request body, with its size limited and its pauses timed.
pub(super) struct RequestBody {
    incoming: Incoming,
    /// Bytes that may still come.
    left: u64,
    watch: Arc<Watch>,
}

/// A request body is larger than the server's limit.
#[derive(Debug, thiserror::Error)]
#[error("request body is larger than the server's limit")]
struct TooLarge;

impl RequestBody {
    pub(super) fn wrap(incoming: Incoming, limit: u64, watch: &Arc<Watch>) -> Body {
        if http_body::Body::is_end_stream(&incoming) {
            return Body::empty();
        }
        Body::stream(Self {
            incoming,
            left: limit,
            watch: Arc::clone(watch),
        })
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                self.watch.on_body_wait();
                return Poll::Pending;
            }
        };
        let Some(frame) = frame.transpose()? else {
            self.watch.on_body_end();
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(left) = self.left.checked_sub(length) else {
            return Poll::Ready(Some(Err(TooLarge.into())));
        };
        self.left = left;
        if self.incoming.is_end_stream() {
            self.watch.on_body_end();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.watch.on_body_end();
    }
}

/// A response body; tells the connection's watch when it is done with.
pub(crate) struct ResponseBody {
    inner: ExchangeBody,
    /// Absent for a response after which the connection is no longer HTTP.
    watch: Option<Arc<Watch>>,
}

impl ResponseBody {
    pub(super) fn new(inner: ExchangeBody, watch: Option<Arc<Watch>>) -> Self {
        Self { inner, watch }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(ready!(Pin::new(&mut self.inner).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.on_response_end();
        }
    }
}
