//! From a request to its application.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use solent_spec::{
    Body, BoxError,
    http::{Exchange, ExchangeBody, ExchangeFuture, HttpScope},
    is_disconnect,
    request::{ConnectionId, Link, Listener},
};

use super::{
    ResponseBody,
    body::RequestBody,
    check::check,
    error_response,
    outgoing::{Asked, Fault, Framing},
    respond::{closing, retry_response},
};
use crate::{
    connection::Watch,
    failure::panicked,
    server::Core,
    websocket::{Handshake, Outcome, Refusal, is_stripped, is_upgrade},
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
        if is_upgrade(&request) || is_stripped(&request) {
            // RFC 9110 §7.8: the body would have to be read before the protocol changes.
            if !request.body().is_end_stream() {
                return Answer::ready(closing(*Refusal::Body.answer(&self.core, &request)));
            }
            return match Handshake::start(&self.core, request, link) {
                Ok(handshake) => Answer::Handshake(Box::new(handshake)),
                Err(response) => Answer::ready(*response),
            };
        }
        let Some(application) = &self.core.applications.http else {
            return Answer::refusal(StatusCode::NOT_FOUND);
        };
        let (parts, incoming) = request.into_parts();
        let limit = self.core.config.http.body;
        let body = RequestBody::wrap(incoming, limit, self.client, &self.watch);
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
        self.watch.on_request(!request.body().is_end_stream());
        let asked = Asked::of(&request);
        let answer = self.answer(request);
        ResponseFuture {
            answer,
            asked: Some(asked),
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
    /// A response whose first piece has to be there before its head leaves.
    Beginning(Box<Response<ExchangeBody>>),
    /// A response that has to be without content, and whose body tells that only when it is polled.
    Emptying(Box<Response<ExchangeBody>>),
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
    /// Which request it is; there until the response is.
    asked: Option<Asked>,
    /// The `server` header of responses that have none of their own.
    server: Option<HeaderValue>,
    /// The connection's, until the response is there.
    watch: Option<Arc<Watch>>,
}

/// A response with what its head says of its body.
type Framed = (Response<ExchangeBody>, Framing);

impl ResponseFuture {
    /// Waits for the application's response, but not longer than its request and the server last.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Response<ExchangeBody>> {
        let polled = match &mut self.answer {
            Answer::Exchange(exchange) => Pin::new(exchange).poll(cx),
            Answer::Handshake(handshake) => Pin::new(&mut **handshake)
                .poll(cx)
                .map(|response: Response<Body>| response.map(ExchangeBody::from)),
            Answer::Ready(response) | Answer::Beginning(response) | Answer::Emptying(response) => {
                return Poll::Ready(mem::take(&mut **response));
            }
        };
        let Some(watch) = &self.watch else {
            return polled;
        };
        if let Some(status) = watch.body_fault() {
            return Poll::Ready(closing(to_broken_body(status, polled)));
        }
        if polled.is_pending() && watch.is_late() {
            let response = retry_response(StatusCode::SERVICE_UNAVAILABLE);
            return Poll::Ready(response.map(ExchangeBody::from));
        }
        polled
    }

    /// Waits for the response, and for the first piece of its body where the head depends on it.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Framed> {
        let mut response = match &mut self.answer {
            Answer::Beginning(response) => mem::take(&mut **response),
            _ => {
                let response = ready!(self.poll_answer(cx));
                self.note_route();
                response
            }
        };
        let body = response.body_mut();
        let caught = catch_unwind(AssertUnwindSafe(|| body.poll_first(cx)));
        let first = caught.unwrap_or_else(|payload| Poll::Ready(Err(panicked(&*payload))));
        match first {
            Poll::Pending => {
                self.answer = Answer::Beginning(Box::new(response));
                Poll::Pending
            }
            Poll::Ready(Ok(())) => {
                let caught = catch_unwind(AssertUnwindSafe(|| self.checked(response)));
                Poll::Ready(caught.unwrap_or_else(|payload| self.unbegun(panicked(&*payload))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(self.unbegun(error)),
        }
    }

    /// The response in place of one whose body cannot be had.
    fn unbegun(&self, error: BoxError) -> Framed {
        let broken = self.watch.as_ref().and_then(|watch| watch.body_fault());
        if let Some(status) = broken {
            let response = closing(to_broken_body(status, Poll::Pending));
            return (response, Framing::default());
        }
        match &self.asked {
            Some(asked) if !is_disconnect(&*error) => refused(asked, &Fault::Body(error)),
            _ => {
                let response = error_response(StatusCode::INTERNAL_SERVER_ERROR);
                (response.map(ExchangeBody::from), Framing::default())
            }
        }
    }

    /// Notes which route the request has taken, for what is logged of its response.
    fn note_route(&mut self) {
        let caller = match &self.answer {
            Answer::Exchange(exchange) => exchange.caller(),
            Answer::Handshake(handshake) => handshake.caller(),
            Answer::Ready(_) | Answer::Beginning(_) | Answer::Emptying(_) => return,
        };
        if let Some(asked) = &mut self.asked {
            asked.took(caller);
        }
    }

    /// Makes a response what may be sent, or another one of it.
    fn checked(&mut self, mut response: Response<ExchangeBody>) -> Framed {
        let Some(asked) = &self.asked else {
            return (response, Framing::default());
        };
        if let Answer::Handshake(handshake) = &mut self.answer {
            match handshake.take_outcome() {
                Outcome::Accepted => return (response, Framing::default()),
                Outcome::Faulty(fault) => return refused(asked, &fault),
                Outcome::Refused => asked.handshake_refused(response.status()),
            }
        }
        match asked.check(&mut response) {
            Ok(framing) => (response, framing),
            Err(fault) => refused(asked, &fault),
        }
    }

    /// Waits until a body turns out to be empty, or not.
    fn poll_empty(&mut self, cx: &mut Context<'_>) -> Poll<Framed> {
        let Answer::Emptying(response) = &mut self.answer else {
            return Poll::Ready(Framed::default());
        };
        loop {
            let body = Pin::new(response.body_mut());
            let frame = ready!(http_body::Body::poll_frame(body, cx));
            let actual = match frame {
                None => break,
                // The application's failure has been logged where it happened.
                Some(Err(_)) => {
                    let response = error_response(StatusCode::INTERNAL_SERVER_ERROR);
                    return Poll::Ready((response.map(ExchangeBody::from), Framing::default()));
                }
                Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            };
            if actual > 0
                && let Some(asked) = &self.asked
            {
                let status = response.status().as_u16();
                return Poll::Ready(refused(asked, &Fault::NoContent { status, actual }));
            }
        }
        let mut response = mem::take(&mut **response);
        *response.body_mut() = ExchangeBody::default();
        Poll::Ready((response, Framing::default()))
    }

    fn finish(&mut self, (mut response, mut framing): Framed) -> Option<Response<ResponseBody>> {
        let asked = self.asked.take()?;
        if !framing.open && framing.length.is_none() {
            // One of the server's own.
            framing.length = http_body::Body::size_hint(response.body()).exact();
        }
        if let Some(server) = self.server.take() {
            response
                .headers_mut()
                .entry(header::SERVER)
                .or_insert(server);
        }
        let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let watch = self.watch.take().filter(|_| !upgraded);
        Some(response.map(|body| ResponseBody::new(body, asked, framing, watch)))
    }
}

fn refused(asked: &Asked, fault: &Fault) -> Framed {
    let response = asked.refuse(fault).map(ExchangeBody::from);
    (response, Framing::default())
}

/// The response to a request whose body broke: the application's where it says so too, else one of the server's.
fn to_broken_body(
    status: StatusCode,
    polled: Poll<Response<ExchangeBody>>,
) -> Response<ExchangeBody> {
    match polled {
        Poll::Ready(response)
            if response.status() == status
                || (status == StatusCode::BAD_REQUEST && response.status().is_client_error()) =>
        {
            response
        }
        _ if [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status) =>
        {
            retry_response(status).map(ExchangeBody::from)
        }
        _ => error_response(status).map(ExchangeBody::from),
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let framed = if matches!(this.answer, Answer::Emptying(_)) {
            ready!(this.poll_empty(cx))
        } else {
            match ready!(this.poll_begun(cx)) {
                (response, Framing { empty: true, .. }) => {
                    this.answer = Answer::Emptying(Box::new(response));
                    ready!(this.poll_empty(cx))
                }
                framed => framed,
            }
        };
        match this.finish(framed) {
            Some(response) => Poll::Ready(Ok(response)),
            // Polled after it has resolved, which hyper does not do.
            None => Poll::Pending,
        }
    }
}
