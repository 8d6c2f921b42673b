//! HTTP consumers whose handlers block.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use solent_layer::Gap;
use solent_spec::{
    Body, Closed, Draining, RequestScope, Result,
    http::{HttpScope, Outbound, ResponseStart, plain_text},
};

use super::{HttpConsumer, HttpContext, answer};
use crate::{
    ConsumerEvent, HttpApplication, NoEvents, SyncConsumerContext,
    blocking::{Lent, Remote},
};

/// An [`HttpConsumer`] whose handlers block: for databases and libraries that are not async.
///
/// Handlers run on the runtime's blocking pool, in order for one request and side by side for several.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a blocking HTTP consumer")]
pub trait SyncHttpConsumer: Sized + Send + 'static {
    /// See [`HttpConsumer::Event`].
    type Event: ConsumerEvent;

    /// See [`HttpConsumer::LAYER`].
    const LAYER: &'static str = "default";

    /// See [`HttpConsumer::METHODS`].
    const METHODS: &'static [Method] = &[];

    /// See [`HttpConsumer::application`]. `default` must not block.
    fn application() -> HttpApplication<BlockingHttp<Self>>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// See [`HttpConsumer::application_with`]. The factory must not block.
    fn application_with(
        factory: impl Fn(&HttpScope) -> Result<Self> + Send + Sync + 'static,
    ) -> HttpApplication<BlockingHttp<Self>> {
        HttpApplication::new(move |scope| {
            let consumer = factory(scope)?;
            Ok(BlockingHttp {
                body_limit: consumer.body_limit(),
                consumer: Lent::new(consumer),
            })
        })
    }

    /// See [`HttpConsumer::body_limit`].
    fn body_limit(&self) -> usize {
        2_621_440
    }

    /// See [`HttpConsumer::handle`].
    ///
    /// # Errors
    ///
    /// Any error ends the exchange, so for all handlers.
    fn handle(&mut self, cx: &mut SyncHttpContext<Self::Event>, body: Bytes) -> Result;

    /// See [`HttpConsumer::event`].
    ///
    /// # Errors
    ///
    /// Any error ends the exchange.
    fn event(&mut self, cx: &mut SyncHttpContext<Self::Event>, event: &Self::Event) -> Result {
        let _ = (cx, event);
        Ok(())
    }

    /// See [`HttpConsumer::missed`].
    ///
    /// # Errors
    ///
    /// Any error ends the exchange.
    fn missed(&mut self, cx: &mut SyncHttpContext<Self::Event>, gap: Gap) -> Result {
        let _ = (cx, gap);
        Ok(())
    }

    /// See [`HttpConsumer::draining`].
    ///
    /// # Errors
    ///
    /// Any error ends the exchange.
    fn draining(&mut self, cx: &mut SyncHttpContext<Self::Event>) -> Result {
        let _ = cx;
        Ok(())
    }

    /// See [`HttpConsumer::disconnect`].
    ///
    /// # Errors
    ///
    /// An error is logged.
    fn disconnect(&mut self, cx: &mut SyncHttpContext<Self::Event>) -> Result {
        let _ = cx;
        Ok(())
    }
}

/// A [`SyncHttpConsumer`] as an [`HttpConsumer`].
pub struct BlockingHttp<C> {
    consumer: Lent<C>,
    body_limit: usize,
}

impl<C: SyncHttpConsumer> BlockingHttp<C> {
    async fn run(
        &mut self,
        cx: &mut HttpContext<C::Event>,
        handler: impl FnOnce(&mut C, &mut SyncHttpContext<C::Event>) -> Result + Send + 'static,
    ) -> Result {
        let (scope, closed) = (cx.scope_shared(), cx.closed());
        let handler = move |consumer: &mut C, remote| {
            handler(consumer, &mut SyncHttpContext::new(scope, remote, closed))
        };
        self.consumer.run(cx, handler).await
    }
}

impl<C: SyncHttpConsumer> HttpConsumer for BlockingHttp<C> {
    type Event = C::Event;
    const LAYER: &'static str = C::LAYER;
    const METHODS: &'static [Method] = C::METHODS;

    fn body_limit(&self) -> usize {
        self.body_limit
    }

    async fn handle(&mut self, cx: &mut HttpContext<C::Event>, body: Bytes) -> Result {
        self.run(cx, |consumer, cx| consumer.handle(cx, body)).await
    }

