//! The transport of a connection that may be ended from outside.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use solent_spec::{Closed, HttpProtocol, SendError, Transport};

use super::guarded::Shared;

/// The application's side of a guarded connection.
pub(super) struct GuardedTransport<P: HttpProtocol>(pub(super) Arc<Shared<P>>);

impl<P: HttpProtocol> Transport<P> for GuardedTransport<P> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        self.0.lock().poll_receive(cx)
    }

    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        self.0.lock().start_send(event)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.lock().inner().poll_flush(cx)
    }

    fn direct(&mut self) -> Option<P::Direct> {
        self.0.lock().inner().direct()
    }

    fn closed(&self) -> Closed {
        self.0.lock().closed()
    }

    fn routed(&mut self, route: &solent_spec::request::UrlRoute) {
        self.0.lock().inner().routed(route);
    }

    fn take_overhead(&mut self) -> usize {
        self.0.lock().inner().take_overhead()
    }
}
