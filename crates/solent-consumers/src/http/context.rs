//! What an HTTP consumer acts through.

use std::{
    fmt,
    future::poll_fn,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use solent_spec::{
    Body, Closed, Connection, Draining, Http, RequestScope, Result, SendError, Transport,
    http::{HttpOrder, HttpScope, Outbound, ResponseStart, plain_text},
};

use super::answer;
use crate::{ConsumerContext, NoEvents, blocking::Act, context::Kind, layers, who::Who};

/// What an HTTP consumer acts through: its client, and, by way of [`ConsumerContext`], groups, the channel layer, timers
/// and tasks.
pub struct HttpContext<E = NoEvents> {
    scope: Arc<HttpScope>,
    transport: Box<dyn Transport<Http>>,
    shared: ConsumerContext<E>,
    order: HttpOrder,
}

impl<E> HttpContext<E> {
    pub(super) fn new(connection: Connection<Http>, kind: &'static Kind) -> Self {
        let (scope, transport) = connection.into_parts();
        let layer = layers::find_in(&scope, kind.layer);
        Self {
            scope: Arc::new(scope),
            transport,
            shared: ConsumerContext::new(kind, layer),
            order: HttpOrder::default(),
        }
    }

    /// What is known of the request: method, path, headers, the route's parameters, what middleware left.
    pub fn scope(&self) -> &HttpScope {
        &self.scope
    }

    /// The same as [`ConsumerContext::spawn`]. The line that is logged when the task fails names this request.
    pub fn spawn(&mut self, task: impl Future<Output = Result> + Send + 'static) {
        let (scope, consumer) = (&self.scope, self.shared.consumer_name());
        self.shared.spawn_for(task, || Who::of(consumer, &**scope));
    }

    /// Resolves once the client is gone or has the whole response, also while a handler runs. It borrows nothing, so a handler
    /// can wait for it beside its work; see [`Connection::closed`].
    pub fn closed(&self) -> Closed {
        self.transport.closed()
    }

    /// Resolves once the server drains, also while a handler runs. It borrows nothing, so a handler can wait for it beside
    /// its work, and end its stream.
    ///
    /// A consumer that waits for an event has a handler for it, [`HttpConsumer::draining`].
    ///
    ///
    /// [`HttpConsumer::draining`]: crate::HttpConsumer::draining
    pub fn draining(&self) -> Draining {
        self.scope.link().draining()
    }

    /// Starts the response: a status code, or a [`ResponseStart`] with headers.
    ///
    /// # Errors
    ///
    /// A response that was started before, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The headers are taken at the first poll.
    pub async fn send_headers(&mut self, start: impl Into<ResponseStart>) -> Result {
        self.send(Outbound::Start(start.into())).await
    }

    /// Sends a piece of the body, with more to follow.
    ///
    /// # Errors
    ///
    /// A response that was not started or is complete, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The piece is taken at the first poll.
    pub async fn send_body(&mut self, data: impl Into<Bytes>) -> Result {
        self.send(Outbound::chunk(data)).await
    }

    /// Sends the last piece of the body, perhaps an empty one.
    ///
    /// # Errors
    ///
    /// As [`send_body`](Self::send_body).
    ///
    /// # Cancel safety
    ///
    /// As [`send_body`](Self::send_body).
    pub async fn end_body(&mut self, data: impl Into<Bytes>) -> Result {
        self.send(Outbound::end(data)).await
    }

    /// Sends a whole response, whose body may be a stream.
    ///
    /// # Errors
    ///
    /// A response that was started before, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The response is taken at the first poll.
    pub async fn respond(&mut self, response: Response<Body>) -> Result {
        self.send(response.into()).await
    }

    /// Answers with plain text, and status 200.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    ///
    /// # Cancel safety
    ///
    /// As [`respond`](Self::respond).
    pub async fn text(&mut self, text: impl Into<Body>) -> Result {
        self.respond(plain_text(StatusCode::OK, text)).await
    }

    /// Answers with a page, and status 200.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    ///
    /// # Cancel safety
    ///
    /// As [`respond`](Self::respond).
    pub async fn html(&mut self, page: impl Into<Body>) -> Result {
        self.respond(answer::html(page)).await
    }

    /// Answers with a value as JSON, and status 200.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond), and a value that JSON cannot express.
    ///
    /// # Cancel safety
    ///
    /// As [`respond`](Self::respond).
    pub async fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.respond(answer::json(value)?).await
    }

    /// Sends the client to another page, which it gets with `GET`: status 303 (RFC 9110 §15.4.4).
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond), and a location that is no header value.
    ///
    /// # Cancel safety
    ///
    /// As [`respond`](Self::respond).
    pub async fn redirect(&mut self, location: &str) -> Result {
        self.respond(answer::redirect(location)?).await
    }

    /// Answers with a status, and its name as plain text where it may have a body.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    ///
    /// # Cancel safety
    ///
    /// As [`respond`](Self::respond).
    pub async fn status(&mut self, status: StatusCode) -> Result {
        self.respond(answer::status(status)).await
    }

    /// Sends any event of the protocol: trailers, early hints, files.
    ///
    /// # Errors
    ///
    /// An event that is not allowed now or that the server does not offer, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The event is taken at the first poll.
    pub async fn send(&mut self, event: Outbound) -> Result {
        self.feed(event)?;
        poll_fn(|cx| self.transport.poll_flush(cx)).await?;
        Ok(())
    }

    pub(super) fn feed(&mut self, event: Outbound) -> Result<(), SendError> {
        let mut order = self.order;
        order.sent(&event)?;
        self.transport.start_send(event)?;
        self.order = order;
        if order == HttpOrder::Done {
            self.shared.ended_by_itself();
        }
        Ok(())
    }

    pub(super) fn order(&self) -> HttpOrder {
        self.order
    }

    pub(super) fn scope_shared(&self) -> Arc<HttpScope> {
        Arc::clone(&self.scope)
    }

    pub(super) fn transport(&mut self) -> &mut dyn Transport<Http> {
        &mut *self.transport
    }
}

impl<E> Deref for HttpContext<E> {
    type Target = ConsumerContext<E>;

    fn deref(&self) -> &ConsumerContext<E> {
        &self.shared
    }
}

impl<E> DerefMut for HttpContext<E> {
    fn deref_mut(&mut self) -> &mut ConsumerContext<E> {
        &mut self.shared
    }
}

impl<E: Send + Sync + 'static> Act for HttpContext<E> {
    type Event = E;

    fn shared_mut(&mut self) -> &mut ConsumerContext<E> {
        &mut self.shared
    }
}

impl<E> fmt::Debug for HttpContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpContext")
            .field("scope", &self.scope)
            .field("order", &self.order)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
