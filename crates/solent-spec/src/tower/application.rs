//! A service as an application.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use tower_service::Service;

use super::request_body::detach;
use crate::{Application, Body, BoxError, Connection, Http, Result, SendError, http::HttpScope};

/// An HTTP application made of a `tower` service, such as an axum `Router`.
///
/// The request's extensions hold what middleware inserted for the connection; what lifespan startup left is there as
/// one `Arc<Extensions>`.
///
/// A server's [`Draining`](crate::Draining) is there as well: a long poll or a stream waits for it
/// beside its work, and ends. axum takes it as `Extension<Draining>`.
///
/// The service's future is dropped when the client leaves before there is a response, as servers of services do it.
#[derive(Clone)]
pub struct ServiceApplication<S>(S);

impl<S> ServiceApplication<S> {
    /// Wraps `service`. It is cloned for each request.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Application<Http> for ServiceApplication<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn call(&self, connection: Connection<Http>) -> impl Future<Output = Result> + Send {
        serve(self.0.clone(), connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<Http>) -> crate::BoxFuture<Result> {
        Box::pin(serve(self.0.clone(), connection))
    }
}

async fn serve<S, B>(mut service: S, connection: Connection<Http>) -> Result
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>>,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (scope, body, mut respond) = detach(connection);
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(Into::into)?;
    let mut response = pin!(service.call(into_request(scope, body)));
    let response = poll_fn(|cx| match response.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(response.map_err(Into::into)),
        Poll::Pending => {
            ready!(respond.poll_gone(cx));
            Poll::Ready(Err(SendError::Closed.into()))
        }
    });
    let response = response.await?;
    respond.send(response.map(Body::stream)).await?;
    Ok(())
}

fn into_request(scope: HttpScope, body: Body) -> Request<Body> {
    let (mut parts, mut link) = scope.into_parts();
    let own: &mut Extensions = link.extensions_mut();
    if !own.is_empty() {
        parts.extensions.extend(std::mem::take(own));
    }
    let draining = link.draining();
    if !draining.is_never() {
        parts.extensions.insert(draining);
    }
    if let Some(shared) = link.shared() {
        parts.extensions.insert(Arc::clone(shared));
    }
    Request::from_parts(parts, body)
}

impl<S> fmt::Debug for ServiceApplication<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceApplication").finish_non_exhaustive()
    }
}
