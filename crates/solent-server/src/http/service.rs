//! From a request to its application.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use solent_spec::{
    Body,
    http::{Exchange, ExchangeBody, ExchangeFuture, HttpScope},
    request::{ConnectionId, Link, Listener},
};

use super::{ResponseBody, body::RequestBody, check::check, error_response};
use crate::{
    connection::Watch,
    server::Core,
    websocket::{Handshake, is_upgrade},
};

/// The service of one connection.
pub(crate) struct HttpService {
    core: Arc<Core>,
    listener: Arc<Listener>,
    client: Option<SocketAddr>,
    connection: ConnectionId,
    watch: Arc<Watch>,
}

impl HttpService {
    pub(crate) fn new(
        core: Arc<Core>,
        listener: Arc<Listener>,
        client: Option<SocketAddr>,
        watch: Arc<Watch>,
    ) -> Self {
        Self {
            core,
            listener,
            client,
            connection: ConnectionId::new(),
            watch,
        }
    }

    /// The number of the connection.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    fn answer(&self, request: Request<Incoming>) -> Answer {
        if let Err(status) = check(&request, &self.core.config.http) {
            return Answer::refusal(status);
        }
        let link =
            Link::new(self.client, Arc::clone(&self.listener)).with_shared(self.core.state());
        let link = link.with_connection(self.connection);
        if is_upgrade(&request) {
            return match Handshake::start(&self.core, request, link) {
                Ok(handshake) => Answer::Handshake(Box::new(handshake)),
                Err(response) => Answer::ready(*response),
            };
        }
        let Some(application) = &self.core.applications.http else {
            return Answer::refusal(StatusCode::NOT_FOUND);
        };
        let (parts, incoming) = request.into_parts();
        let body = RequestBody::wrap(incoming, self.core.config.http.body, &self.watch);
        match HttpScope::new(parts, link) {
            Ok(scope) => {
                Answer::Exchange(Exchange::start(application, scope, body, self.core.host()))
            }
            Err(_) => Answer::refusal(StatusCode::BAD_REQUEST),
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for HttpService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        self.watch.on_request();
        let answer = self.answer(request);
        ResponseFuture {
            answer,
            server: self.core.server_header.clone(),
            watch: Some(Arc::clone(&self.watch)),
        }
    }
}

/// What a request is answered with.
enum Answer {
    Exchange(ExchangeFuture),
    Handshake(Box<Handshake>),
    /// Boxed, because most futures are not of this kind.
    Ready(Box<Response<ExchangeBody>>),
}

impl Answer {
    fn refusal(status: StatusCode) -> Self {
        Self::ready(error_response(status))
    }

    fn ready(response: Response<Body>) -> Self {
        Self::Ready(Box::new(response.map(ExchangeBody::from)))
    }
}

/// The response to one request.
pub(crate) struct ResponseFuture {
    answer: Answer,
    /// The `server` header of responses that have none of their own.
    server: Option<HeaderValue>,
    /// The connection's, until the response is there.
    watch: Option<Arc<Watch>>,
}

impl ResponseFuture {
    fn finish(&mut self, mut response: Response<ExchangeBody>) -> Response<ResponseBody> {
        if let Some(server) = self.server.take() {
            response
                .headers_mut()
                .entry(header::SERVER)
                .or_insert(server);
        }
        let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let watch = self.watch.take().filter(|_| !upgraded);
        response.map(|body| ResponseBody::new(body, watch))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.answer {
            Answer::Exchange(exchange) => ready!(Pin::new(exchange).poll(cx)),
            Answer::Handshake(handshake) => {
                let response: Response<Body> = ready!(Pin::new(&mut **handshake).poll(cx));
                response.map(ExchangeBody::from)
            }
            Answer::Ready(response) => mem::take(&mut **response),
        };
        Poll::Ready(Ok(self.finish(response)))
    }
}
