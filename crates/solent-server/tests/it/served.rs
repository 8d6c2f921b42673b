//! A server that runs.

use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    time::Duration,
};

use solent_server::{Bind, ServeError, Server, ServerHandle};
use solent_spec::request::ServerAddr;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

use super::wire::Wire;

/// Longer than anything here takes, and short enough for a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `future`, but not for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .expect("this should not take so long")
}

/// A server on a port, or at a place, of its own.
pub(crate) struct Served {
    addresses: Vec<ServerAddr>,
    handle: ServerHandle,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    pub(crate) async fn start(server: Server) -> Self {
        Self::start_at(server, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(server: Server, bind: Bind) -> Self {
        let bound = server.bind(bind).await.unwrap();
        Self {
            addresses: bound.addresses(),
            handle: bound.handle(),
            serving: tokio::spawn(bound.into_future()),
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        match self.addresses.first() {
            Some(ServerAddr::Tcp(addr)) => *addr,
            other => panic!("expected a TCP address, got {other:?}"),
        }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::new(soon(TcpStream::connect(self.addr())).await.unwrap())
    }

    /// Connects and sends `request`.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Wire {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&self) {
        self.handle.stop();
    }

    /// Waits for the end of a server that has been told to stop, or could not start.
    pub(crate) async fn result(self) -> Result<(), ServeError> {
        soon(self.serving).await.unwrap()
    }

    /// Stops the server and waits for it.
    pub(crate) async fn end(self) {
        self.stop();
        self.result().await.unwrap();
    }
}
