//! The future of an application whose connection is guarded.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use solent_spec::{BoxFuture, HttpProtocol, Result, request::ConnectionId};
use tokio::time::{Sleep, sleep};

use super::guarded::Shared;

/// Looks at a connection's watch whenever its application waits, for whatever it waits.
#[must_use = "a guard that is not put around its application looks at nothing"]
pub(crate) struct Guard<P: HttpProtocol> {
    pub(super) shared: Arc<Shared<P>>,
    /// For the log.
    pub(super) connection: Option<ConnectionId>,
    pub(super) grace: Duration,
}

impl<P: HttpProtocol> Guard<P> {
    /// Runs `application`, the future of the connection's application, under the watch.
    pub(crate) fn around(self, application: BoxFuture<Result>) -> BoxFuture<Result> {
        Box::pin(Guarding {
            application,
            guard: self,
            leaving: None,
        })
    }
}

struct Guarding<P: HttpProtocol> {
    application: BoxFuture<Result>,
    guard: Guard<P>,
    /// Runs from the moment that the watch has ended the connection: what the application has left.
    leaving: Option<Pin<Box<Sleep>>>,
}

impl<P: HttpProtocol> Future for Guarding<P> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(result) = this.application.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            if let Some(leaving) = &mut this.leaving {
                ready!(leaving.as_mut().poll(cx));
                tracing::warn!(
                    target: "solent::auth",
                    connection = this.guard.connection.map(ConnectionId::get),
                    grace = ?this.guard.grace,
                    "gave up an application that went on after its connection was closed by the guard",
                );
                return Poll::Ready(Ok(()));
            }
            if !this.guard.shared.lock().look(cx) {
                return Poll::Pending;
            }
            this.leaving = Some(Box::pin(sleep(this.guard.grace)));
            // The application sees the end of its connection in the next round.
        }
    }
}
