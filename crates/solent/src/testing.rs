//! A whole application in the test's own process.

use std::future::pending;

use http::Extensions;
use solent_layer::DynLayer;
use solent_server::ServeError;
use solent_spec::{BoxApplication, Http, WebSocket};
pub use solent_testing::{
    Accepted, Answer, ChannelCommunicator, Communicator, CommunicatorConfig, CommunicatorError,
    HttpCommunicator, LifespanCommunicator, LiveServer, Rejection, TestRequest, TestResponse,
    WebSocketCommunicator,
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{Error, Solent, bound::Ending};

/// A whole application without a server: its routes, middleware, layers, state, hooks, background tasks and workers, in the
/// test's own process. There is no port, and the test's clock may stand still.
///
/// ```
/// use solent::{Json, NoEvents, Result, Solent, WebSocketConsumer, WebSocketContext};
///
/// #[derive(Default)]
/// struct Doubler;
///
/// impl WebSocketConsumer for Doubler {
///     type Input = Json<u32>;
///     type Event = NoEvents;
///
///     async fn receive(&mut self, cx: &mut WebSocketContext, Json(number): Json<u32>) -> Result {
///         cx.send_json(&(2 * number)).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let app = Solent::new().websocket("ws/double/", Doubler::application());
///
/// let app = app.in_process().await?;
/// let mut client = app.websocket("/ws/double/")?;
/// client.connect().await?.accepted()?;
/// client.send_text("21").await?;
/// assert_eq!(client.receive_text().await?, "42");
///
/// drop(client);
/// app.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// What the server does is not here: limits, time-outs, the drain. For these, [`listen`](Solent::listen) at port 0 and use a
/// [`LiveServer`].
#[derive(Debug)]
#[must_use = "background tasks and workers go on until it is stopped"]
pub struct InProcess {
    http: BoxApplication<Http>,
    websocket: BoxApplication<WebSocket>,
    life: LifespanCommunicator,
    state: Extensions,
    layer: DynLayer,
    worker: Option<Working>,
    ending: Ending,
}

/// A worker on a task of its own.
#[derive(Debug)]
struct Working {
    /// Dropped to stop it.
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

impl Solent {
    /// Starts the application in this process, without a server, for a test.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen), but for addresses.
    pub async fn in_process(self) -> Result<InProcess, Error> {
        let Some(begun) = self.begin(pending()).await? else {
            unreachable!("what never comes has come")
        };
        let (layer, ending) = (begun.layer, begun.ending);
        let applications = match begun.app.applications(&layer) {
            Ok(applications) => applications,
            Err(error) => {
                // The first error is the one to tell.
                let _ = ending.finish().await;
                return Err(error);
            }
        };
        let (http, websocket, life) = applications;
        let mut life = LifespanCommunicator::start(life);
        let state = life
            .startup()
            .await
            .map_err(|error| ServeError::Startup(error.to_string()))?;
        let worker = begun.worker.map(|worker| {
            let (stop, stopped) = oneshot::channel::<()>();
            let told = async {
                let _ = stopped.await;
            };
            let task = tokio::spawn(async { Ok(worker.run(told).await?) });
            Working { stop, task }
        });
        Ok(InProcess {
            http: BoxApplication::new(http),
            websocket: BoxApplication::new(websocket),
            life,
            state,
            layer,
            worker,
            ending,
        })
    }
}

impl InProcess {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn http(
        &self,
        request: impl Into<TestRequest>,
    ) -> Result<HttpCommunicator, CommunicatorError> {
        HttpCommunicator::start(self.http.clone(), self.with_state(request))
    }

    /// Begins a WebSocket.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn websocket(
        &self,
        request: impl Into<TestRequest>,
    ) -> Result<WebSocketCommunicator, CommunicatorError> {
        WebSocketCommunicator::start(self.websocket.clone(), self.with_state(request))
    }

    fn with_state(&self, request: impl Into<TestRequest>) -> TestRequest {
        request.into().shared(self.state.clone())
    }

    /// The default channel layer, to send from outside.
    pub fn layer(&self) -> &DynLayer {
        &self.layer
    }

    /// Stops background tasks and the worker, which finishes what it has in hand; then runs the shutdown hooks and closes the
    /// layers.
    ///
    /// # Errors
    ///
    /// A worker, a hook or a layer that fails.
    ///
    /// # Panics
    ///
    /// If the worker has.
    pub async fn stop(mut self) -> Result<(), Error> {
        let lived = self.life.shutdown().await;
        let worked = match self.worker.take() {
            Some(Working { stop, task }) => {
                drop(stop);
                task.await
                    .unwrap_or_else(|error| match error.try_into_panic() {
                        Ok(payload) => std::panic::resume_unwind(payload),
                        Err(_) => Ok(()),
                    })
            }
            None => Ok(()),
        };
        solent_consumers::disconnects_finished().await;
        let ended = self.ending.finish().await;
        lived.map_err(|error| ServeError::Shutdown(error.to_string()))?;
        worked?;
        ended
    }
}
