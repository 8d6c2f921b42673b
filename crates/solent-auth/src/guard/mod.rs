//! What may end a connection from outside its application.

mod body;
mod guarded;
mod guarding;
mod transport;

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use solent_spec::{
    Connection, HttpProtocol, RequestScope,
    websocket::{Close, Frame},
};

pub(crate) use self::guarding::Guard;
use self::{guarded::Shared, transport::GuardedTransport};

/// How long an application may go on after the guard has ended its connection, by default. Longer than servers wait by default
/// for a client to answer a close: until then an application may rightly wait for its last event.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Something outside an application that may end its connection, or tell the client something.
pub(crate) trait Watch: Send + Unpin + 'static {
    /// Waits for the next thing to do. Not polled again after [`Verdict::Close`].
    ///
    /// It is polled by the task that runs the application, whenever that waits for anything, and before the application
    /// sends anything once the request is answered. The waker is always that task's.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Verdict>;
}

/// What is to be done with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Close the socket with this code. A response that is being streamed ends; a request that has not been answered is
    /// refused with status 401.
    Close(Close),
    /// Send a message to the client of a socket that is open. Elsewhere it is dropped.
    Send(Frame),
}

/// Lets `watch` end `connection` from now on. The guard that is returned goes around the application's future.
///
/// The client sees the end at once, and so does an application that waits for events or for
/// [`closed`](Connection::closed). One that still runs when `grace` is over is dropped.
///
/// Costs four small allocations. What the application sends and receives is not delayed, and its way round the events
/// stays open.
pub(crate) fn guard<P: HttpProtocol>(
    connection: Connection<P>,
    watch: impl Watch,
    grace: Duration,
) -> (Connection<P>, Guard<P>) {
    let id = connection.scope().link().connection();
    let (scope, inner) = connection.into_parts();
    let shared = Arc::new(Shared::new(inner, watch));
    let guard = Guard {
        shared: Arc::clone(&shared),
        connection: id,
        grace,
    };
    (Connection::new(scope, GuardedTransport(shared)), guard)
}

#[cfg(test)]
mod tests;
