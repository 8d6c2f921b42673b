//! What a WebSocket consumer acts through.

use std::{
    fmt,
    future::poll_fn,
    ops::{Deref, DerefMut},
    task::{Context, Poll, Waker, ready},
};

use http::Response;
use serde::Serialize;
use solent_spec::{
    Body, Closed, Connection, Result, SendError, Transport, WebSocket,
    websocket::{Accept, Close, Frame, Outbound, SharedFrame, SinkRefusal, WebSocketScope},
};

use crate::{ConsumerContext, NoEvents, blocking::Act, context::Kind, layers, who::Who};

/// What a WebSocket consumer acts through: its client, and, by way of [`ConsumerContext`], groups, the channel layer,
/// timers and tasks.
///
/// Once the client is gone, sending fails with an error that [`is_disconnect`](solent_spec::is_disconnect) knows; pass
/// it on with `?`, it is not logged.
pub struct WebSocketContext<E = NoEvents> {
    scope: WebSocketScope,
    transport: Box<dyn Transport<WebSocket>>,
    shared: ConsumerContext<E>,
    stage: Stage,
}

/// Bytes that a handler which keeps a thread may send to a client that is slow to read before it has to wait.
const MAX_AHEAD: usize = 256 * 1024;

/// How far the conversation with the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The handshake has not been answered.
    Connecting,
    Open,
    /// Refused, or closed by the consumer.
    Closed,
}

impl<E> WebSocketContext<E> {
    pub(super) fn new(connection: Connection<WebSocket>, kind: &'static Kind) -> Self {
        let (scope, transport) = connection.into_parts();
        let layer = layers::find_in(&scope, kind.layer);
        Self {
            shared: ConsumerContext::new(kind, layer),
            scope,
            transport,
            stage: Stage::Connecting,
        }
    }

    /// What is known of the connection: the request, the route's parameters, what middleware left.
    pub fn scope(&self) -> &WebSocketScope {
        &self.scope
    }

    /// The same as [`ConsumerContext::spawn`]. The line that is logged when the task fails names this request.
    pub fn spawn(&mut self, task: impl Future<Output = Result> + Send + 'static) {
        let (scope, consumer) = (&self.scope, self.shared.consumer_name());
        self.shared.spawn_for(task, || Who::of(consumer, scope));
    }

    /// Resolves once the client is gone, also while a handler runs. It borrows nothing, so a handler can wait for it beside its
    /// work, and tasks can hold it; see [`Connection::closed`]. A consumer all of whose handlers are to end then says
    /// [`CANCEL_ON_DISCONNECT`](crate::WebSocketConsumer::CANCEL_ON_DISCONNECT) instead.
    ///
    /// ```
    /// # use solent_consumers::WebSocketContext;
    /// # use solent_spec::Result;
    /// # async fn search() -> String { String::new() }
    /// # async fn example(cx: &mut WebSocketContext) -> Result {
    /// let closed = cx.closed();
    /// tokio::select! {
    ///     found = search() => cx.send(found).await,
    ///     () = closed => Ok(()),
    /// }
    /// # }
    /// ```
    pub fn closed(&self) -> Closed {
        self.transport.closed()
    }

    /// Accepts the connection.
    ///
    /// # Errors
    ///
    /// A connection that was answered before, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The connection is accepted at the first poll.
    pub async fn accept(&mut self) -> Result {
        self.accept_with(Accept::default()).await
    }

    /// Accepts the connection with a subprotocol or headers.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept), and a subprotocol that the client did not offer.
    ///
    /// # Cancel safety
    ///
    /// As [`accept`](Self::accept).
    pub async fn accept_with(&mut self, accept: Accept) -> Result {
        self.feed(accept.into())?;
        self.stage = Stage::Open;
        tracing::debug!(target: "solent::consumers", scope = ?self.scope, "accepted");
        self.flush().await
    }

    /// Refuses the connection with status 403.
    ///
    /// # Errors
    ///
    /// A connection that was answered before, or a client that is gone.
    ///
    /// # Cancel safety
    ///
    /// The connection is refused at the first poll.
    pub async fn reject(&mut self) -> Result {
        if self.stage == Stage::Open {
            return Err(SendError::Illegal("socket has been accepted before, close it").into());
        }
        self.close(Close::from(solent_spec::websocket::CloseCode::NORMAL))
            .await
    }

    /// Refuses the connection with a response of your own, where the server offers that
    /// ([`Feature::DenialResponse`](solent_spec::request::Feature::DenialResponse)).
    ///
    /// # Errors
    ///
    /// As [`reject`](Self::reject), and a server that does not offer it.
    ///
    /// # Cancel safety
    ///
    /// As [`reject`](Self::reject).
    pub async fn respond(&mut self, response: Response<Body>) -> Result {
        self.feed(Outbound::Respond(Box::new(response)))?;
        self.stage = Stage::Closed;
        self.shared.ended_by_itself();
        self.flush().await
    }

    /// Sends a message to the client. Waits while too much of what was sent before is unread.
    ///
    /// # Errors
    ///
    /// A connection that has not been accepted, or is over.
    ///
    /// # Cancel safety
    ///
    /// The message is taken at the first poll; dropping the future after that does not take it back.
    pub async fn send(&mut self, frame: impl Into<Frame>) -> Result {
        self.feed_frame(frame.into())?;
        self.flush().await
    }

