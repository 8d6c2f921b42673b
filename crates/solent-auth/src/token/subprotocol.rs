//! A subprotocol for browsers that offered their token as one.

use std::task::{Context, Poll};

use solent_spec::{
    Closed, SendError, Transport, WebSocket,
    websocket::{FrameSinkHandle, Inbound, Outbound},
};

/// Chooses a subprotocol where the application has not.
pub(super) struct ChosenSubprotocol {
    inner: Box<dyn Transport<WebSocket>>,
    /// Until it has been sent.
    chosen: Option<Box<str>>,
}

impl ChosenSubprotocol {
    pub(super) fn new(inner: Box<dyn Transport<WebSocket>>, chosen: Box<str>) -> Self {
        Self {
            inner,
            chosen: Some(chosen),
        }
    }
}

impl Transport<WebSocket> for ChosenSubprotocol {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.inner.poll_receive(cx)
    }

    fn start_send(&mut self, mut event: Outbound) -> Result<(), SendError> {
        if let Outbound::Accept(accept) = &mut event
            && let Some(chosen) = self.chosen.take()
            && accept.subprotocol.is_none()
        {
            accept.subprotocol = Some(chosen.into());
        }
        self.inner.start_send(event)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_flush(cx)
    }

    fn direct(&mut self) -> Option<FrameSinkHandle> {
        self.inner.direct()
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
