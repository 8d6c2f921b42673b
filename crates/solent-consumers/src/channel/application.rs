//! The application that channel consumers are made by.

use std::{any::type_name, fmt, future::Future, sync::Arc, time::Duration};

use solent_spec::{Application, BoxFuture, Channel, Connection, Result, channel::ChannelScope};

use super::{ChannelConsumer, session::ChannelSession};
use crate::{
    ConsumerCounts,
    session::{Common, drive},
};

type Factory<C> = Arc<dyn Fn(&ChannelScope) -> Result<C> + Send + Sync>;

/// The application that handles the messages of a named channel with a consumer. Cheap to clone.
pub struct ChannelApplication<C> {
    factory: Factory<C>,
    common: Arc<Common>,
}

/// Makes an application of a factory of consumers, for a [`Worker`](crate::Worker) to run.
pub fn channel_consumer<C, F>(factory: F) -> ChannelApplication<C>
where
    C: ChannelConsumer,
    F: Fn(&ChannelScope) -> Result<C> + Send + Sync + 'static,
{
    ChannelApplication {
        factory: Arc::new(factory),
        common: Arc::default(),
    }
}

impl<C: ChannelConsumer> ChannelApplication<C> {
    /// Sets how long a `disconnect` may take whose handler was given up by the worker. Default: 5 seconds.
    #[must_use]
    pub fn disconnect_deadline(mut self, deadline: Duration) -> Self {
        self.common = Arc::new(Common {
            disconnect_deadline: deadline,
            counts: Arc::clone(&self.common.counts),
        });
        self
    }

    /// What has happened to the application's messages so far.
    pub fn counts(&self) -> Arc<ConsumerCounts> {
        Arc::clone(&self.common.counts)
    }

    fn run(&self, connection: Connection<Channel>) -> impl Future<Output = Result> + Send + use<C> {
        let common = Arc::clone(&self.common);
        let (factory, counts) = (Arc::clone(&self.factory), Arc::clone(&common.counts));
        let start = async move {
            let consumer = factory(connection.scope())?;
            let session = ChannelSession::new(consumer, connection, counts);
            Ok(Some(session))
        };
        drive(Box::pin(start), common)
    }
}

impl<C: ChannelConsumer> Application<Channel> for ChannelApplication<C> {
    fn call(&self, connection: Connection<Channel>) -> impl Future<Output = Result> + Send {
        self.run(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<Channel>) -> BoxFuture<Result> {
        Box::pin(self.run(connection))
    }
}

impl<C> Clone for ChannelApplication<C> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            common: Arc::clone(&self.common),
        }
    }
}

impl<C> fmt::Debug for ChannelApplication<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelApplication<{}>", type_name::<C>())
    }
}
