//! Which pages may open a WebSocket.
