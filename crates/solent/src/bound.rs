//! An application that has begun.

use std::{
    future::{Future, IntoFuture},
    time::Duration,
};

use solent_consumers::{Worker, WorkerCounts};
use solent_layer::DynLayer;
use solent_server::BoundServer;
use solent_spec::{Chain, request::ServerAddr};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use crate::{background::Health, error::Error, hooks::Cleanup, layers::AllLayers};

/// An application that listens: for connections, on named channels, or both.
#[derive(Debug)]
#[must_use = "an application accepts nothing until it is served"]
pub struct BoundSolent {
    server: Option<BoundServer>,
    worker: Option<Worker>,
    /// Those that the worker is for.
    channels: Vec<String>,
    layer: DynLayer,
    stop: watch::Sender<Stopped>,
    /// Dropped with the application, so that whoever waits to stop it knows when there is nothing left to stop.
    stopped: watch::Receiver<Stopped>,
    ending: Ending,
    health: Health,
}

/// What is left to do once an application has served and worked.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) cleanup: Cleanup,
    /// The deadline of the drain, counted from when the application is told to stop.
    pub(crate) drain: Duration,
    /// All layers, to be closed in the end.
    pub(crate) layers: AllLayers,
}

impl Ending {
    /// Runs the shutdown hooks of an application that has not served, and closes its layers.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        let deadline = Instant::now() + self.drain;
        self.run(deadline).await
    }

    async fn run(self, deadline: Instant) -> Result<(), Error> {
        let cleaned = self.cleanup.run(deadline).await;
        let closed = self.layers.close().await;
        cleaned?;
        closed.map_err(Error::Close)
    }
}

impl BoundSolent {
    pub(crate) fn new(
        server: Option<BoundServer>,
        worker: Option<Worker>,
        channels: Vec<String>,
        layer: DynLayer,
        ending: Ending,
        health: Health,
    ) -> Self {
        let (stop, stopped) = watch::channel(None);
        Self {
            server,
            worker,
            channels,
            layer,
            stop,
            stopped,
            ending,
            health,
        }
    }

    /// How its background tasks do.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Where it listens for connections: nowhere, if it is a worker. Port 0 has become the port that was free.
    pub fn addresses(&self) -> Vec<ServerAddr> {
        let server = self.server.as_ref();
        server.map(BoundServer::addresses).unwrap_or_default()
    }

    /// The named channels that it works on.
    pub(crate) fn channels(&self) -> &[String] {
        &self.channels
    }

    /// A handle that stops it from anywhere.
    pub fn handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// The default channel layer, to send from outside.
    pub fn layer(&self) -> &DynLayer {
        &self.layer
    }

    /// What becomes of the messages of named channels, if this process works on any.
    pub fn worker_counts(&self) -> Option<WorkerCounts> {
        self.worker.as_ref().map(Worker::counts)
    }

    /// Stops it when `signal` resolves.
    pub fn stop_on(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = signal => tell(&stop),
                () = stop.closed() => {}
            }
        });
        self
    }

    /// Serves and works until it is stopped. Then it drains: first its connections, which may still wait for an answer of
    /// its worker; then what its worker has in hand.
    ///
    /// # Errors
    ///
    /// An application that refuses to start or end, a channel layer that is closed under a worker or cannot be closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cuts every connection, and what a worker has in hand is lost.
    pub async fn serve(self) -> Result<(), Error> {
        let Self {
            server,
            worker,
            channels: _,
            layer: _,
            stopped,
            ending,
            stop: _,
            health: _,
        } = self;
        let when = stopped.clone();
        let result = match (server, worker) {
            (Some(server), None) => serve(server, stopped).await,
            (None, Some(worker)) => Ok(worker.run(told(stopped)).await?),
            (Some(server), Some(worker)) => serve_and_work(server, worker, stopped).await,
            (None, None) => Ok(()),
        };
        // What outlives its connection's task has a deadline of its own.
        solent_consumers::disconnects_finished().await;
        let stopped_at = when.borrow().unwrap_or_else(Instant::now);
        let deadline = stopped_at + ending.drain;
        let ended = ending.run(deadline).await;
        result?;
        ended
    }
}

/// Stops an application. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StopHandle(watch::Sender<Stopped>);

impl StopHandle {
    /// Tells the application to drain and end. Returns at once; [`BoundSolent::serve`] resolves when it is done.
    pub fn stop(&self) {
        tell(&self.0);
    }
}

/// When the application was told to stop, once it was.
type Stopped = Option<Instant>;

/// Tells an application to stop. The first time counts.
fn tell(stop: &watch::Sender<Stopped>) {
    stop.send_if_modified(|stopped| {
        let is_first = stopped.is_none();
        stopped.get_or_insert_with(Instant::now);
        is_first
    });
}

/// Waits until the application is told to stop.
async fn told(mut stopped: watch::Receiver<Stopped>) {
    // Without a handle that could tell it, it goes on.
    if stopped.wait_for(Option::is_some).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn serve(server: BoundServer, stopped: watch::Receiver<Stopped>) -> Result<(), Error> {
    Ok(server.stop_on(told(stopped)).into_future().await?)
}

async fn serve_and_work(
    server: BoundServer,
    worker: Worker,
    stopped: watch::Receiver<Stopped>,
) -> Result<(), Error> {
    let (drained, is_drained) = oneshot::channel::<()>();
    let serving = async {
        let served = serve(server, stopped).await;
        drop(drained);
        served
    };
    let working = async {
        let worked = worker.run(async {
            let _ = is_drained.await;
        });
        worked.await.inspect_err(|error| {
            tracing::error!(target: "solent", error = %Chain(error), "worker has ended, connections are still served");
        })
    };
    let (served, worked) = tokio::join!(serving, working);
    served?;
    Ok(worked?)
}
