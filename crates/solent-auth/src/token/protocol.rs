//! What only WebSockets have, in middleware that is written for every protocol.

use std::any::Any;

use solent_spec::{Connection, HttpProtocol, WebSocket};

/// The connection as one of a WebSocket; as it was if it is none.
pub(super) fn into_websocket<P: HttpProtocol>(
    connection: Connection<P>,
) -> Result<Connection<WebSocket>, Connection<P>> {
    cast(connection)
}

/// The way back; `None` never, where it came from there.
pub(super) fn from_websocket<P: HttpProtocol>(
    socket: Connection<WebSocket>,
) -> Option<Connection<P>> {
    cast(socket).ok()
}

/// Does `change` to a WebSocket, and nothing to any other connection.
pub(super) fn map_websocket<P: HttpProtocol>(
    connection: Connection<P>,
    change: impl FnOnce(Connection<WebSocket>) -> Connection<WebSocket>,
) -> Connection<P> {
    match into_websocket(connection) {
        Ok(socket) => from_websocket(change(socket)).expect("it was cast the other way"),
        Err(connection) => connection,
    }
}

/// The same value by another name of its type.
fn cast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut slot = Some(value);
    let other = (&mut slot as &mut dyn Any).downcast_mut::<Option<B>>();
    match other.and_then(Option::take) {
        Some(other) => Ok(other),
        None => Err(slot.expect("only a value of type B was taken")),
    }
}
