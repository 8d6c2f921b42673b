//! An application that has begun.

use std::future::{Future, IntoFuture};

use solent_consumers::{Worker, WorkerCounts};
use solent_layer::DynLayer;
use solent_server::BoundServer;
use solent_spec::{Chain, request::ServerAddr};
use tokio::sync::{oneshot, watch};

use crate::{error::Error, layers::AllLayers};

/// An application that listens: for connections, on named channels, or both.
#[derive(Debug)]
#[must_use = "an application accepts nothing until it is served"]
pub struct BoundSolent {
    server: Option<BoundServer>,
    worker: Option<Worker>,
    layer: DynLayer,
    /// All of them, to be closed in the end.
    layers: AllLayers,
    stop: watch::Sender<bool>,
    /// Dropped with the application, so that whoever waits to stop it knows when there is nothing left to stop.
    stopped: watch::Receiver<bool>,
}

impl BoundSolent {
    pub(crate) fn new(
        server: Option<BoundServer>,
        worker: Option<Worker>,
        layer: DynLayer,
        layers: AllLayers,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self {
            server,
            worker,
            layer,
            layers,
            stop,
            stopped,
        }
    }

    /// Where it listens for connections: nowhere, if it is a worker. Port 0 has become the port that was free.
    pub fn addresses(&self) -> Vec<ServerAddr> {
        let server = self.server.as_ref();
        server.map(BoundServer::addresses).unwrap_or_default()
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
                () = signal => { stop.send_replace(true); }
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
            layer: _,
            layers,
            stopped,
            stop: _,
        } = self;
        let result = match (server, worker) {
            (Some(server), None) => serve(server, stopped).await,
            (None, Some(worker)) => Ok(worker.run(told(stopped)).await?),
            (Some(server), Some(worker)) => serve_and_work(server, worker, stopped).await,
            (None, None) => Ok(()),
        };
        // What outlives its connection's task has a deadline of its own.
        solent_consumers::disconnects_finished().await;
        let closed = layers.close().await;
        result?;
        closed.map_err(Error::Close)
    }
}

/// Stops an application. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    /// Tells the application to drain and end. Returns at once; [`BoundSolent::serve`] resolves when it is done.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Waits until the application is told to stop.
async fn told(mut stopped: watch::Receiver<bool>) {
    // Without anybody who could tell it, it goes on.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn serve(server: BoundServer, stopped: watch::Receiver<bool>) -> Result<(), Error> {
    Ok(server.stop_on(told(stopped)).into_future().await?)
}

async fn serve_and_work(
    server: BoundServer,
    worker: Worker,
    stopped: watch::Receiver<bool>,
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
