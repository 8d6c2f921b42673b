//! An application as a service.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use crate::{
    Application, Body, BoxApplication, BoxError, Http,
    http::{Exchange, ExchangeBody, ExchangeFuture, Host, HttpScope},
    request::{Feature, Link, Listener},
};

/// A `tower` service made of an HTTP application, to be mounted in an axum app or any other one.
///
/// What is in the extensions of a request becomes the state of the scope. A [`Link`] among them becomes the scope's own;
/// otherwise neither the client's nor the server's address is known, and the features are those that the host offers.
#[derive(Clone)]
pub struct ApplicationService {
    application: BoxApplication<Http>,
    host: Arc<dyn Host>,
    listener: Arc<Listener>,
}

impl ApplicationService {
    /// Wraps `application`. `host` runs what is left of applications whose clients are gone.
    pub fn new(application: impl Application<Http>, host: Arc<dyn Host>) -> Self {
        let offered = Feature::ALL.iter().copied();
        let offered = offered.filter(|feature| host.offers(*feature)).collect();
        let listener = Arc::new(Listener::new(None, offered));
        Self {
            application: BoxApplication::new(application),
            host,
            listener,
        }
    }
}

impl<B> Service<Request<B>> for ApplicationService
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ExchangeBody>;
    type Error = Infallible;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ServiceFuture {
        let (mut parts, body) = request.into_parts();
        let link = parts.extensions.remove::<Link>();
        let mut link = link.unwrap_or_else(|| Link::new(None, Arc::clone(&self.listener)));
        if !parts.extensions.is_empty() {
            let state = mem::take(&mut parts.extensions);
            link.extensions_mut().extend(state);
        }
        ServiceFuture(HttpScope::new(parts, link).ok().map(|scope| {
            let body = if body.is_end_stream() {
                Body::empty()
            } else {
                Body::stream(body)
            };
            Exchange::start(&self.application, scope, body, Arc::clone(&self.host))
        }))
    }
}

impl fmt::Debug for ApplicationService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationService").finish_non_exhaustive()
    }
}

/// The response of an [`ApplicationService`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ServiceFuture(Option<ExchangeFuture>);

impl Future for ServiceFuture {
    type Output = Result<Response<ExchangeBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(exchange) => Pin::new(exchange).poll(cx).map(Ok),
            None => {
                let mut response = Response::new(ExchangeBody::default());
                *response.status_mut() = StatusCode::BAD_REQUEST;
                Poll::Ready(Ok(response))
            }
        }
    }
}
