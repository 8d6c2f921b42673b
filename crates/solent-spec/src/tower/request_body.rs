//! The request body of a connection that also has to carry the response.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::{Body as _, Frame};

use crate::{
    Body, BoxError, Connection, Http, RequestScope, SendError,
    http::{HttpScope, Inbound, Outbound, ResponseStart},
    request::Feature,
};

/// The half of a connection that sends.
pub(super) struct Respond(Half);

enum Half {
    Own(Box<dyn crate::Transport<Http>>),
    Shared { transport: Shared, trailers: bool },
}

/// A transport whose two directions are used in different places.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn crate::Transport<Http>>>>);

/// Separates the request body from the connection: at no cost where the transport can give it away, else behind a lock.
pub(super) fn detach(connection: Connection<Http>) -> (HttpScope, Body, Respond) {
    let (scope, mut transport) = connection.into_parts();
    if let Some(body) = transport.direct() {
        return (scope, body, Respond(Half::Own(transport)));
    }
    let transport = Shared(Arc::new(Mutex::new(transport)));
    let body = EventBody {
        transport: transport.clone(),
        progress: Progress::Pieces,
    };
    let trailers = scope.link().offers(Feature::Trailers);
    let respond = Respond(Half::Shared {
        transport,
        trailers,
    });
    (scope, Body::stream(body), respond)
}

impl Respond {
    pub(super) async fn send(self, response: Response<Body>) -> Result<(), BoxError> {
        match self.0 {
            Half::Own(mut transport) => {
                transport.start_send(response.into())?;
                poll_fn(|cx| transport.poll_flush(cx)).await?;
            }
            Half::Shared { transport, .. } if transport.is_alone() => {
                transport.send(response.into()).await?;
            }
            Half::Shared {
                transport,
                trailers,
            } => transport.stream(response, trailers).await?,
        }
        Ok(())
    }

    /// Whether the client is known to have left. Where the request body shares the transport, only the body knows.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Half::Own(transport) = &mut self.0 else {
            return Poll::Pending;
        };
        loop {
            if let Some(Inbound::Disconnect) | None = ready!(transport.poll_receive(cx)) {
                return Poll::Ready(());
            }
        }
    }
}

impl Shared {
    /// Whether the request body has been let go.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    async fn send(&self, event: Outbound) -> Result<(), SendError> {
        self.lock().start_send(event)?;
        poll_fn(|cx| self.lock().poll_flush(cx)).await
    }

    /// Sends a response piece by piece, since its body may be made of the request's, which cannot be received any more
    /// once a response is complete.
    async fn stream(&self, response: Response<Body>, trailers: bool) -> Result<(), BoxError> {
        let (head, mut body) = response.into_parts();
        let mut start = ResponseStart::new(head.status);
        start.headers = head.headers;
        start.trailers = trailers;
        if let Some(length) = body.size_hint().exact() {
            // A length leaves no room for trailers.
            start.trailers = false;
            start.headers.entry(CONTENT_LENGTH).or_insert(length.into());
        }
        let trailers = start.trailers;
        self.send(start.into()).await?;
        let mut fields = HeaderMap::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            match frame?.into_data() {
                Ok(data) => self.send(Outbound::chunk(data)).await?,
                Err(frame) => fields.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        self.send(Outbound::end(Bytes::new())).await?;
        if trailers {
            let more = false;
            let headers = fields;
            self.send(Outbound::Trailers { headers, more }).await?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn crate::Transport<Http>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request body as a stream made of events.
struct EventBody {
    transport: Shared,
    progress: Progress,
}

/// How far the body has been received.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Pieces,
    /// The last piece has been received. If there are trailers, they are there.
    Trailers,
    Ended,
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.progress {
            Progress::Pieces => self.poll_piece(cx),
            Progress::Trailers => Poll::Ready(self.trailers().map(Ok)),
            Progress::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Ended
    }
}

impl EventBody {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let event = ready!(self.transport.lock().poll_receive(cx));
        Poll::Ready(match event {
            Some(Inbound::Body { data, more }) => {
                if !more {
                    self.progress = Progress::Trailers;
                }
                Some(Ok(Frame::data(data)))
            }
            Some(Inbound::Trailers(trailers)) => {
                self.progress = Progress::Ended;
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Inbound::Disconnect) | None => {
                self.progress = Progress::Ended;
                Some(Err(SendError::Closed.into()))
            }
        })
    }

    fn trailers(&mut self) -> Option<Frame<Bytes>> {
        self.progress = Progress::Ended;
        // Anything but trailers would have to be waited for, and is not of this body.
        let mut cx = Context::from_waker(Waker::noop());
        match self.transport.lock().poll_receive(&mut cx) {
            Poll::Ready(Some(Inbound::Trailers(trailers))) => Some(Frame::trailers(trailers)),
            _ => None,
        }
    }
}
