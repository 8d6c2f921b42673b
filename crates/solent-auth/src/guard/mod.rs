//! What may end a connection from outside its application.

mod body;
mod transport;

use std::task::{Context, Poll};

use solent_spec::{
    Connection, HttpProtocol,
    websocket::{Close, Frame},
};

pub(crate) use self::transport::Guarded;

/// Something outside an application that may end its connection, or tell the client something.
pub(crate) trait Watch: Send + Unpin + 'static {
    /// Waits for the next thing to do. Not polled again after [`Verdict::Close`].
    ///
    /// It is polled from the connection's own task, whenever that waits for events or for room to send more, and before it
    /// sends anything once the request is answered.
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

/// Lets `watch` end `connection` from now on.
///
/// Costs one allocation, that of the transport. What the application sends and receives is not delayed, and its way round
/// the events stays open.
pub(crate) fn guard<P, W>(connection: Connection<P>, watch: W) -> Connection<P>
where
    P: HttpProtocol,
    W: Watch,
{
    connection.map_transport(|inner| Guarded::new(inner, watch))
}

#[cfg(test)]
mod tests;
