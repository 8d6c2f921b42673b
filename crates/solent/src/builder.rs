//! Putting an application together.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, pending},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use http::{Extensions, Request, Response};
use solent_consumers::{ChannelConfig, Worker, WorkerConfig};
use solent_layer::{ChannelLayer, ChannelName, DynLayer};
use solent_routing::{Converter, Router, RouterBuilder};
use solent_server::{Bind, BoundServer, Server, ServerConfig, shutdown_signal};
use solent_spec::{
    Application, Body, BoxError, BoxFuture, Channel, Http, Middleware, Result, WebSocket,
    tower::ServiceApplication,
};

use crate::{
    announce::{announce, url},
    args::Args,
    background::{Background, BackgroundConfig, Health},
    bound::{BoundSolent, Ending},
    context::Context,
    error::Error,
    hooks::Hooks,
    layers::{AllLayers, Chosen},
    lifespan::Life,
    routed::Routed,
    work::{Channels, Role},
};

/// How long what blocks may go on once everything else has ended.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);

/// Within which another process takes over what [`Solent::background_once`] runs.
const TAKEOVER: Duration = Duration::from_secs(15);

/// An application: its routes, channel layers, state, background tasks and settings. It listens once it is [run](Self::run).
///
/// ```no_run
/// use solent::{Error, Result, Solent, spec::{Connection, Http}};
///
/// async fn hello(mut connection: Connection<Http>) -> Result {
///     connection.send(solent::spec::http::Outbound::text("hello")).await?;
///     Ok(())
/// }
///
/// fn main() -> Result<(), Error> {
///     Solent::new().http("hello/", hello).bind("127.0.0.1:8000").run()
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
    hooks: Hooks,
    background: Vec<Background>,
    health: Health,
    /// What [middleware](Self::middleware) wants to find out before anything listens.
    checks: Vec<BoxFuture<Result>>,
    config: ServerConfig,
    binds: Vec<std::result::Result<Bind, solent_server::BindParseError>>,
    threads: Option<NonZeroUsize>,
    blocking_threads: Option<NonZeroUsize>,
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
            hooks: Hooks::default(),
            background: Vec::new(),
            health: Health::default(),
            checks: Vec::new(),
            config: ServerConfig::default(),
            binds: Vec::new(),
            threads: None,
            blocking_threads: None,
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

    /// Leads the messages of a named channel to an application, usually a [channel consumer](crate::ChannelConsumer). They
    /// are handled one after the other by each worker.
    ///
    /// A process that serves does not listen on named channels: [workers](Self::worker) do, or
    /// [this process as well](Self::worker_here).
    ///
    /// A channel needs a layer with queues. One that publishes is refused when the application starts: give it a layer of its
    /// own then, by [`ChannelConfig::layer`](crate::consumers::ChannelConfig::layer). Whoever sends to the channel through the default layer,
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

    /// Has the process that serves work as well, on all channels: for small deployments. On a layer that no other process can
    /// reach, such as the memory layer, it does so unasked.
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

    /// Wraps every application added so far in a middleware, and [checks](Middleware::startup) it before the application listens:
    /// a session store that refuses its credentials fails the start.
    pub fn middleware(mut self, middleware: &impl Middleware) -> Self {
        self.checks.push(middleware.startup());
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
    /// [`ChannelConfig::layer`](crate::consumers::ChannelConfig::layer). `--layer ALIAS=URL` does the same and counts before this.
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

    /// Runs `hook` before the application listens, also in a [worker](Self::worker), and puts what it returns into the
    /// [state](Self::state). Hooks run one after the other in the order in which they were added, and each sees the state that those
    /// before it have made.
    ///
    /// An error or a panic ends [`run`](Self::run) with [`Error::Startup`] before anything listens, so that a `main` that returns it
    /// ends with status 1. So does a signal to stop, with `Ok`. Shutdown hooks that were added before the hook run in both cases.
    ///
    /// ```no_run
    /// # #[derive(Clone)] struct Pool;
    /// # impl Pool {
    /// #     async fn connect(_: &str) -> solent::Result<Self> { Ok(Self) }
    /// #     async fn close(&self) {}
    /// # }
    /// use solent::{Result, Solent};
    ///
    /// fn main() -> Result {
    ///     Ok(Solent::new()
    ///         .startup("database", |_| Pool::connect("postgres://localhost/shop"))
    ///         .shutdown("database", |cx| async move {
    ///             if let Some(pool) = cx.state::<Pool>() {
    ///                 pool.close().await;
    ///             }
    ///             Ok(())
    ///         })
    ///         .run()?)
    /// }
    /// ```
    pub fn startup<T, F, R>(mut self, name: &'static str, hook: F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result<T>> + Send + 'static,
    {
        self.hooks.startup(name, hook);
        self
    }

    /// Runs `hook` when the application has ended: after the last connection, the background tasks and the worker, before the
    /// channel layer is closed. Hooks run one after the other, the last one added first.
    ///
    /// They have what connections have left of the [drain's deadline](crate::server::DrainConfig::deadline), and each has at least a second.
    /// A hook that fails, panics or is not done in time is logged, the others run all the same, and [`run`](Self::run) returns
    /// [`Error::Shutdown`].
    pub fn shutdown<F, R>(mut self, name: &'static str, hook: F) -> Self
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        self.hooks.shutdown(name, hook);
        self
    }

    /// Runs a task for as long as the application serves. It starts before the first connection and is cancelled after the
    /// last. When it fails or panics, that is logged with `name`, and it is started again after a pause. It does not run in a
    /// process that is only a [worker](Self::worker).
    ///
    /// The same as [`background_with`](Self::background_with) with the default settings.
    pub fn background<F, R>(self, name: &'static str, task: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        self.background_with(name, BackgroundConfig::default(), task)
    }

    /// Runs a task in one of all processes that share the channel layer: for what is to be done once for all of them, such as
    /// reminders, or the measurements of a dashboard. Another process takes over within two seconds when this one shuts down,
    /// and within 15 seconds when it dies.
    ///
    /// The process that runs the task holds a lease of the layer with the task's name, and renews it twice a second. It cancels
    /// the task when it has lost the lease, or cannot renew it. Cancelling takes effect at the task's next `await`.
    ///
    /// A process that takes the lease waits for a second before it starts the task. No two processes therefore run it at once
    /// when the layer forgets the lease (`DEL`, `FLUSHALL`, eviction, a failover that lost the key), if the holder's next
    /// renewal is answered within that second.
    ///
    /// This is no lock. Two processes may run the task for a moment in these cases:
    ///
    /// - The holder, or its machine, was stopped (`SIGSTOP`, a paused VM) for longer than the lease lasts. It goes on until it
    ///   notices, which is within milliseconds after it was resumed.
    /// - The task blocks its thread, and so is not cancelled.
    /// - The layer forgets the lease while the holder cannot reach it. The holder stops after 13 seconds at the latest.
    ///
    /// What must not happen twice even then needs a check where it happens: a unique key in the database, or a counter that the
    /// database compares (fencing). The layer gives no such counter, since it may forget.
    ///
    /// The same as [`background_with`](Self::background_with) with a [`lease`](BackgroundConfig::lease) of 15 seconds.
    pub fn background_once<F, R>(self, name: &'static str, task: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        let config = BackgroundConfig::default().lease(TAKEOVER);
        self.background_with(name, config, task)
    }

    /// Runs a task with settings of its own: when it is started again, how often, and whether in one process only.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use solent::{Solent, app::{BackgroundConfig, Restart}};
    ///
    /// # async fn sweep() -> solent::Result { Ok(()) }
    /// let config = BackgroundConfig::default().restart(Restart::Always).limit(10);
    /// let app = Solent::new().background_with("sweep", config, |_| sweep());
    /// ```
    pub fn background_with<F, R>(
        mut self,
        name: &'static str,
        config: BackgroundConfig,
        task: F,
    ) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        self.background.push(Background::new(name, config, task));
        self
    }

    /// Answers requests for a path with how the [background tasks](Self::background) of this process do, for who watches over it:
    /// 200 as long as none has been given up, 503 after that; and JSON such as
    /// `{"status":"degraded","tasks":[{"name":"remind","state":"restarting","restarts":3}]}`. The status is `ok`, `degraded`
    /// while a task waits to be started again, or `failed`.
    pub fn health(self, pattern: &str) -> Self {
        let health = self.health.clone();
        self.http(pattern, move |connection| health.clone().answer(connection))
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

    /// Sets how many threads that block [`run`](Self::run) may have: for handlers of `Sync…` consumers, files, databases. Half of
    /// them at most run handlers, so that what a handler waits for finds a thread. Default: 512.
    pub fn blocking_threads(mut self, threads: NonZeroUsize) -> Self {
        self.blocking_threads = Some(threads);
        self
    }

    /// Applies command-line options. Call it last: options override earlier settings.
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
        if let Some(threads) = self.blocking_threads {
            // With a single one, handlers have it.
            builder.max_blocking_threads(threads.get().max(2));
            let half = NonZeroUsize::new(threads.get() / 2);
            solent_consumers::limit_sync_handlers(half.unwrap_or(NonZeroUsize::MIN));
        }
        let runtime = builder
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let result = runtime.block_on(async {
            let mut signal = Box::pin(shutdown_signal());
            let Some(bound) = self.start(&mut signal).await? else {
                return Ok(());
            };
            let addresses = bound.addresses();
            for address in &addresses {
                tracing::info!(target: "solent", %address, url = url(address), "listening");
            }
            announce(&addresses, bound.channels());
            bound.stop_on(signal).serve().await
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
    pub async fn listen(self) -> std::result::Result<BoundSolent, Error> {
        match self.start(pending()).await? {
            Some(bound) => Ok(bound),
            None => unreachable!("what never comes has come"),
        }
    }

    /// Runs the start-up hooks and listens, unless `stop` resolves before; then there is nothing to serve.
    async fn start(
        self,
        stop: impl Future<Output = ()>,
    ) -> std::result::Result<Option<BoundSolent>, Error> {
        let Some(mut begun) = self.begin(stop).await? else {
            return Ok(None);
        };
        match begun.app.bind_server(&begun.layer).await {
            Ok(server) => Ok(Some(BoundSolent::new(
                server,
                begun.worker.take(),
                begun.channels,
                begun.layer,
                begun.ending,
                begun.health,
            ))),
            Err(error) => {
                // The first error is the one to tell; this one has been logged.
                let _ = begun.ending.finish().await;
                Err(error)
            }
        }
    }

    /// Does what comes before listening: makes the layers, asks all that may refuse this process, runs the start-up hooks, and
    /// makes the worker.
    pub(crate) async fn begin(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> std::result::Result<Option<Begun>, Error> {
        self.channels.check(&self.role)?;
        let drain = self.config.drain.deadline;
        let health = self.health.clone();
        let layers = std::mem::take(&mut self.layers).make()?;
        let elsewhere = match self.check(&layers).await {
            Ok(elsewhere) => elsewhere,
            Err(error) => {
                // The first error is the one to tell.
                let _ = layers.close().await;
                return Err(error);
            }
        };
        let channels = self.channels.worked_on(&self.role);
        let layer = Routed::around(layers.default().clone(), elsewhere);
        layers.middleware(&layer).insert_into(&mut self.state);
        self.state.insert(health.clone());
        let hooks = std::mem::take(&mut self.hooks);
        let (cleanup, started) = hooks.start(&layer, &mut self.state, stop).await;
        let ending = Ending {
            cleanup,
            drain,
            layers,
        };
        let worker = match started {
            Ok(true) => self.take_worker(&layer),
            Ok(false) => return ending.finish().await.map(|()| None),
            Err(error) => Err(error),
        };
        match worker {
            Ok(worker) => Ok(Some(Begun {
                app: self,
                worker,
                channels,
                layer,
                ending,
                health,
            })),
            Err(error) => {
                let _ = ending.finish().await;
                Err(error)
            }
        }
    }

    /// Finds the channels that are on other layers than the default one. Fails if a layer or a middleware's backend refuses
    /// this process.
    async fn check(
        &mut self,
        layers: &AllLayers,
    ) -> std::result::Result<HashMap<ChannelName, DynLayer>, Error> {
        let elsewhere = self.channels.on(layers, &self.role)?;
        layers.check().await?;
        for check in std::mem::take(&mut self.checks) {
            check.await.map_err(Error::Middleware)?;
        }
        Ok(elsewhere)
    }

    fn take_worker(&mut self, layer: &DynLayer) -> std::result::Result<Option<Worker>, Error> {
        let channels = std::mem::take(&mut self.channels);
        channels.worker(&self.role, layer, &mut self.state)
    }

    /// What answers connections and what runs beside it.
    pub(crate) fn applications(
        self,
        layer: &DynLayer,
    ) -> std::result::Result<(Router<Http>, Router<WebSocket>, Life), Error> {
        let context = Context::new(layer.clone(), Arc::new(self.state.clone()));
        let (http, websocket) = (self.http.build()?, self.websocket.build()?);
        let life = Life::new(self.state, context, self.health, self.background);
        Ok((http, websocket, life))
    }

    /// Listens for connections, if that is the process's role. Faulty routes and addresses are found in any case.
    async fn bind_server(
        mut self,
        layer: &DynLayer,
    ) -> std::result::Result<Option<BoundServer>, Error> {
        let (config, serves) = (std::mem::take(&mut self.config), self.role.serves());
        let mut binds = std::mem::take(&mut self.binds)
            .into_iter()
            .collect::<std::result::Result<Vec<_>, _>>()?;
        if binds.is_empty() {
            binds.push(Bind::Tcp(([127, 0, 0, 1], 8000).into()));
        }
        let (http, websocket, life) = self.applications(layer)?;
        if !serves {
            return Ok(None);
        }
        let server = Server::new(config)
            .http(http)
            .websocket(websocket)
            .lifespan(life);
        let first = binds.remove(0);
        let server = binds.into_iter().fold(server, Server::and_bind);
        Ok(Some(server.bind(first).await?))
    }
}

/// An application whose start-up hooks have run.
pub(crate) struct Begun {
    pub(crate) app: Solent,
    pub(crate) worker: Option<Worker>,
    /// The named channels that it is for.
    channels: Vec<String>,
    pub(crate) layer: DynLayer,
    pub(crate) ending: Ending,
    health: Health,
}

impl fmt::Debug for Solent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solent")
            .field("http", &self.http)
            .field("websocket", &self.websocket)
            .field("channels", &self.channels)
            .field("role", &self.role)
            .field("hooks", &self.hooks)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}
