//! Putting an application together.

use std::{fmt, future::Future, num::NonZeroUsize, sync::Arc};

use http::{Extensions, Request, Response};
use solent_consumers::WithLayer;
use solent_layer::{ChannelLayer, DynLayer};
use solent_routing::{Converter, RouterBuilder};
use solent_server::{Bind, BoundServer, Server, ServerConfig, ServerHandle, shutdown_signal};
use solent_spec::{
    Application, Body, BoxError, Http, Middleware, Result, WebSocket, request::ServerAddr,
    tower::ServiceApplication,
};

use crate::{
    background::{Background, Context},
    error::Error,
    lifespan::Life,
};

/// An application: its routes, channel layers, state, background tasks and settings. It listens once it is [run](Self::run).
///
/// ```no_run
/// use solent::{Connection, Http, Result, Solent};
///
/// async fn hello(mut connection: Connection<Http>) -> Result {
///     connection.send(solent::spec::http::Send::text("hello")).await?;
///     Ok(())
/// }
///
/// fn main() -> Result {
///     Ok(Solent::new().http("hello/", hello).bind("127.0.0.1:8000").run()?)
/// }
/// ```
#[must_use = "an application does nothing until it is run"]
pub struct Solent {
    http: RouterBuilder<Http>,
    websocket: RouterBuilder<WebSocket>,
    layer: Option<DynLayer>,
    layers: Vec<(String, DynLayer)>,
    state: Extensions,
    background: Vec<Background>,
    config: ServerConfig,
    binds: Vec<std::result::Result<Bind, solent_server::BindParseError>>,
    threads: Option<NonZeroUsize>,
}

impl Default for Solent {
    fn default() -> Self {
        Self::new()
    }
}

impl Solent {
    /// An application without routes, with the default settings.
    pub fn new() -> Self {
        Self {
            http: RouterBuilder::default(),
            websocket: RouterBuilder::default(),
            layer: None,
            layers: Vec::new(),
            state: Extensions::new(),
            background: Vec::new(),
            config: ServerConfig::default(),
            binds: Vec::new(),
            threads: None,
        }
    }

    /// Leads WebSockets at a path to an application, usually a consumer: `"ws/chat/<slug:room>/"`. Patterns are those of
    /// [`Router`](crate::routing::Router).
    pub fn websocket(mut self, pattern: &str, application: impl Application<WebSocket>) -> Self {
        self.websocket = self.websocket.route(pattern, application);
        self
    }

    /// Leads HTTP requests for a path to an application.
    pub fn http(mut self, pattern: &str, application: impl Application<Http>) -> Self {
        self.http = self.http.route(pattern, application);
        self
    }

