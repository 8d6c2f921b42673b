//! Request bodies on their way in.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use solent_spec::{Body, BoxError, Chain, SendError};

use super::{budget::Over, pace::Pace};
use crate::connection::Watch;

/// A request body, with its size limited, its pace watched and its bytes counted.
pub(super) struct RequestBody {
    incoming: Incoming,
    /// Bytes that may still come.
    left: u64,
    pace: Pace,
    /// Nothing has been received so far.
    is_first: bool,
    client: Option<SocketAddr>,
    watch: Arc<Watch>,
}

/// A request body that cannot be had as a whole. Its source says that the connection is over, since none but the
/// client is to blame: an application that ends with it is not logged.
#[derive(Debug, thiserror::Error)]
#[error("request body {what}")]
struct Broken {
    what: What,
    #[source]
    over: SendError,
}

#[derive(Debug, thiserror::Error)]
enum What {
    #[error("is malformed or incomplete: {}", Chain(.0))]
    Malformed(hyper::Error),
    #[error("did not come in time")]
    Slow,
    #[error("is larger than the server's limit")]
    TooLarge,
    #[error("is more than the server can hold of all bodies together")]
    OverBudget,
    #[error("is more than the server holds of one client's bodies together")]
    OverShare,
}

impl What {
    fn of(error: hyper::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(cause) = cause.downcast_ref::<io::Error>()
                && cause.kind() == io::ErrorKind::TimedOut
            {
                return Self::Slow;
            }
            source = cause.source();
        }
        Self::Malformed(error)
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::OverBudget => StatusCode::SERVICE_UNAVAILABLE,
            Self::OverShare => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl RequestBody {
    pub(super) fn wrap(
        incoming: Incoming,
        limit: u64,
        client: Option<SocketAddr>,
        watch: &Arc<Watch>,
    ) -> Body {
        if http_body::Body::is_end_stream(&incoming) {
            return Body::empty();
        }
        Body::stream(Self {
            incoming,
            left: limit,
            pace: Pace::new(watch.limits()),
            is_first: true,
            client,
            watch: Arc::clone(watch),
        })
    }

    /// Counts a piece.
    fn admit(&mut self, data: Bytes) -> Result<Bytes, What> {
        let length = data.len();
        let left = self.left.checked_sub(length as u64);
        self.left = left.ok_or(What::TooLarge)?;
        self.pace.received(length as u64);
        let is_first = std::mem::replace(&mut self.is_first, false);
        if is_first && self.incoming.is_end_stream() {
            // A body of one piece: it is there as a whole already, and no client can make anybody wait for more of it.
            return Ok(data);
        }
        match self.watch.hold_body(self.client, length) {
            Ok(()) => Ok(data),
            Err(Over::Total) => Err(What::OverBudget),
            Err(Over::Client) => Err(What::OverShare),
        }
    }

    fn fail(&self, what: What) -> BoxError {
        self.watch.on_body_fault(what.status());
        tracing::debug!(target: "solent::server", client = ?self.client, "request body {what}");
        let over = SendError::Closed;
        Broken { what, over }.into()
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let now = self.watch.now();
            if let Some(deadline) = self.pace.wait(now) {
                self.watch.on_body_wait(deadline);
            }
            return Poll::Pending;
        };
        let now = self.watch.now();
        if self.pace.resume(now) {
            self.watch.on_body_end();
        }
        if self.incoming.is_end_stream() || frame.is_none() {
            self.watch.on_all_read();
        }
        Poll::Ready(match frame {
            None => None,
            Some(Err(error)) => Some(Err(self.fail(What::of(error)))),
            Some(Ok(frame)) => Some(match frame.into_data() {
                Ok(data) => match self.admit(data) {
                    Ok(data) => Ok(Frame::data(data)),
                    Err(what) => Err(self.fail(what)),
                },
                Err(frame) => Ok(frame),
            }),
        })
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
