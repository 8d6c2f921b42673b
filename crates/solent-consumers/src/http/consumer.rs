//! The trait of HTTP consumers.

use std::future::{Future, ready};

use bytes::Bytes;
use http::Method;
use solent_layer::Gap;
use solent_spec::{Result, http::HttpScope};

use crate::{ConsumerEvent, HttpApplication, HttpContext};

/// Handles one HTTP request: a new value for each.
///
/// `handle` gets the whole body. It can answer at once, answer piece by piece, or answer later: as long as the response
/// is not complete and something can still reach the consumer (a group, a timer, a task, a handle), its events come to
/// `event`. That is what long polling and server-sent events are made of:
///
/// ```
/// use bytes::Bytes;
/// use serde::{Deserialize, Serialize};
/// use solent_consumers::{Group, HttpConsumer, HttpContext};
/// use solent_spec::Result;
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum News {
///     #[serde(rename = "news.item")]
///     Item { text: String },
/// }
///
/// /// Answers when there is news.
/// struct LongPoll {
///     news: Group<News>,
/// }
///
/// impl HttpConsumer for LongPoll {
///     type Event = News;
///
///     async fn handle(&mut self, cx: &mut HttpContext<News>, _: Bytes) -> Result {
///         Ok(cx.join(&self.news).await?)
///     }
///
///     async fn event(&mut self, cx: &mut HttpContext<News>, event: &News) -> Result {
///         cx.json(event).await
///     }
/// }
/// # let _ = LongPoll { news: Group::new("news")? };
/// # Ok::<(), solent_spec::BoxError>(())
/// ```
///
/// Handlers run one at a time. `disconnect` is called exactly once for every consumer, whatever ends the exchange. A
/// handler is not interrupted when the client leaves, unless [`CANCEL_ON_DISCONNECT`](Self::CANCEL_ON_DISCONNECT) says so; sending
/// then fails with an error that is not logged.
#[diagnostic::on_unimplemented(message = "`{Self}` is not an HTTP consumer")]
pub trait HttpConsumer: Sized + Send + 'static {
    /// What the consumer receives from groups, channels, timers and its own handle;
    /// [`NoEvents`](crate::NoEvents) for nothing.
    type Event: ConsumerEvent;

    /// The alias of the channel layer that the consumer uses.
    const LAYER: &'static str = "default";

    /// The methods that the consumer takes: `&[Method::GET, Method::POST]`. A request with another one is answered with status 405
    /// and `Allow`, before a consumer is made. `HEAD` is taken where `GET` is. Takes everything if it is empty, as it is by default.
    const METHODS: &'static [Method] = &[];

    /// Whether a handler that waits is given up once the client is [gone](HttpContext::closed): it is dropped at its next
    /// `.await`, and `disconnect` follows. Not by default. A handler that has sent the whole response is let finish.
    const CANCEL_ON_DISCONNECT: bool = false;

    /// The application that makes a consumer by `Default` for each request.
    fn application() -> HttpApplication<Self>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// The application that makes a consumer with `factory` for each request, of what is known about it. A factory that fails
    /// refuses the request; see [`ConsumerApplication`](crate::ConsumerApplication).
    fn application_with(
        factory: impl Fn(&HttpScope) -> Result<Self> + Send + Sync + 'static,
    ) -> HttpApplication<Self> {
        HttpApplication::new(factory)
    }

    /// The largest body to be taken, in bytes; a larger one is answered with status 413. Default: 2.5 MiB, as in Django.
    fn body_limit(&self) -> usize {
        2_621_440
    }

    /// The request is complete.
    fn handle(
        &mut self,
        cx: &mut HttpContext<Self::Event>,
        body: Bytes,
    ) -> impl Future<Output = Result> + Send;

    /// An event has arrived, through a group, a channel, a timer or a handle. Does nothing by default.
    fn event(
        &mut self,
        cx: &mut HttpContext<Self::Event>,
        event: &Self::Event,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, event);
        ready(Ok(()))
    }

    /// Events have been missed, or may have been. Does nothing by default.
    ///
    /// `gap.lost` are events that found no room in the mailbox, since this consumer or its client was too slow, and ready
    /// frames that its client did not read in time: they are counted exactly. `gap.uncounted` says that the channel layer
    /// lost its backend for a while, and is there again. Either way this is the moment to fetch what the client should know.
    fn missed(
        &mut self,
        cx: &mut HttpContext<Self::Event>,
        gap: Gap,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, gap);
        ready(Ok(()))
    }

    /// The server drains, and this consumer waits for an event. Does nothing by default.
    ///
    /// A long poll answers with 503 and `Retry-After` here, and a stream says goodbye and ends. What goes on is ended by the
    /// server: a response that has not begun with 503, a stream by cutting it off, each after its own time limit of the
    /// drain. A handler that is under way learns of the drain by [`HttpContext::draining`].
    ///
    /// ```
    /// # use http::{Response, StatusCode, header};
    /// # use solent_consumers::HttpContext;
    /// # use solent_spec::Result;
    /// async fn draining(cx: &mut HttpContext) -> Result {
    ///     let later = Response::builder()
    ///         .status(StatusCode::SERVICE_UNAVAILABLE)
    ///         .header(header::RETRY_AFTER, "1")
    ///         .body("".into())?;
    ///     cx.respond(later).await
    /// }
    /// ```
    fn draining(
        &mut self,
        cx: &mut HttpContext<Self::Event>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// The exchange is over: the response is complete, the client left (perhaps before its request was complete), or a
    /// handler failed. Does nothing by default.
    fn disconnect(
        &mut self,
        cx: &mut HttpContext<Self::Event>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        ready(Ok(()))
    }
}
