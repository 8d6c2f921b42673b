//! Putting an application together.

use std::{fmt, future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use http::{Extensions, Request, Response};
use solent_consumers::{ChannelConfig, WorkerConfig};
use solent_layer::{ChannelLayer, DynLayer};
use solent_routing::{Converter, RouterBuilder};
use solent_server::{Bind, BoundServer, Server, ServerConfig, shutdown_signal};
use solent_spec::{
    Application, Body, BoxError, Channel, Http, Middleware, Result, WebSocket,
    tower::ServiceApplication,
};

use crate::{
    args::Args,
    background::{Background, Context},
    bound::BoundSolent,
    error::Error,
    layers::Chosen,
    lifespan::Life,
    routed::Routed,
    work::{Channels, Role},
};

/// How long what blocks may go on once everything else has ended.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);

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
    channels: Channels,
    role: Role,
    layers: Chosen,
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
            channels: Channels::default(),
            role: Role::default(),
            layers: Chosen::default(),
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

    /// Leads the messages of a named channel to an application, usually a [channel consumer](crate::channel_consumer). They
    /// are handled one after the other by each worker.
    ///
    /// A process that serves does not listen on named channels: [workers](Self::worker) do, or
    /// [this process as well](Self::worker_here).
    ///
    /// A channel needs a layer with queues. One that publishes is refused when the application starts: give it a layer of its
    /// own then, by [`ChannelConfig::layer`](crate::ChannelConfig::layer). Whoever sends to the channel through the default layer,
    /// as `send_to_channel` does, reaches it there.
    pub fn channel(self, name: &str, application: impl Application<Channel>) -> Self {
        self.channel_with(name, ChannelConfig::default(), application)
    }

    /// The same with settings of its own, such as how many messages a worker handles side by side.
    pub fn channel_with(
        mut self,
        name: &str,
        config: ChannelConfig,
        application: impl Application<Channel>,
    ) -> Self {
        self.channels.add(name, config, application);
        self
    }

    /// Makes the process a worker: it listens on these channels, and nowhere for connections. What `--worker` does, and
    /// what Channels has `runworker` for.
    ///
    /// It has the application's state and layers. [Background tasks](Self::background) run only where connections are
    /// served. Told to stop, it takes no more messages, and ends when those in hand are handled.
    ///
    /// # Examples
    ///
    /// A page orders work, a worker does it and reports:
    ///
    /// ```no_run
    #[doc = include_str!("../examples/primes.rs")]
    /// ```
    pub fn worker<N: Into<String>>(mut self, channels: impl IntoIterator<Item = N>) -> Self {
        self.role = Role::Work(channels.into_iter().map(Into::into).collect());
        self
    }

    /// Has the process that serves work as well, on all channels: for small deployments, and for the memory layer, which
    /// no other process can reach.
    pub fn worker_here(mut self) -> Self {
        self.role = Role::ServeAndWork;
        self
    }

    /// Sets how a worker ends.
    pub fn worker_config(mut self, config: WorkerConfig) -> Self {
        self.channels.set_config(config);
        self
    }

    /// Leads HTTP requests for every path that begins with the segments of `pattern` to a `tower` service, such as an axum
    /// `Router`: `"axum"` takes `/axum` and `/axum/users`, and leaves `/axum2` to other routes. The
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
        self.layers.given = Some(DynLayer::new(layer));
        self
    }

    /// Adds a channel layer under an alias, as a second entry of Channels' `CHANNEL_LAYERS`: for consumers that name it as their
    /// `LAYER`, and for [channels](Self::channel_with) that are on it by
    /// [`ChannelConfig::layer`](crate::ChannelConfig::layer). `--layer ALIAS=URL` does the same and counts before this.
    pub fn layer_as(mut self, alias: &str, layer: impl ChannelLayer) -> Self {
        let layer = DynLayer::new(layer);
        self.layers.named.push((alias.to_owned(), layer));
        self
    }

    /// Leaves a value for every connection and background task, by its type: a pool, a client, settings.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// Runs a task for as long as the application serves. It starts before the first connection and is cancelled after the
    /// last; an error is logged under `name`. It does not run in a process that is only a [worker](Self::worker).
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

    /// Does what whoever starts the application asks for. Called last, as it counts before what was set until then.
    pub fn args(mut self, args: Args) -> Self {
        if !args.binds.is_empty() {
            self.binds = args.binds.into_iter().map(Ok).collect();
        }
        self.threads = args.threads.or(self.threads);
        self.layers.url = args.layer.or(self.layers.url);
        self.layers.named_urls.extend(args.layers);
        match args.worker {
            Some(channels) => self.worker(channels),
            None => self,
        }
    }

    /// Starts a runtime and serves, or works, until SIGTERM or SIGINT; then drains.
    ///
    /// # Errors
    ///
    /// Faulty routes or addresses, an address in use, a worker without channels or for unknown ones, an application that
    /// refuses to start or end.
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
        let result = runtime.block_on(async {
            let bound = self.listen().await?;
            for address in bound.addresses() {
                tracing::info!(target: "solent", %address, "listening");
            }
            bound.stop_on(shutdown_signal()).serve().await
        });
        // A blocking handler cannot be cut off; it was given its time.
        runtime.shutdown_timeout(BLOCKING_GRACE);
        result
    }

    /// Starts to listen on the current runtime, so that the addresses are known before anything is served.
    ///
    /// # Errors
    ///
    /// Faulty routes or addresses, an address in use, a worker without channels or for unknown ones.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future listens nowhere.
    pub async fn listen(mut self) -> std::result::Result<BoundSolent, Error> {
        self.channels.check(&self.role)?;
        let layers = std::mem::take(&mut self.layers).make()?;
        let elsewhere = self.channels.on(&layers, &self.role)?;
        let layer = Routed::around(layers.default().clone(), elsewhere);
        layers.middleware(&layer).insert_into(&mut self.state);
        let channels = std::mem::take(&mut self.channels);
        let worker = channels.worker(&self.role, &layer, &mut self.state)?;
        let server = self.bind_server(&layer).await?;
        Ok(BoundSolent::new(server, worker, layer, layers))
    }

    /// Listens for connections, if that is the process's role. Faulty routes and addresses are found in any case.
    async fn bind_server(
        self,
        layer: &DynLayer,
    ) -> std::result::Result<Option<BoundServer>, Error> {
        let context = Context::new(layer.clone(), Arc::new(self.state.clone()));
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
            .lifespan(Life::new(self.state, context, self.background));
        if !self.role.serves() {
            return Ok(None);
        }
        let first = binds.remove(0);
        let server = binds.into_iter().fold(server, Server::and_bind);
        Ok(Some(server.bind(first).await?))
    }
}

impl fmt::Debug for Solent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solent")
            .field("http", &self.http)
            .field("websocket", &self.websocket)
            .field("channels", &self.channels)
            .field("role", &self.role)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}
