//! One TCP or Unix connection, before it is a WebSocket.

mod io;
mod limiter;
mod linger;
mod serve;
mod stream;
mod watch;

pub(crate) use self::{
    io::ConnectionIo,
    limiter::{ConnectionGuard, Limiter, Refusal},
    linger::linger,
    serve::{Accepted, http1, serve},
    stream::{ReadHalf, Stream, WriteHalf},
    watch::{HalfClosed, Watch},
};