    /// Leads HTTP requests for every path that begins with `pattern` to a `tower` service, such as an axum `Router`. The
    /// service sees the whole path.
    pub fn mount_service<S, B>(mut self, pattern: &str, service: S) -> Self
    where
        S: tower_service::Service<
                Request<Body>,
                Response = Response<B>,
                Error: Into<BoxError>,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.http = self.http.mount(pattern, ServiceApplication::new(service));
        self
    }

    /// Makes a converter known to the patterns that are added after it.
    pub fn converter(mut self, name: &str, converter: impl Converter + Clone) -> Self {
        self.http = self.http.converter(name, converter.clone());
        self.websocket = self.websocket.converter(name, converter);
        self
    }

    /// The HTTP routes, for what has no method here: nesting, names, regular expressions.
    pub fn http_routes(
        mut self,
        change: impl FnOnce(RouterBuilder<Http>) -> RouterBuilder<Http>,
    ) -> Self {
        self.http = change(self.http);
        self
    }

    /// The WebSocket routes, for what has no method here.
    pub fn websocket_routes(
        mut self,
        change: impl FnOnce(RouterBuilder<WebSocket>) -> RouterBuilder<WebSocket>,
    ) -> Self {
        self.websocket = change(self.websocket);
        self
    }

    /// Wraps every application added so far in a middleware.
    pub fn middleware(mut self, middleware: &impl Middleware) -> Self {
        self.http = self.http.wrap(middleware);
        self.websocket = self.websocket.wrap(middleware);
        self
    }

    /// Sets the channel layer. Default: a [`MemoryLayer`](crate::layer::MemoryLayer).
    pub fn layer(mut self, layer: impl ChannelLayer) -> Self {
        self.layer = Some(DynLayer::new(layer));
        self
    }

    /// Adds a channel layer under an alias, for consumers that name it.
    pub fn layer_as(mut self, alias: &str, layer: impl ChannelLayer) -> Self {
        self.layers.push((alias.to_owned(), DynLayer::new(layer)));
        self
    }

    /// Leaves a value for every connection and background task, by its type: a pool, a client, settings.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// Runs a task for as long as the application serves. It starts before the first connection and is cancelled after the
    /// last; an error is logged under `name`.
    pub fn background<F, R>(mut self, name: &'static str, task: F) -> Self
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        self.background.push(Background::new(name, task));
        self
    }

    /// Sets limits, time-outs and all else of the server.
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.config = config;
        self
    }

    /// Adds a place to listen at: `"127.0.0.1:8000"`, `"unix:/run/app.sock"`, `"fd:0"`. Default: `127.0.0.1:8000`.
    pub fn bind(mut self, address: &str) -> Self {
        self.binds.push(address.parse());
        self
    }

    /// Adds a place to listen at.
    pub fn bind_to(mut self, bind: Bind) -> Self {
        self.binds.push(Ok(bind));
        self
    }

    /// Sets how many threads [`run`](Self::run) serves with. Default: one for each that the machine runs at once.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Starts a runtime and serves until SIGTERM or SIGINT, then drains.
    ///
    /// # Errors
    ///
    /// Faulty routes or addresses, an address in use, an application that refuses to start or end.
    pub fn run(self) -> std::result::Result<(), Error> {
        let threads = self
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let mut builder = match threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        runtime.block_on(async {
            let bound = self.listen().await?;
            for address in bound.addresses() {
                tracing::info!(target: "solent", %address, "listening");
            }
            bound.stop_on(shutdown_signal()).serve().await
        })
    }

    /// Starts to listen on the current runtime, so that the addresses are known before anything is served.
    ///
    /// # Errors
    ///
    /// Faulty routes or addresses, an address in use.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future listens nowhere.
    pub async fn listen(self) -> std::result::Result<BoundSolent, Error> {
        let layer = self.layer.unwrap_or_else(default_layer);
        let mut state = self.state;
        WithLayer::new(layer.clone()).insert_into(&mut state);
        let layers = self
            .layers
            .into_iter()
            .fold(WithLayer::new(layer.clone()), |all, (alias, layer)| {
                all.and(alias, layer)
            });
        layers.insert_into(&mut state);

        let context = Context::new(layer.clone(), Arc::new(state.clone()));
        let mut binds = self
            .binds
            .into_iter()
            .collect::<std::result::Result<Vec<_>, _>>()?;
        if binds.is_empty() {
            binds.push(Bind::Tcp(([127, 0, 0, 1], 8000).into()));
        }
        let server = Server::new(self.config)
            .http(self.http.build()?)
            .websocket(self.websocket.build()?)
            .lifespan(Life::new(state, context, self.background));
        let first = binds.remove(0);
        let server = binds
            .into_iter()
            .fold(server, Server::and_bind)
            .bind(first)
            .await?;
        Ok(BoundSolent { server, layer })
    }
}

#[cfg(feature = "memory")]
fn default_layer() -> DynLayer {
    DynLayer::new(solent_layer_memory::MemoryLayer::default())
}

impl fmt::Debug for Solent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solent")
            .field("http", &self.http)
            .field("websocket", &self.websocket)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}

/// An application that listens.
#[derive(Debug)]
#[must_use = "an application accepts nothing until it is served"]
pub struct BoundSolent {
    server: BoundServer,
    layer: DynLayer,
}

impl BoundSolent {
    /// Where it listens. Port 0 has become the port that was free.
    pub fn addresses(&self) -> Vec<ServerAddr> {
        self.server.addresses()
    }

    /// A handle that stops it from anywhere.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// The default channel layer, to send from outside.
    pub fn layer(&self) -> &DynLayer {
        &self.layer
    }

    /// Stops it when `signal` resolves.
    pub fn stop_on(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.server = self.server.stop_on(signal);
        self
    }

    /// Serves until it is stopped, then drains.
    ///
    /// # Errors
    ///
    /// An application that refuses to start or end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cuts every connection.
    pub async fn serve(self) -> std::result::Result<(), Error> {
        let served = self.server.await;
        // What outlives its connection's task has a deadline of its own.
        solent_consumers::disconnects_finished().await;
        served?;
        self.layer.close().await?;
        Ok(())
    }
}
