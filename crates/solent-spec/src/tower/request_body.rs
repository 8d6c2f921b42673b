//! The request body of a connection that also has to carry the response.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Frame;

use crate::{
    Body, BoxError, Connection, Http, SendError,
    http::{HttpScope, Receive, Send},
};

/// The half of a connection that sends.
pub(super) struct Respond(Half);

enum Half {
    Own(Box<dyn crate::Transport<Http>>),
    Shared(Shared),
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
    let shared = Shared(Arc::new(Mutex::new(transport)));
    let body = EventBody {
        transport: shared.clone(),
        ended: false,
    };
    (scope, Body::stream(body), Respond(Half::Shared(shared)))
}

impl Respond {
    pub(super) async fn send(self, response: Response<Body>) -> Result<(), SendError> {
        let event = Send::from(response);
        match self.0 {
            Half::Own(mut transport) => {
                transport.start_send(event)?;
                std::future::poll_fn(|cx| transport.poll_flush(cx)).await
            }
            Half::Shared(shared) => {
                shared.lock().start_send(event)?;
                std::future::poll_fn(|cx| shared.lock().poll_flush(cx)).await
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Box<dyn crate::Transport<Http>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request body as a stream made of events.
struct EventBody {
    transport: Shared,
    ended: bool,
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let event = ready!(self.transport.lock().poll_receive(cx));
        Poll::Ready(match event {
            Some(Receive::Body { data, more }) => {
                self.ended = !more;
                Some(Ok(Frame::data(data)))
            }
            Some(Receive::Trailers(trailers)) => {
                self.ended = true;
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Receive::Disconnect) | None => {
                self.ended = true;
                Some(Err(SendError::Closed.into()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
