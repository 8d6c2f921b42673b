//! By channel name.

use std::{collections::HashMap, fmt, future::Future, sync::Arc};

use solent_spec::{Application, BoxApplication, BoxFuture, Channel, Connection, Result};

/// Calls the application for the channel that a worker listens on.
#[derive(Default)]
pub struct ChannelRouter {
    applications: HashMap<String, BoxApplication<Channel>>,
}

/// A worker listens on a channel that no application is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no application for channel {0:?}, add one to the channel router or do not listen on it")]
pub struct NoApplication(String);

impl ChannelRouter {
    /// No application for any channel.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the application for a channel.
    #[must_use]
    pub fn channel(
        mut self,
        name: impl Into<String>,
        application: impl Application<Channel>,
    ) -> Self {
        self.applications
            .insert(name.into(), BoxApplication::new(application));
        self
    }

    /// The names of all channels, for a worker to listen on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.applications.keys().map(String::as_str)
    }

    /// The application for a channel.
    pub fn get(&self, name: &str) -> Option<&BoxApplication<Channel>> {
        self.applications.get(name)
    }

    fn dispatch(&self, connection: Connection<Channel>) -> BoxFuture<Result> {
        let name = &connection.scope().channel;
        match self.applications.get(name) {
            Some(application) => application.call(connection),
            None => {
                let error = NoApplication(name.clone());
                Box::pin(async move { Err(error.into()) })
            }
        }
    }
}

impl Application<Channel> for ChannelRouter {
    fn call(&self, connection: Connection<Channel>) -> impl Future<Output = Result> + Send {
        self.dispatch(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<Channel>) -> BoxFuture<Result> {
        self.dispatch(connection)
    }
}

impl fmt::Debug for ChannelRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
