//! What every connection of a server shares.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
};

use http::{Extensions, HeaderValue};
use hyper::server::conn::http1;
use solent_spec::{
    BoxApplication, ClosedSignal, Draining, Http, Lifespan, Throttle, WebSocket, http::Host,
};
use tokio::{
    runtime::Handle,
    sync::Notify,
    task::{AbortHandle, JoinHandle},
};

use crate::{
    ServerConfig,
    clock::{Clock, Registry},
    connection::{self, Limiter, Watch},
    http::{Budget, TaskHost},
    websocket::{Flushers, Limits, Outbox},
};

/// The applications of a server, by protocol.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    pub(crate) http: Option<BoxApplication<Http>>,
    pub(crate) websocket: Option<BoxApplication<WebSocket>>,
    pub(crate) lifespan: Option<BoxApplication<Lifespan>>,
}

/// Settings, applications and registries.
pub(crate) struct Core {
    pub(crate) config: ServerConfig,
    pub(crate) applications: Applications,
    pub(crate) clock: Clock,
    pub(crate) connections: Registry<Watch>,
    pub(crate) websockets: Registry<Outbox>,
    pub(crate) flushers: Flushers,
    pub(crate) limiter: Arc<Limiter>,
    /// The sizes that a WebSocket may send.
    pub(crate) limits: Arc<Limits>,
    pub(crate) http1: http1::Builder,
    pub(crate) server_header: Option<HeaderValue>,
    runtime: Handle,
    host: OnceLock<Arc<dyn Host>>,
    /// What lifespan startup left.
    state: OnceLock<Arc<Extensions>>,
    draining: AtomicBool,
    /// Tells applications of the drain.
    drain: ClosedSignal,
    /// Bytes of request bodies.
    pub(crate) budget: Arc<Budget>,
    /// Lets one warning of handshakes through at a time.
    pub(crate) handshake_warnings: Throttle,
    /// Connections that are read on after their response; see [`connection::linger`].
    pub(crate) lingering: AtomicUsize,
    /// Tasks that have to end before the server does.
    live: AtomicUsize,
    /// Told when `live` becomes 0.
    idle: Notify,
    /// Told when what is left of exchanges is given up.
    abandoned: Notify,
}

impl Core {
    pub(crate) fn new(config: ServerConfig, applications: Applications) -> Arc<Self> {
        let runtime = Handle::current();
        let core = Arc::new(Self {
            clock: Clock::default(),
            connections: Registry::default(),
            websockets: Registry::default(),
            flushers: Flushers::new(runtime.metrics().num_workers()),
            budget: Budget::new(&config),
            limits: Arc::new(Limits {
                frame: config.websocket.max_frame,
                message: config.websocket.max_message,
            }),
            handshake_warnings: Throttle::default(),
            drain: ClosedSignal::default(),
            limiter: Limiter::new(config.connections.clone()),
            http1: connection::http1(&config.http),
            server_header: config
                .server_header
                .as_ref()
                .and_then(|value| value.parse().ok()),
            config,
            applications,
            runtime,
            host: OnceLock::new(),
            state: OnceLock::new(),
            draining: AtomicBool::new(false),
            lingering: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            idle: Notify::new(),
            abandoned: Notify::new(),
        });
        let _ = core.host.set(TaskHost::of(Arc::downgrade(&core)));
        core
    }

    /// What exchanges need of the server.
    pub(crate) fn host(self: &Arc<Self>) -> Arc<dyn Host> {
        Arc::clone(self.host.get_or_init(|| TaskHost::of(Arc::downgrade(self))))
    }

    pub(crate) fn state(&self) -> Option<Arc<Extensions>> {
        self.state.get().map(Arc::clone)
    }

    pub(crate) fn set_state(&self, state: Extensions) {
        if !state.is_empty() {
            let _ = self.state.set(Arc::new(state));
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Acquire)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Release);
        self.drain.close();
    }

    /// Resolves when the server drains.
    pub(super) fn draining(&self) -> Draining {
        self.drain.draining()
    }

    /// Starts a task, from whatever thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(task)
    }

    /// Starts the tasks that serve all connections.
    pub(super) fn run_background(self: &Arc<Self>) -> Vec<AbortHandle> {
        let count = self.flushers.iter().count();
        let flushers = (0..count).map(|nth| {
            let core = Arc::clone(self);
            self.spawn(async move {
                if let Some(flusher) = core.flushers.iter().nth(nth) {
                    flusher.run().await;
                }
            })
        });
        let time = self.spawn(super::keep_time(Arc::clone(self)));
        flushers
            .chain([time])
            .map(|task| task.abort_handle())
            .collect::<Vec<_>>()
    }

    /// Counts a task that has to end before the server does.
    pub(crate) fn live(self: &Arc<Self>) -> Live {
        self.live.fetch_add(1, AcqRel);
        Live(Arc::clone(self))
    }

    /// Gives up what is left of exchanges.
    pub(super) fn abandon(&self) {
        self.abandoned.notify_waiters();
    }

    /// Resolves when what is left of exchanges is given up.
    pub(crate) async fn abandoned(&self) {
        self.abandoned.notified().await;
    }

    /// Resolves when an application whose connection is over has had its time in the drain. Called
    /// when the connection is over.
    pub(crate) async fn grace_over(&self) {
        self.drain.draining().await;
        crate::clock::sleep_awake(self.config.drain.applications).await;
    }

    /// Waits until no counted task is left.
    pub(super) async fn wait_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.live.load(Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A task that has to end before the server does.
#[derive(Debug)]
pub(crate) struct Live(Arc<Core>);

impl Drop for Live {
    fn drop(&mut self) {
        if self.0.live.fetch_sub(1, AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
