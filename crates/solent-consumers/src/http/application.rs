//! The application that consumers are made by.

use std::{any::type_name, fmt, future::Future, sync::Arc, time::Duration};

use solent_spec::{Application, BoxFuture, Connection, Http, Result, http::HttpScope};

use super::{
    HttpConsumer, HttpContext,
    session::{HttpSession, KindOf},
};
use crate::{
    ConsumerCounts, fault,
    session::{Common, drive},
    who::Who,
};

type Factory<C> = Arc<dyn Fn(&HttpScope) -> Result<C> + Send + Sync>;

/// The application that handles each HTTP request with a consumer of its own. Cheap to clone.
pub struct HttpApplication<C> {
    factory: Factory<C>,
    common: Arc<Common>,
}

/// Makes an application of a factory of consumers, which is called once for each request.
///
/// A factory that fails with a [`Refusal`](crate::Refusal) answers with it, and with its status for something that the
/// client [is to blame for](crate::Refusal#what-a-client-is-to-blame-for); any other error is the application's (status 500).
pub fn http_consumer<C, F>(factory: F) -> HttpApplication<C>
where
    C: HttpConsumer,
    F: Fn(&HttpScope) -> Result<C> + Send + Sync + 'static,
{
    HttpApplication {
        factory: Arc::new(factory),
        common: Arc::default(),
    }
}

impl<C: HttpConsumer> HttpApplication<C> {
    /// Sets how long a `disconnect` may take whose request's task was dropped by the server. Default: 5 seconds.
    #[must_use]
    pub fn disconnect_deadline(mut self, deadline: Duration) -> Self {
        self.common = Arc::new(Common {
            disconnect_deadline: deadline,
            counts: Arc::clone(&self.common.counts),
        });
        self
    }

    /// What has happened to the application's requests so far.
    pub fn counts(&self) -> Arc<ConsumerCounts> {
        Arc::clone(&self.common.counts)
    }

    fn run(&self, connection: Connection<Http>) -> impl Future<Output = Result> + Send + use<C> {
        let common = Arc::clone(&self.common);
        let start = start(Arc::clone(&self.factory), Arc::clone(&common), connection);
        drive(Box::pin(start), common)
    }
}

async fn start<C: HttpConsumer>(
    factory: Factory<C>,
    common: Arc<Common>,
    mut connection: Connection<Http>,
) -> Result<Option<HttpSession<C>>> {
    match factory(connection.scope()) {
        Ok(consumer) => {
            let cx = HttpContext::new(connection, KindOf::<C>::KIND);
            Ok(Some(HttpSession::new(consumer, cx, common)))
        }
        Err(error) => {
            let response = fault::refusal(error, connection.scope(), || {
                Who::of(type_name::<C>(), connection.scope())
            })?
            .into_response();
            connection.send(response.into()).await?;
            Ok(None)
        }
    }
}

impl<C: HttpConsumer> Application<Http> for HttpApplication<C> {
    fn call(&self, connection: Connection<Http>) -> impl Future<Output = Result> + Send {
        self.run(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<Http>) -> BoxFuture<Result> {
        Box::pin(self.run(connection))
    }
}

impl<C> Clone for HttpApplication<C> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            common: Arc::clone(&self.common),
        }
    }
}

impl<C> fmt::Debug for HttpApplication<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpApplication<{}>", std::any::type_name::<C>())
    }
}