    /// Sends a message of a handler that keeps a thread. Waits for a client that is slow to read only when much was sent ahead;
    /// of the rest, the next handler waits, which keeps no thread yet.
    pub(super) async fn send_ahead(&mut self, frame: Frame) -> Result {
        let len = frame.len();
        self.feed_frame(frame)?;
        let has_room = self.has_room();
        if !has_room && self.shared.send_ahead(len) <= MAX_AHEAD {
            return Ok(());
        }
        self.flush().await?;
        self.shared.caught_up();
        Ok(())
    }

    fn has_room(&mut self) -> bool {
        let mut now = Context::from_waker(Waker::noop());
        self.transport.poll_flush(&mut now).is_ready()
    }

    /// Waits until the client has read what was sent ahead.
    pub(super) fn poll_caught_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.is_ahead() {
            // A client that is gone says so itself.
            let _ = ready!(self.transport.poll_flush(cx));
            self.shared.caught_up();
        }
        Poll::Ready(())
    }

    fn feed_frame(&mut self, frame: Frame) -> Result<(), SendError> {
        if self.shared.mail().and_then(|mail| mail.cork()).is_some() {
            return self.feed_shared(frame.into());
        }
        self.feed(frame.into())
    }

    fn feed_shared(&mut self, frame: SharedFrame) -> Result<(), SendError> {
        // With more to handle at once, what is sent meanwhile leaves in one go.
        let sent = match self.shared.mail().and_then(|mail| mail.cork()) {
            Some(sink) => sink.send_frame(&frame),
            None => Err(SinkRefusal::Full),
        };
        if sent.is_err() {
            self.feed(frame.into())?;
        }
        Ok(())
    }

    /// Sends a message that goes to other clients as well: its bytes on the wire are made once for all of them.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_shared(&mut self, frame: impl Into<SharedFrame>) -> Result {
        self.feed_shared(frame.into())?;
        self.flush().await
    }

    /// Sends a value as a text message of JSON.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and a value that JSON cannot express.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.send(Frame::from_json(value)?).await
    }

    /// Sends the event that is being handled, or a part of it, as a text message of JSON, which is made once for all consumers
    /// of this process that forward the same. Any other value is sent as [`send_json`](Self::send_json) does.
    ///
    /// # Errors
    ///
    /// As [`send_json`](Self::send_json).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn forward<T: Serialize + ?Sized + 'static>(&mut self, value: &T) -> Result
    where
        E: 'static,
    {
        let shared = match self.shared.current() {
            Some(event) => event.json_of(value)?,
            None => None,
        };
        match shared {
            Some(frame) => self.send_shared(frame).await,
            None => self.send_json(value).await,
        }
    }

    /// Closes the connection, with a code and a reason. Refuses it with status 403 if it was not accepted.
    ///
    /// Nothing more is received; `disconnect` is called once the client has answered, or has not for too long.
    ///
    /// ```
    /// # use solent_consumers::WebSocketContext;
    /// # use solent_spec::{Result, websocket::{Close, CloseCode}};
    /// # async fn example(cx: &mut WebSocketContext) -> Result {
    /// cx.close(CloseCode::NORMAL).await?;
    /// // Or:
    /// cx.close(Close::new(CloseCode::sendable(4007)?, "come back later")).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A code that may not be sent, or a connection that is over.
    ///
    /// # Cancel safety
    ///
    /// The close is taken at the first poll.
    pub async fn close(&mut self, close: impl Into<Close>) -> Result {
        self.feed_close(close.into())?;
        self.flush().await
    }

    pub(super) fn feed_close(&mut self, close: Close) -> Result<(), SendError> {
        self.transport.start_send(close.into())?;
        self.stage = Stage::Closed;
        self.shared.ended_by_itself();
        Ok(())
    }

    pub(super) fn feed(&mut self, event: Outbound) -> Result<(), SendError> {
        self.transport.start_send(event)
    }

    async fn flush(&mut self) -> Result {
        poll_fn(|cx| self.transport.poll_flush(cx)).await?;
        Ok(())
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) fn set_closed(&mut self) {
        self.stage = Stage::Closed;
    }

    pub(super) fn transport(&mut self) -> &mut dyn Transport<WebSocket> {
        &mut *self.transport
    }

    /// Has ready frames go straight to the client, once there is a mailbox and the socket is open.
    pub(super) fn divert(&mut self) {
        if self.stage == Stage::Open
            && let Some(mail) = self.shared.mail_mut()
        {
            mail.divert(|| self.transport.direct());
        }
    }
}

impl<E> Deref for WebSocketContext<E> {
    type Target = ConsumerContext<E>;

    fn deref(&self) -> &ConsumerContext<E> {
        &self.shared
    }
}

impl<E> DerefMut for WebSocketContext<E> {
    fn deref_mut(&mut self) -> &mut ConsumerContext<E> {
        &mut self.shared
    }
}

impl<E: Send + Sync + 'static> Act for WebSocketContext<E> {
    type Event = E;

    fn shared_mut(&mut self) -> &mut ConsumerContext<E> {
        &mut self.shared
    }
}

impl<E> fmt::Debug for WebSocketContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketContext")
            .field("scope", &self.scope)
            .field("stage", &self.stage)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
