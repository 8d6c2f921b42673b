//! What handlers can end with, and what the context's methods fail with.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use solent_layer::{LayerError, Message, SendError};
use solent_spec::{Body, message::EncodeError};

/// A call through the channel layer failed: of a context, or of a [`Group`](crate::Group).
///
/// A handler that passes it on with `?` ends its connection, or answers 503 if the layer is
/// [away](solent_layer::is_away). One that can do better matches:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solent_consumers::{Address, ContextError, WebSocketContext};
/// use solent_spec::Result;
///
/// #[derive(Serialize, Deserialize)]
/// struct Job { image: u64 }
///
/// async fn order(cx: &mut WebSocketContext, jobs: &Address<Job>, job: &Job) -> Result {
///     match cx.send_to_channel(jobs, job).await {
///         Err(ContextError::Full(_)) => cx.send("too much to do, try again later").await,
///         sent => Ok(sent?),
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The consumer has no channel layer.
    #[error("{0}")]
    NoLayer(#[source] NoLayer),

    /// The connection is over, so that the consumer joins nothing and has no address any more.
    #[error("{0}")]
    Over(#[source] solent_spec::SendError),

    /// The event cannot be encoded.
    #[error("{0}")]
    Encode(#[source] EncodeError),

    /// The channel holds as many messages as its capacity allows. The message is handed back.
    #[error("channel is full")]
    Full(Message),

    /// The message is larger than the layer carries. The message is handed back.
    #[error(
        "message of {size} bytes is larger than the {limit} that the layer carries, send a reference instead"
    )]
    TooLarge {
        /// The message.
        message: Message,
        /// Its encoded size, in bytes.
        size: usize,
        /// The layer's limit, in bytes.
        limit: usize,
    },

    /// The layer failed, is away or is closed.
    #[error("{0}")]
    Layer(#[source] LayerError),
}

impl From<NoLayer> for ContextError {
    fn from(error: NoLayer) -> Self {
        Self::NoLayer(error)
    }
}

impl From<EncodeError> for ContextError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<LayerError> for ContextError {
    fn from(error: LayerError) -> Self {
        Self::Layer(error)
    }
}

impl From<SendError> for ContextError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full(message) => Self::Full(message),
            SendError::TooLarge {
                message,
                size,
                limit,
            } => Self::TooLarge {
                message,
                size,
                limit,
            },
            SendError::Layer(error) => Self::Layer(error),
            error => Self::Layer(LayerError::Backend(error.into())),
        }
    }
}

/// No channel layer is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no channel layer {alias:?} is configured, give the application one with the WithLayer middleware"
)]
pub struct NoLayer {
    alias: String,
}

impl NoLayer {
    pub(crate) fn new(alias: &str) -> Self {
        Self {
            alias: alias.to_owned(),
        }
    }

    /// The alias that was asked for.
    pub fn alias(&self) -> &str {
        &self.alias
    }
}

/// A handler panicked. The panic itself went to the process's panic hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("handler panicked")]
#[non_exhaustive]
pub struct HandlerPanicked;

/// Refuses a request by way of `?`: what Channels has `DenyConnection` for, with a status of your choice.
///
/// Returned by a factory, or by a WebSocket's `connect` before it accepted, it answers the handshake and is no failure of
/// the consumer. An HTTP consumer that has not answered yet answers with it, too.
///
/// # What a client is to blame for
///
/// Some errors that come with `?` are refusals as well, logged at the level DEBUG and never a status 500:
///
/// - a [`ParamError`](solent_spec::request::ParamError) for a part of the URL that does not fit its type: 404;
/// - a [`NameError`](solent_layer::NameError) for a group or channel whose name breaks the rules because of a part of the
///   path or the query that is in it: 404. A name that breaks them by itself is the application's fault (500), so is one
///   made of what else is known of a user;
/// - [`InvalidJson`](crate::InvalidJson): 400.
///
/// A WebSocket that is open already is closed for them: with 1007 (1003 for binary data) for `InvalidJson` and a `NameError`
/// in a handler of the client's messages, and 1008 for a `ParamError`; the reason says what is wrong.
///
/// ```
/// use http::StatusCode;
/// use solent_consumers::Refusal;
/// use solent_spec::Result;
///
/// fn room(name: &str) -> Result<u32> {
///     match name {
///         "lobby" => Ok(1),
///         _ => Err(Refusal::new(StatusCode::NOT_FOUND).body("no such room").into()),
///     }
/// }
///
/// assert!(room("attic").unwrap_err().is::<Refusal>());
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("request refused with status {}", status.as_u16())]
#[must_use]
pub struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Refusal {
    /// A refusal without headers or a body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Appends a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
