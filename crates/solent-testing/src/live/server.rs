//! A server as a task of a test.

use std::{fmt, future::IntoFuture, net::SocketAddr};

use solent_spec::BoxError;
use tokio::task::JoinHandle;

/// A server that runs for one test, for browsers and other real clients. It is told to stop when it is dropped.
///
/// It knows nothing of servers but a future and a way to end it, so any will do. Bind to port 0, and tests may run side by
/// side:
///
/// ```
/// use solent_server::{Server, ServerConfig};
/// use solent_spec::{Connection, Http, Result, http::Outbound};
/// use solent_testing::LiveServer;
///
/// async fn hello(mut connection: Connection<Http>) -> Result {
///     Ok(connection.send(Outbound::text("hello")).await?)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result {
/// let server = Server::new(ServerConfig::default()).http(hello);
/// let server = server.bind("127.0.0.1:0".parse()?).await?;
/// let (address, handle) = (server.addresses()[0].to_string(), server.handle());
/// let live = LiveServer::start(address.parse()?, server, move || handle.stop());
///
/// assert!(live.url("/").starts_with("http://127.0.0.1:"));
/// // … any client …
/// live.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// The clock of a test with sockets cannot be paused: it would run ahead of them.
#[must_use = "the server stops when this is dropped"]
pub struct LiveServer {
    address: SocketAddr,
    stop: Option<Box<dyn FnOnce() + Send>>,
    task: JoinHandle<Result<(), BoxError>>,
}

impl LiveServer {
    /// Runs `server`, which listens at `address` already, until `stop` is called.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start<S, E>(address: SocketAddr, server: S, stop: impl FnOnce() + Send + 'static) -> Self
    where
        S: IntoFuture<Output = Result<(), E>, IntoFuture: Send + 'static>,
        E: Into<BoxError>,
    {
        let serving = server.into_future();
        Self {
            address,
            stop: Some(Box::new(stop)),
            task: tokio::spawn(async move { serving.await.map_err(Into::into) }),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, for HTTP. Channels' `live_server_url`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The URL of a path, for WebSockets. Channels' `live_server_ws_url`.
    pub fn websocket_url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// Tells the server to stop and waits until it has.
    ///
    /// # Errors
    ///
    /// What the server ended with.
    ///
    /// # Panics
    ///
    /// If the server panicked.
    pub async fn stop(mut self) -> Result<(), BoxError> {
        self.tell();
        match (&mut self.task).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => Err(error.into()),
            },
        }
    }

    fn tell(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

impl Drop for LiveServer {
    fn drop(&mut self) {
        self.tell();
    }
}

impl fmt::Debug for LiveServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
