//! The body of a response that may be ended from outside.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use solent_spec::{Body, BoxError};

use super::{Verdict, Watch};

/// A body that ends when its watch says so.
pub(super) struct GuardedBody {
    body: Body,
    /// Until it has ended the body.
    watch: Option<Box<dyn Watch>>,
}

impl GuardedBody {
    pub(super) fn new(body: Body, watch: Box<dyn Watch>) -> Self {
        Self {
            body,
            watch: Some(watch),
        }
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while let Some(watch) = &mut self.watch {
            match watch.poll_watch(cx) {
                Poll::Pending => break,
                Poll::Ready(Verdict::Send(_)) => {}
                Poll::Ready(Verdict::Close(_)) => {
                    self.watch = None;
                    self.body = Body::empty();
                }
            }
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Where a length was promised, a body that ends early is a lost connection to its client, and rightly so.
        self.body.size_hint()
    }
}
