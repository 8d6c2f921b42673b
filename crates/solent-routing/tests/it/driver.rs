use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::executor::block_on;
use http::{Response, StatusCode, request::Parts};
use solent_routing::{Router, RouterBuilder};
use solent_spec::{
    Application, Body, BoxApplication, Connection, Http, HttpProtocol, Middleware, RequestScope,
    Result, SendError, Transport, WebSocket,
    http::HttpScope,
    request::{Feature, Link, Listener},
    websocket::WebSocketScope,
};

/// What a request ended in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// The number of the application that was called, or the status of an answer that no application gave. 403 for a
    /// WebSocket that is closed before it is accepted.
    pub(crate) answer: u16,
    /// `name=value`
    pub(crate) params: Vec<String>,
    pub(crate) args: Vec<String>,
    /// What no router has matched of the path.
    pub(crate) rest: String,
    /// The patterns that were matched.
    pub(crate) pattern: String,
    /// How many [`Mark`]s were round the application.
    pub(crate) marks: u32,
}

/// An application that can be told from others by its number.
pub(crate) fn app<P: Driven>(number: u16) -> impl Application<P> {
    move |mut connection: Connection<P>| async move {
        let mut response = Response::new(Body::empty());
        response
            .extensions_mut()
            .insert(note(number, connection.scope()));
        connection.send(P::respond(response)).await?;
        Result::Ok(())
    }
}

fn note(number: u16, scope: &impl RequestScope) -> Seen {
    let route = scope.link().url_route().cloned().unwrap_or_default();
    Seen {
        answer: number,
        params: route
            .params()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        args: route.args().map(String::from).collect(),
        rest: scope.target().rest().to_owned(),
        pattern: route.pattern().to_owned(),
        marks: scope.state().copied().unwrap_or_default(),
    }
}

/// Counts itself for the applications inside.
pub(crate) struct Mark;

impl Middleware for Mark {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        BoxApplication::new(move |mut connection: Connection<P>| {
            let link = connection.scope_mut().link_mut();
            let marks: u32 = link.get().copied().unwrap_or_default();
            link.insert(marks + 1);
            inner.call(connection)
        })
    }
}

/// A protocol that requests can be sent through.
pub(crate) trait Driven: HttpProtocol {
    fn scope(request: Parts, link: Link) -> Self::Scope;

    /// The response in an event; none in the close of a WebSocket.
    fn response(event: Self::Outbound) -> Option<Response<Body>>;
}

impl Driven for Http {
    fn scope(request: Parts, link: Link) -> HttpScope {
        HttpScope::new(request, link).unwrap()
    }

    fn response(event: solent_spec::http::Outbound) -> Option<Response<Body>> {
        match event {
            solent_spec::http::Outbound::Response(response) => Some(*response),
            _ => None,
        }
    }
}

impl Driven for WebSocket {
    fn scope(request: Parts, link: Link) -> WebSocketScope {
        WebSocketScope::new(&request, link).unwrap()
    }

    fn response(event: solent_spec::websocket::Outbound) -> Option<Response<Body>> {
        match event {
            solent_spec::websocket::Outbound::Respond(response) => Some(*response),
            _ => None,
        }
    }
}

/// A client that keeps the answer.
struct Client(Arc<Mutex<Option<Seen>>>);

impl<P: Driven> Transport<P> for Client {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<P::Inbound>> {
        Poll::Ready(None)
    }

    fn start_send(&mut self, event: P::Outbound) -> Result<(), SendError> {
        let response = P::response(event);
        let status = response
            .as_ref()
            .map_or(StatusCode::FORBIDDEN, Response::status);
        let noted = response.and_then(|response| response.extensions().get().cloned());
        let seen = noted.unwrap_or_else(|| Seen {
            answer: status.as_u16(),
            ..Seen::default()
        });
        assert_eq!(self.0.lock().unwrap().replace(seen), None, "one answer");
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }
}

pub(crate) fn built<P: HttpProtocol>(builder: RouterBuilder<P>) -> Router<P> {
    builder.build().unwrap()
}

/// A router with one path pattern.
pub(crate) fn one(pattern: &str) -> Router<Http> {
    built(Router::builder().route(pattern, app(1)))
}

/// A router with one regular expression.
pub(crate) fn one_regex(pattern: &str) -> Router<Http> {
    built(Router::builder().route_regex(pattern, app(1)))
}

/// Sends a request for `path` to `application`.
pub(crate) fn get(application: &(impl Application<Http> + Clone), path: &str) -> Seen {
    get_under(application, "", path)
}

/// The same for an application that is mounted at `root_path`.
pub(crate) fn get_under(
    application: &(impl Application<Http> + Clone),
    root_path: &str,
    path: &str,
) -> Seen {
    request(
        application,
        Listener::new(None, Vec::new()).root_path(root_path),
        path,
    )
}

/// Sends a WebSocket handshake for `path` to `application`, at a server with some features.
pub(crate) fn connect(
    application: &(impl Application<WebSocket> + Clone),
    features: &[Feature],
    path: &str,
) -> Seen {
    request(application, Listener::new(None, features.to_vec()), path)
}

fn request<P: Driven>(
    application: &(impl Application<P> + Clone),
    listener: Listener,
    path: &str,
) -> Seen {
    let (parts, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    let scope = P::scope(parts, Link::new(None, listener.into()));
    let seen = Arc::new(Mutex::new(None));
    let connection = Connection::<P>::new(scope, Client(Arc::clone(&seen)));

    block_on(BoxApplication::new(application.clone()).call(connection)).unwrap();

    let seen = seen.lock().unwrap().take();
    seen.expect("an answer")
}
