//! The server as a whole.

mod accept;
mod check;
mod core;
mod drain;
mod lifespan;
mod signal;

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    sync::Arc,
};

use solent_spec::{
    Application, BoxApplication, Http, Lifespan, WebSocket,
    request::{Listener, ServerAddr},
};
use tokio::sync::watch;

pub(crate) use self::core::{Applications, Core, Live};
pub use self::signal::shutdown_signal;
use crate::{
    Bind, ServerConfig, clock,
    http::TaskHost,
    listen::{self, BoundListener},
};

/// A server with its settings and applications, before it listens.
///
/// ```no_run
/// use solent_server::{Server, ServerConfig};
/// use solent_spec::{Connection, Http, Result, http::Outbound};
///
/// async fn hello(mut connection: Connection<Http>) -> Result {
///     connection.send(Outbound::text("hello")).await?;
///     Ok(())
/// }
///
/// # async fn run() -> Result {
/// let server = Server::new(ServerConfig::default()).http(hello).bind("127.0.0.1:8000".parse()?).await?;
/// println!("http://{}", server.addresses()[0]);
/// server.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "a server does nothing until it is bound and awaited"]
pub struct Server {
    config: ServerConfig,
    applications: Applications,
    binds: Vec<Bind>,
}

impl Server {
    /// A server without applications: every request is answered with 404.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Sets the application for HTTP requests.
    pub fn http(mut self, application: impl Application<Http>) -> Self {
        self.applications.http = Some(BoxApplication::new(application));
        self
    }

    /// Sets the application for WebSockets.
    pub fn websocket(mut self, application: impl Application<WebSocket>) -> Self {
        self.applications.websocket = Some(BoxApplication::new(application));
        self
    }

    /// Sets the application for start-up and shutdown.
    pub fn lifespan(mut self, application: impl Application<Lifespan>) -> Self {
        self.applications.lifespan = Some(BoxApplication::new(application));
        self
    }

    /// Adds a place to listen at, beside that of [`bind`](Self::bind).
    pub fn and_bind(mut self, bind: Bind) -> Self {
        self.binds.push(bind);
        self
    }

    /// Starts to listen. Connections wait until the server is awaited.
    ///
    /// # Errors
    ///
    /// An address that cannot be listened at, or a setting that has no meaning; the error names it.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub async fn bind(mut self, bind: Bind) -> Result<BoundServer, ServeError> {
        self.binds.insert(0, bind);
        check::settings(&self.config)?;
        let backlog = self.config.connections.backlog;
        let bound = self.binds.into_iter().map(|bind| {
            let address = bind.to_string();
            listen::bind(&bind, backlog).map_err(|source| ServeError::Bind {
                hint: listen::hint(&bind, &source),
                address,
                source,
            })
        });
        let listeners = bound.collect::<Result<Vec<_>, _>>()?;
        let (shutdown, stopped) = watch::channel(false);
        let core = Core::new(self.config, self.applications);
        Ok(BoundServer {
            core,
            listeners,
            shutdown,
            stopped,
        })
    }
}

/// A server that listens. Awaiting it serves until it is told to stop.
#[must_use = "a server accepts nothing until it is awaited"]
pub struct BoundServer {
    core: Arc<Core>,
    listeners: Vec<BoundListener>,
    shutdown: watch::Sender<bool>,
    /// Lives as long as the server, so that whoever waits to stop it knows when there is nothing left to stop.
    stopped: watch::Receiver<bool>,
}

impl BoundServer {
    /// Where it listens, in the order in which it was bound. Port 0 has become the port that was free.
    pub fn addresses(&self) -> Vec<ServerAddr> {
        self.listeners
            .iter()
            .filter_map(BoundListener::server_addr)
            .collect()
    }

    /// A handle that stops the server from anywhere.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shutdown: self.shutdown.clone(),
        }
    }

    /// Stops the server when `signal` resolves, for instance [`shutdown_signal`].
    pub fn stop_on(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let handle = self.handle();
        tokio::spawn(async move {
            tokio::select! {
                () = signal => handle.stop(),
                () = handle.shutdown.closed() => {}
            }
        });
        self
    }

    async fn serve(self) -> Result<(), ServeError> {
        let Self {
            core,
            listeners,
            shutdown,
            mut stopped,
        } = self;
        let background = core.run_background();
        let lifespan = match lifespan::start(&core).await {
            Ok(lifespan) => lifespan,
            Err(message) => {
                background.iter().for_each(tokio::task::AbortHandle::abort);
                return Err(ServeError::Startup(message));
            }
        };
        let accepting: Vec<_> = listeners
            .into_iter()
            .map(|listener| accept::spawn(&core, listener, shutdown.subscribe()))
            .collect();
        // The sender is alive in this function, so the wait cannot fail.
        let _ = stopped.wait_for(|stop| *stop).await;
        for accepting in accepting {
            let _ = accepting.await;
        }
        drain::drain(&core).await;
        let result = lifespan::stop(lifespan).await;
        background.iter().for_each(tokio::task::AbortHandle::abort);
        result.map_err(ServeError::Shutdown)
    }
}

impl IntoFuture for BoundServer {
    type Output = Result<(), ServeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.serve())
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer")
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}

/// Stops a server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shutdown: watch::Sender<bool>,
}

impl ServerHandle {
    /// Tells the server to drain and end. Returns at once; the server's future resolves when it is done.
    pub fn stop(&self) {
        self.shutdown.send_replace(true);
    }
}

/// A server could not start or end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It could not listen.
    #[error("cannot listen at {address}: {hint}")]
    #[non_exhaustive]
    Bind {
        /// Where.
        address: String,
        /// What to do about it.
        hint: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A setting has a value without a meaning.
    #[error("setting `{name}` is {value}, but it must be {wanted}")]
    #[non_exhaustive]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
    /// The application refused to start.
    #[error("application could not start: {0}")]
    Startup(String),
    /// The application could not clean up.
    #[error("application could not shut down: {0}")]
    Shutdown(String),
}

/// The listener's part in every scope.
fn listener_scope(core: &Core, listener: &BoundListener) -> Arc<Listener> {
    let scope = Listener::new(listener.server_addr(), TaskHost::FEATURES.to_vec());
    let scope = scope.draining(core.draining());
    Arc::new(scope.root_path(core.config.root_path.clone()))
}

/// The task that keeps time for all connections.
async fn keep_time(core: Arc<Core>) {
    let clock = &core.clock;
    clock::run(clock, |now| {
        core.connections.sweep(now);
        core.websockets.sweep(now);
    })
    .await;
}
