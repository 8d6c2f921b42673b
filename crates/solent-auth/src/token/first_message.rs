//! Tokens that come with the first message.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::task::{Context, Poll, ready};

use solent_spec::{
    Closed, Connection, SendError, Transport, WebSocket,
    websocket::{
        Accept, Close, CloseCode, FrameSink, FrameSinkHandle, Inbound, Outbound, SharedFrame,
        SinkRefusal, WebSocketOrder, WebSocketScope,
    },
};
use tokio::time::timeout;

use super::{
    FirstMessage,
    message::{self, Presented},
    secret::Secret,
};

/// What came of a socket that was accepted to hear its client's token.
pub(super) enum Heard {
    /// A token, to be verified.
    Token(Secret),
    /// Something else, or nothing in time.
    Nothing(&'static str),
    /// The client left.
    Gone,
}

/// Accepts the handshake and waits for the first message.
pub(super) async fn hear(
    connection: &mut Connection<WebSocket>,
    settings: &FirstMessage,
    max_len: usize,
) -> Result<Heard, SendError> {
    let Some(Inbound::Connect) = connection.receive().await else {
        return Ok(Heard::Gone);
    };
    let mut accept = Accept::default();
    accept.subprotocol = choose(connection.scope(), settings);
    connection.send(accept.into()).await?;
    Ok(
        match timeout(settings.timeout, connection.receive()).await {
            Ok(Some(Inbound::Message(frame))) => match message::presented(&frame, max_len) {
                Some(Presented::Token(token)) => Heard::Token(token),
                Some(Presented::Unusable) => Heard::Nothing("the token is missing or too long"),
                None => Heard::Nothing("the first message is no token"),
            },
            Ok(_) => Heard::Gone,
            Err(_) => Heard::Nothing("no token came in time"),
        },
    )
}

/// The first of our subprotocols that the client offers.
fn choose(scope: &WebSocketScope, settings: &FirstMessage) -> Option<String> {
    let is_offered = |ours: &str| scope.subprotocols().any(|offered| offered == ours);
    let chosen = settings.subprotocols.iter().find(|ours| is_offered(ours));
    chosen.map(ToString::to_string)
}

/// A socket that is open already, for an application that has yet to accept it.
pub(super) struct AcceptedTransport {
    inner: Box<dyn Transport<WebSocket>>,
    /// As the application sees it.
    order: WebSocketOrder,
    /// Whether the application has still to learn of the connection.
    unannounced: bool,
    /// What was chosen in the application's place.
    subprotocol: Option<String>,
    /// Whether frames may go round the application.
    open: Arc<AtomicBool>,
}

impl AcceptedTransport {
    /// Puts `transport`, of a socket that [`hear`] has accepted, before an application.
    pub(super) fn new(
        inner: Box<dyn Transport<WebSocket>>,
        scope: &WebSocketScope,
        settings: &FirstMessage,
    ) -> Self {
        Self {
            inner,
            order: WebSocketOrder::default(),
            unannounced: true,
            subprotocol: choose(scope, settings),
            open: Arc::default(),
        }
    }

    fn accepted(&self, accept: &Accept) {
        self.open.store(true, Ordering::Release);
        if !accept.headers.is_empty()
            || accept.subprotocol.is_some() && accept.subprotocol != self.subprotocol
        {
            tracing::warn!(
                target: "solent::auth",
                headers = accept.headers.len(), subprotocol = accept.subprotocol.as_deref(),
                "socket was accepted to hear its token, headers and subprotocol of the application are not sent; \
                 name its subprotocols in FirstMessage",
            );
        }
    }
}

/// How a handshake that is refused too late is closed instead: as its status says, 4403 where there is none.
fn close_for(refusal: &Outbound) -> Close {
    const FORBIDDEN: u16 = 403;
    let status = match refusal {
        Outbound::Close(close) if close.code != CloseCode::NORMAL && close.code.is_sendable() => {
            return close.clone();
        }
        Outbound::Respond(response) => response.status().as_u16(),
        _ => FORBIDDEN,
    };
    match status {
        400..500 => CloseCode::from_u16(4000 + status).into(),
        500.. => CloseCode::INTERNAL_ERROR.into(),
        _ => CloseCode::from_u16(4000 + FORBIDDEN).into(),
    }
}

impl Transport<WebSocket> for AcceptedTransport {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if std::mem::take(&mut self.unannounced) {
            return Poll::Ready(Some(Inbound::Connect));
        }
        let event = ready!(self.inner.poll_receive(cx));
        if !matches!(event, Some(Inbound::Message(_))) {
            self.order.disconnected();
        }
        Poll::Ready(event)
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        let before = self.order;
        self.order.sent_checked(&event)?;
        match (before, event) {
            (WebSocketOrder::Connecting, Outbound::Accept(accept)) => {
                self.accepted(&accept);
                Ok(())
            }
            (WebSocketOrder::Connecting, refusal) => {
                self.inner.start_send(close_for(&refusal).into())
            }
            (_, event) => self.inner.start_send(event),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<FrameSinkHandle> {
        let inner = self.inner.direct()?;
        if self.order == WebSocketOrder::Open {
            return Some(inner);
        }
        let open = Arc::clone(&self.open);
        Some(Arc::new(Sink { inner, open }))
    }

    fn closed(&self) -> Closed {
        self.inner.closed()
    }

    fn routed(&mut self, route: &solent_spec::request::UrlRoute) {
        self.inner.routed(route);
    }

    fn take_overhead(&mut self) -> usize {
        self.inner.take_overhead()
    }
}

/// A way round the application that is closed until it has accepted.
struct Sink {
    inner: FrameSinkHandle,
    open: Arc<AtomicBool>,
}

impl FrameSink for Sink {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        if self.open.load(Ordering::Acquire) {
            self.inner.send_frame(frame)
        } else {
            Err(SinkRefusal::NotOpen)
        }
    }
}
