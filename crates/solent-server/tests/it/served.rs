//! A server that runs.

use std::{
    env, fs,
    future::{Future, IntoFuture},
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use solent_server::{Bind, ServeError, Server, ServerHandle, UnixSocket};
use solent_spec::request::ServerAddr;
use tokio::{
    net::{TcpStream, UnixStream},
    task::JoinHandle,
    time::timeout,
};

use super::wire::Wire;

/// Longer than anything here takes, and short enough for a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `future`, but not for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .expect("this should not take so long")
}

/// Waits until nobody listens at a port. For a moment another test may, which has been given the same one.
pub(crate) async fn nobody_listens(addr: SocketAddr) {
    soon(async { while TcpStream::connect(addr).await.is_ok() {} }).await;
}

/// A path for a socket of a test's own.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nth = NEXT.fetch_add(1, Relaxed);
        let name = format!("solent-server-{}-{nth}.sock", process::id());
        let path = env::temp_dir().join(name);
        // What a test that was killed has left.
        let _ = fs::remove_file(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn bind(&self) -> Bind {
        UnixSocket::new(&self.0).into()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
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

    /// A server on a Unix socket, for tests that pause the clock: what one side writes is at the other side at once, so no
    /// time-out comes before what it waits for.
    pub(crate) async fn start_unix(server: Server) -> Self {
        let bind = Place::new().bind();
        Self::start_at(server, bind).await
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

    /// Where it listens.
    pub(crate) fn addresses(&self) -> &[ServerAddr] {
        &self.addresses
    }

    pub(crate) async fn connect(&self) -> Wire {
        self.try_connect().await.expect("the server should accept")
    }

    /// Connects, unless nobody listens any more.
    pub(crate) async fn try_connect(&self) -> Option<Wire> {
        match &self.addresses[0] {
            ServerAddr::Unix(path) => soon(UnixStream::connect(path)).await.map(Wire::new).ok(),
            _ => soon(TcpStream::connect(self.addr()))
                .await
                .map(Wire::new)
                .ok(),
        }
    }

    /// Connects and sends `request`.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Wire {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire
    }

    pub(crate) fn handle(&self) -> ServerHandle {
        self.handle.clone()
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