    async fn event(&mut self, cx: &mut HttpContext<C::Event>, _: &C::Event) -> Result {
        // The event must outlive this future, which may be dropped while the handler runs.
        let Some(event) = cx.current().map(Arc::clone) else {
            return Ok(());
        };
        self.run(cx, move |consumer, cx| consumer.event(cx, event.event()))
            .await
    }

    async fn missed(&mut self, cx: &mut HttpContext<C::Event>, gap: Gap) -> Result {
        self.run(cx, move |consumer, cx| consumer.missed(cx, gap))
            .await
    }

    async fn draining(&mut self, cx: &mut HttpContext<C::Event>) -> Result {
        self.run(cx, C::draining).await
    }

    async fn disconnect(&mut self, cx: &mut HttpContext<C::Event>) -> Result {
        self.run(cx, C::disconnect).await
    }
}

impl<C> fmt::Debug for BlockingHttp<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingHttp<{}>", std::any::type_name::<C>())
    }
}

/// What a blocking HTTP consumer acts through: the methods of [`HttpContext`], which here wait instead of being awaited, and
/// those of [`SyncConsumerContext`].
///
/// Each call is carried out by the request's own task. Once the server has given that up, calls fail with an error that
/// [`is_disconnect`](solent_spec::is_disconnect) knows.
pub struct SyncHttpContext<E = NoEvents> {
    scope: Arc<HttpScope>,
    remote: Remote<HttpContext<E>>,
    shared: SyncConsumerContext<E>,
}

impl<E: Send + Sync + 'static> SyncHttpContext<E> {
    fn new(scope: Arc<HttpScope>, remote: Remote<HttpContext<E>>, closed: Closed) -> Self {
        Self {
            scope,
            shared: SyncConsumerContext::new(&remote, closed),
            remote,
        }
    }

    /// What is known of the request.
    pub fn scope(&self) -> &HttpScope {
        &self.scope
    }

    /// Whether the server drains: for long handlers to ask now and then, and for [`block_on`](SyncConsumerContext::block_on).
    /// See [`HttpContext::draining`].
    pub fn draining(&self) -> Draining {
        self.scope.link().draining()
    }

    /// Starts the response.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::send_headers`].
    pub fn send_headers(&mut self, start: impl Into<ResponseStart>) -> Result {
        self.send(Outbound::Start(start.into()))
    }

    /// Sends a piece of the body, with more to follow.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::send_body`].
    pub fn send_body(&mut self, data: impl Into<Bytes>) -> Result {
        self.send(Outbound::chunk(data))
    }

    /// Sends the last piece of the body, perhaps an empty one.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::end_body`].
    pub fn end_body(&mut self, data: impl Into<Bytes>) -> Result {
        self.send(Outbound::end(data))
    }

    /// Sends a whole response.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::respond`].
    pub fn respond(&mut self, response: Response<Body>) -> Result {
        self.send(response.into())
    }

    /// Answers with plain text, and status 200.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::text`].
    pub fn text(&mut self, text: impl Into<Body>) -> Result {
        self.respond(plain_text(StatusCode::OK, text))
    }

    /// Answers with a page, and status 200.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::html`].
    pub fn html(&mut self, page: impl Into<Body>) -> Result {
        self.respond(answer::html(page))
    }

    /// Answers with a value as JSON, and status 200.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::json`].
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.respond(answer::json(value)?)
    }

    /// Sends the client to another page: status 303.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::redirect`].
    pub fn redirect(&mut self, location: &str) -> Result {
        self.respond(answer::redirect(location)?)
    }

    /// Answers with a status, and its name as plain text.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::status`].
    pub fn status(&mut self, status: StatusCode) -> Result {
        self.respond(answer::status(status))
    }

    /// Sends any event of the protocol.
    ///
    /// # Errors
    ///
    /// As [`HttpContext::send`].
    pub fn send(&mut self, event: Outbound) -> Result {
        self.remote.call(move |cx| Box::pin(cx.send(event)))
    }
}

impl<E> Deref for SyncHttpContext<E> {
    type Target = SyncConsumerContext<E>;

    fn deref(&self) -> &SyncConsumerContext<E> {
        &self.shared
    }
}

impl<E> DerefMut for SyncHttpContext<E> {
    fn deref_mut(&mut self) -> &mut SyncConsumerContext<E> {
        &mut self.shared
    }
}

impl<E> fmt::Debug for SyncHttpContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncHttpContext")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
