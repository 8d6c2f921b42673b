//! The application that consumers are made by.

use std::{any::type_name, fmt, future::Future, sync::Arc, time::Duration};

use solent_spec::{
    Application, BoxFuture, Connection, Result, WebSocket,
    websocket::{Receive, WebSocketScope},
};

use super::{
    WebSocketConsumer, WebSocketContext,
    session::{KindOf, WebSocketSession, denial},
};
use crate::{
    ConsumerCounts, fault,
    session::{Common, drive},
    who::Who,
};

type Factory<C> = Arc<dyn Fn(&WebSocketScope) -> Result<C> + Send + Sync>;

/// The application that handles each WebSocket with a consumer of its own. Cheap to clone.
pub struct WebSocketApplication<C> {
    factory: Factory<C>,
    common: Arc<Common>,
}

/// Makes an application of a factory of consumers, which is called once for each connection.
///
/// A factory that fails with a [`Refusal`](crate::Refusal), or with something that the client [is to blame
/// for](crate::Refusal#what-a-client-is-to-blame-for), refuses the connection; any other error is the application's (status
/// 500).
///
/// ```
/// use solent_consumers::{NoEvents, WebSocketConsumer, WebSocketContext, websocket_consumer};
/// use solent_spec::{RequestScope, Result, websocket::{Frame, WebSocketScope}};
///
/// struct Echo {
///     path: String,
/// }
///
/// impl WebSocketConsumer for Echo {
///     type Event = NoEvents;
///
///     async fn receive(&mut self, cx: &mut WebSocketContext, frame: Frame) -> Result {
///         cx.send(frame).await
///     }
/// }
///
/// let application = websocket_consumer(|scope: &WebSocketScope| {
///     Ok(Echo { path: scope.path().to_owned() })
/// });
/// # let _ = (application, |echo: Echo| echo.path);
/// ```
pub fn websocket_consumer<C, F>(factory: F) -> WebSocketApplication<C>
where
    C: WebSocketConsumer,
    F: Fn(&WebSocketScope) -> Result<C> + Send + Sync + 'static,
{
    WebSocketApplication {
        factory: Arc::new(factory),
        common: Arc::default(),
    }
}

impl<C: WebSocketConsumer> WebSocketApplication<C> {
    /// Sets how long a `disconnect` may take whose connection's task was dropped by the server. Default: 5 seconds.
    #[must_use]
    pub fn disconnect_deadline(mut self, deadline: Duration) -> Self {
        self.common = Arc::new(Common {
            disconnect_deadline: deadline,
            counts: Arc::clone(&self.common.counts),
        });
        self
    }

    /// What has happened to the application's connections so far.
    pub fn counts(&self) -> Arc<ConsumerCounts> {
        Arc::clone(&self.common.counts)
    }

    fn run(
        &self,
        connection: Connection<WebSocket>,
    ) -> impl Future<Output = Result> + Send + use<C> {
        let common = Arc::clone(&self.common);
        let start = start(Arc::clone(&self.factory), Arc::clone(&common), connection);
        drive(Box::pin(start), common)
    }
}

/// Everything that happens before the first handler; what it needs is let go when it is done.
async fn start<C: WebSocketConsumer>(
    factory: Factory<C>,
    common: Arc<Common>,
    mut connection: Connection<WebSocket>,
) -> Result<Option<WebSocketSession<C>>> {
    match connection.receive().await {
        Some(Receive::Connect) => {}
        // The client left before it was asked for.
        _ => return Ok(None),
    }
    tracing::debug!(target: "solent::consumers", scope = ?connection.scope(), "connecting");
    match factory(connection.scope()) {
        Ok(consumer) => {
            let cx = WebSocketContext::new(connection, KindOf::<C>::KIND);
            Ok(Some(WebSocketSession::new(consumer, cx, common)))
        }
        Err(error) => {
            let refusal = fault::refusal(error, connection.scope(), || {
                Who::of(type_name::<C>(), connection.scope())
            })?;
            let denial = denial(refusal, connection.scope());
            connection.send(denial).await?;
            Ok(None)
        }
    }
}

impl<C: WebSocketConsumer> Application<WebSocket> for WebSocketApplication<C> {
    fn call(&self, connection: Connection<WebSocket>) -> impl Future<Output = Result> + Send {
        self.run(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<WebSocket>) -> BoxFuture<Result> {
        Box::pin(self.run(connection))
    }
}

impl<C> Clone for WebSocketApplication<C> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            common: Arc::clone(&self.common),
        }
    }
}

impl<C> fmt::Debug for WebSocketApplication<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebSocketApplication<{}>", std::any::type_name::<C>())
    }
}
