//! The application that consumers are made by.

use std::{any::type_name, fmt, future::Future, sync::Arc, time::Duration};

use solent_spec::{Application, BoxFuture, Channel, Connection, Http, Protocol, Result, WebSocket};

use crate::{ConsumerCounts, session::Common};

/// The application that handles each connection of a protocol with a consumer of its own. Cheap to clone.
///
/// Consumers make it: see [`WebSocketConsumer::application`](crate::WebSocketConsumer::application) and
/// [`application_with`](crate::WebSocketConsumer::application_with). The factory is called once for each connection. If it
/// fails with a [`Refusal`](crate::Refusal), or with something that the client
/// [is to blame for](crate::Refusal#what-a-client-is-to-blame-for), the connection is refused; any other error is the
/// application's (status 500).
pub struct ConsumerApplication<P: Protocol, C> {
    factory: Factory<P, C>,
    common: Arc<Common>,
}

/// Handles each WebSocket with a consumer of its own.
pub type WebSocketApplication<C> = ConsumerApplication<WebSocket, C>;

/// Handles each HTTP request with a consumer of its own.
pub type HttpApplication<C> = ConsumerApplication<Http, C>;

/// Handles the messages of a named channel with a consumer; see [`Worker`](crate::Worker).
pub type ChannelApplication<C> = ConsumerApplication<Channel, C>;

pub(crate) type Factory<P, C> =
    Arc<dyn Fn(&<P as Protocol>::Scope) -> Result<C> + Send + Sync + 'static>;

/// A consumer of a protocol.
pub trait Run<P: Protocol>: Sized + Send + 'static {
    /// Handles one connection from its beginning to its end.
    fn run(
        factory: Factory<P, Self>,
        common: Arc<Common>,
        connection: Connection<P>,
    ) -> impl Future<Output = Result> + Send;
}

impl<P: Protocol, C> ConsumerApplication<P, C> {
    pub(crate) fn new(factory: impl Fn(&P::Scope) -> Result<C> + Send + Sync + 'static) -> Self {
        Self {
            factory: Arc::new(factory),
            common: Arc::default(),
        }
    }

    /// Sets how long a `disconnect` may take whose connection's task was dropped by the server or worker. Default: 5 seconds.
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
}

impl<P: Protocol, C: Run<P>> ConsumerApplication<P, C> {
    fn run(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send + use<P, C> {
        C::run(
            Arc::clone(&self.factory),
            Arc::clone(&self.common),
            connection,
        )
    }
}

impl<P: Protocol, C: Run<P>> Application<P> for ConsumerApplication<P, C> {
    fn call(&self, connection: Connection<P>) -> impl Future<Output = Result> + Send {
        self.run(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<P>) -> BoxFuture<Result> {
        Box::pin(self.run(connection))
    }
}

impl<P: Protocol, C> Clone for ConsumerApplication<P, C> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            common: Arc::clone(&self.common),
        }
    }
}

impl<P: Protocol, C> fmt::Debug for ConsumerApplication<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Application<{}>", P::NAME, type_name::<C>())
    }
}
