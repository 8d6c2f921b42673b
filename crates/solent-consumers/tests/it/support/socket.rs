//! A scripted WebSocket client.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use solent_layer::DynLayer;
use solent_spec::{
    Closed, ClosedSignal, Connection, RequestScope, SendError, Transport, WebSocket,
    request::Feature,
    websocket::{
        Accept, Close, Frame, FrameSink, FrameSinkHandle, Inbound, Outbound, SharedFrame,
        SinkRefusal, WebSocketOrder, WebSocketScope,
    },
};

use super::{link, request};

/// The client's side of a connection. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Socket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inbox: VecDeque<Inbound>,
    ended: bool,
    sent: Vec<Sent>,
    order: WebSocketOrder,
    waker: Option<Waker>,
    blocked: bool,
    direct: bool,
    dropped: bool,
    closed: ClosedSignal,
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sent {
    Accept(Option<String>, Vec<(String, String)>),
    Frame(Frame),
    /// In its ready form, through events or round them.
    Ready(Frame),
    Direct(Frame),
    Close(u16, String),
    Status(u16),
}

impl Socket {
    /// A client whose connect event is waiting.
    pub(crate) fn new() -> Self {
        let socket = Self::default();
        socket.push(Inbound::Connect);
        socket
    }

    /// Lets the application write ready frames round the events.
    pub(crate) fn with_direct(self) -> Self {
        self.lock().direct = true;
        self
    }

    pub(crate) fn connection(&self, layer: Option<&DynLayer>) -> Connection<WebSocket> {
        self.connection_at("/ws/", &[], vec![Feature::DenialResponse], layer)
    }

    pub(crate) fn connection_at(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        features: Vec<Feature>,
        layer: Option<&DynLayer>,
    ) -> Connection<WebSocket> {
        let mut scope = WebSocketScope::new(&request(path, headers), link(features)).unwrap();
        if let Some(layer) = layer {
            scope.link_mut().insert(layer.clone());
        }
        Connection::new(
            scope.clone(),
            Wire {
                socket: self.clone(),
                scope,
            },
        )
    }

    pub(crate) fn push(&self, event: Inbound) {
        let mut state = self.lock();
        state.inbox.push_back(event);
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    pub(crate) fn send(&self, frame: impl Into<Frame>) {
        self.push(Inbound::Message(frame.into()));
    }

    pub(crate) fn leave(&self, close: impl Into<Close>) {
        self.lock().closed.close();
        self.push(Inbound::Disconnect(close.into()));
    }

    /// Ends the events without a last one.
    pub(crate) fn vanish(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.closed.close();
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    /// The client stops or resumes reading.
    pub(crate) fn block(&self, blocked: bool) {
        let mut state = self.lock();
        state.blocked = blocked;
        let waker = state.waker.take();
        drop(state);
        waker.inspect(Waker::wake_by_ref);
    }

    /// Takes what the client got since the last time.
    pub(crate) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.lock().sent)
    }

    /// Takes the messages among what the client got, as text.
    pub(crate) fn take_texts(&self) -> Vec<String> {
        let sent = self.take().into_iter();
        sent.filter_map(|sent| match sent {
            Sent::Frame(frame) | Sent::Ready(frame) | Sent::Direct(frame) => {
                Some(frame.as_text().unwrap_or("<binary>").to_owned())
            }
            _ => None,
        })
        .collect()
    }

    /// Whether the application has let go of the connection.
    pub(crate) fn is_dropped(&self) -> bool {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl FrameSink for Socket {
    fn send_frame(&self, frame: &SharedFrame) -> Result<(), SinkRefusal> {
        let mut state = self.lock();
        match state.order {
            WebSocketOrder::Open => {
                state.sent.push(Sent::Direct(frame.frame().clone()));
                Ok(())
            }
            _ => Err(SinkRefusal::Closed),
        }
    }
}

/// The application's side.
struct Wire {
    socket: Socket,
    scope: WebSocketScope,
}

impl Transport<WebSocket> for Wire {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let mut state = self.socket.lock();
        match state.inbox.pop_front() {
            Some(event) => {
                if matches!(event, Inbound::Disconnect(_)) {
                    state.order.disconnected();
                    state.ended = true;
                }
                Poll::Ready(Some(event))
            }
            None if state.ended => {
                state.order.disconnected();
                Poll::Ready(None)
            }
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        let mut state = self.socket.lock();
        state.order.sent(&event, &self.scope)?;
        state.sent.push(event.into());
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.socket.lock();
        if state.blocked {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn closed(&self) -> Closed {
        self.socket.lock().closed.closed()
    }

    fn direct(&mut self) -> Option<FrameSinkHandle> {
        let direct = self.socket.lock().direct;
        direct.then(|| Arc::new(self.socket.clone()) as FrameSinkHandle)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.socket.lock().dropped = true;
    }
}

impl From<Outbound> for Sent {
    fn from(event: Outbound) -> Self {
        match event {
            Outbound::Accept(accept) => {
                let Accept {
                    subprotocol,
                    headers,
                    ..
                } = *accept;
                let headers = headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
                Self::Accept(subprotocol, headers.collect())
            }
            Outbound::Message(frame) => Self::Frame(frame),
            Outbound::Shared(frame) => Self::Ready(frame.frame().clone()),
            Outbound::Close(close) => Self::Close(close.code.as_u16(), close.reason.to_string()),
            Outbound::Respond(response) => Self::Status(response.status().as_u16()),
            event => panic!("unexpected {event:?}"),
        }
    }
}
