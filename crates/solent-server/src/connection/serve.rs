//! The task of one connection.

use std::{
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use solent_spec::{Chain, request::Listener};

use super::{ConnectionGuard, ConnectionIo, Stream, Watch};
use crate::{http::HttpService, server::Core};

type Http1 = http1::UpgradeableConnection<TokioIo<ConnectionIo>, HttpService>;

/// A connection that was accepted, and what is known of it.
pub(crate) struct Accepted {
    pub(crate) core: Arc<Core>,
    pub(crate) listener: Arc<Listener>,
    pub(crate) stream: Stream,
    /// Who is at the other end; absent on a Unix socket.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) guard: ConnectionGuard,
    pub(crate) watch: Arc<Watch>,
}

/// Serves a connection until it ends or becomes a WebSocket.
pub(crate) async fn serve(accepted: Accepted) {
    let Accepted {
        core,
        listener,
        stream,
        peer,
        guard,
        watch,
    } = accepted;
    let io = ConnectionIo::new(stream, Arc::clone(&watch), guard);
    let service = HttpService::new(Arc::clone(&core), listener, peer, Arc::clone(&watch));
    let id = service.connection();
    let connection = core
        .http1
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let served = Served {
        connection: pin!(connection),
        watch: &watch,
        draining: false,
    };
    if let Err(error) = served.await {
        if error.is_parse() {
            // The rest of what could not be read may be on its way.
            watch.on_unread();
        }
        // The peer's doing, and hyper has answered where an answer is due.
        tracing::debug!(target: "solent::server", error = %Chain(&error), client = ?peer, connection = %id, "connection ended early");
    }
}

struct Served<'a> {
    connection: Pin<&'a mut Http1>,
    watch: &'a Watch,
    /// Whether hyper has been told of the drain.
    draining: bool,
}

impl Future for Served<'_> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.watch.register(cx.waker());
        if self.watch.is_draining() && !self.draining {
            self.draining = true;
            self.connection.as_mut().graceful_shutdown();
        }
        self.connection.as_mut().poll(cx)
    }
}

/// How every HTTP/1.1 connection is parsed.
pub(crate) fn http1(limits: &crate::HttpLimits) -> http1::Builder {
    /// The least that hyper takes.
    const LEAST_BUFFER: usize = 8 * 1024;
    let mut builder = http1::Builder::new();
    builder
        // Room for all of them is made for each request, and no map holds more.
        .max_headers(limits.headers.min(crate::HttpLimits::MOST_HEADERS))
        .max_header_size(limits.head)
        .max_buf_size(limits.head.max(LEAST_BUFFER))
        // Deadlines are the watch's.
        .header_read_timeout(None);
    // No `pipeline_flush`: it lifts the bound from what hyper holds for a client that does not read, and leaves answers
    // to malformed requests unwritten.
    builder
}
