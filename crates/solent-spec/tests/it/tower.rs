use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use axum::{Router, extract::Extension, http::HeaderMap, routing::any};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use solent_spec::{
    AppError, Application, Body, BoxApplication, BoxError, BoxFuture, ClosedSignal, Connection,
    Draining, Http, Link, RequestScope, Result, SendError, Transport,
    http::{Exchange, Host, HttpScope, Inbound, Outbound},
    request::{Caller, Feature, Listener},
    tower::{ApplicationService, ServiceApplication},
};
use tower_service::Service;

#[derive(Default)]
struct TestHost {
    rest: Mutex<Vec<BoxFuture<Result>>>,
    failures: Mutex<Vec<String>>,
}

impl Host for TestHost {
    fn finish(&self, _: Caller, rest: BoxFuture<Result>) {
        self.rest.lock().unwrap().push(rest);
    }

    fn failed(&self, _: &Caller, error: AppError) {
        self.failures.lock().unwrap().push(error.to_string());
    }
}

/// A transport that gives no way round its events, as one that a middleware wraps.
struct Wrapped(Box<dyn Transport<Http>>);

impl Transport<Http> for Wrapped {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.0.poll_receive(cx)
    }

    fn start_send(&mut self, event: Outbound) -> Result<(), SendError> {
        self.0.start_send(event)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.poll_flush(cx)
    }
}

fn wrapped(application: impl Application<Http>) -> impl Application<Http> {
    let application = BoxApplication::new(application);
    move |connection: Connection<Http>| application.call(connection.map_transport(Wrapped))
}

/// Both ways in which a service can be run.
fn both<S>(service: S) -> [BoxApplication<Http>; 2]
where
    ServiceApplication<S>: Application<Http> + Clone,
{
    let application = ServiceApplication::new(service);
    let around = wrapped(application.clone());
    [
        BoxApplication::new(application),
        BoxApplication::new(around),
    ]
}

fn link() -> Link {
    Link::new(None, Arc::new(Listener::new(None, vec![Feature::Trailers])))
}

/// Sends a request through an application and collects the response.
async fn fetch(
    application: &BoxApplication<Http>,
    request: Request<Body>,
    link: Link,
) -> (StatusCode, Option<HeaderMap>, String) {
    let (parts, body) = request.into_parts();
    let scope = HttpScope::new(parts, link).unwrap();
    let host = Arc::new(TestHost::default());
    let response = Exchange::start(application, scope, body, host).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned();
    let text = String::from_utf8(body.to_bytes().into()).unwrap();
    (status, trailers, text)
}

/// A body of several pieces and trailers.
fn pieces() -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("1"));
    let frames = vec![
        Frame::data(Bytes::from_static(b"one ")),
        Frame::data(Bytes::from_static(b"two")),
        Frame::trailers(trailers),
    ];
    Body::stream(Frames(frames.into()))
}

struct Frames(std::collections::VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[tokio::test]
async fn axum_router_is_an_application() {
    let router = Router::new()
        .route("/hello", any(|| async { "hello from axum" }))
        .route("/echo", any(|body: String| async move { body }));

    for application in both(router) {
        let hello = Request::get("/hello").body(Body::empty()).unwrap();
        let echo = Request::post("/echo").body(pieces()).unwrap();
        let missing = Request::get("/missing").body(Body::empty()).unwrap();

        assert_eq!(
            fetch(&application, hello, link()).await.2,
            "hello from axum"
        );
        assert_eq!(fetch(&application, echo, link()).await.2, "one two");
        assert_eq!(
            fetch(&application, missing, link()).await.0,
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test]
async fn body_and_trailers_pass_a_service_unchanged_both_ways() {
    #[derive(Clone)]
    struct Reflect;

    impl Service<Request<Body>> for Reflect {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            std::future::ready(Ok(Response::new(request.into_body())))
        }
    }
    for application in both(Reflect) {
        let request = Request::post("/").body(pieces()).unwrap();

        let (_, trailers, text) = fetch(&application, request, link()).await;

        assert_eq!(text, "one two");
        assert_eq!(trailers.expect("trailers")["checksum"], "1");
    }
}

#[tokio::test]
async fn state_of_the_scope_is_in_the_requests_extensions() {
    #[derive(Clone)]
    struct Tenant(&'static str);

    let router = Router::new().route(
        "/",
        any(
            |Extension(tenant): Extension<Tenant>,
             Extension(shared): Extension<Arc<http::Extensions>>| async move {
                format!("{} {}", tenant.0, shared.get::<u8>().unwrap())
            },
        ),
    );
    for application in both(router) {
        let mut shared = http::Extensions::new();
        shared.insert(7_u8);
        let mut link = link().with_shared(Some(Arc::new(shared)));
        link.insert(Tenant("acme"));
        let request = Request::get("/").body(Body::empty()).unwrap();

        assert_eq!(fetch(&application, request, link).await.2, "acme 7");
    }
}

#[tokio::test]
async fn mounted_service_finds_the_drain_in_its_requests_extensions() {
    let signal = ClosedSignal::default();
    let router = Router::new().route(
        "/",
        any(|Extension(draining): Extension<Draining>| async move {
            draining.is_draining().to_string()
        }),
    );
    for drains in ["false", "true"] {
        for application in both(router.clone()) {
            let listener = Listener::new(None, Vec::new()).draining(signal.draining());
            let link = Link::new(None, Arc::new(listener));
            let request = Request::get("/").body(Body::empty()).unwrap();

            assert_eq!(fetch(&application, request, link).await.2, drains);
        }
        signal.close();
    }
}

#[tokio::test(start_paused = true)]
async fn handler_is_dropped_when_its_client_leaves() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let router = Router::new().route(
        "/",
        any(move || {
            let _guard = Dropped(Arc::clone(&flag));
            async move {
                let _guard = _guard;
                std::future::pending::<()>().await;
            }
        }),
    );
    let application = BoxApplication::new(ServiceApplication::new(router));
    let (parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let scope = HttpScope::new(parts, link()).unwrap();
    let host = Arc::new(TestHost::default());
    let exchange = Exchange::start(&application, scope, Body::empty(), host.clone());
    let left = tokio::time::timeout(std::time::Duration::from_secs(1), exchange).await;
    assert!(left.is_err(), "the handler never answers");

    let rest = host.rest.lock().unwrap().pop().expect("the rest");
    let ended = tokio::time::timeout(std::time::Duration::from_secs(1), rest).await;

    let error = ended.expect("the rest ends").unwrap_err();
    assert!(solent_spec::is_disconnect(&*error));
    assert!(dropped.load(SeqCst));
}

#[tokio::test]
async fn error_of_a_service_is_a_500() {
    #[derive(Clone)]
    struct Broken;

    impl Service<Request<Body>> for Broken {
        type Response = Response<Body>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Response<Body>>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result> {
            Poll::Ready(Err("overloaded".into()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    for application in both(Broken) {
        let request = Request::get("/").body(Body::empty()).unwrap();

        let (status, _, _) = fetch(&application, request, link()).await;

        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

/// What an application sees of its request.
async fn mirror(mut connection: Connection<Http>) -> Result {
    let mut body = Vec::new();
    while let Some(Inbound::Body { data, more }) = connection.receive().await {
        body.extend_from_slice(&data);
        if !more {
            break;
        }
    }
    let scope = connection.scope();
    let text = format!(
        "{} {} {:?} {}",
        scope.path(),
        String::from_utf8_lossy(&body),
        scope.state::<&str>(),
        scope.link().offers(Feature::Trailers)
    );
    Ok(connection.send(Outbound::text(text)).await?)
}

fn service(application: impl Application<Http>) -> (ApplicationService, Arc<TestHost>) {
    let host = Arc::new(TestHost::default());
    (ApplicationService::new(application, host.clone()), host)
}

async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().into()).unwrap()
}

#[tokio::test]
async fn application_is_a_service() {
    let (mut service, _) = service(mirror);
    let mut request = Request::post("/a%20b").body(Full::from("hello")).unwrap();
    request.extensions_mut().insert("state");

    let response = service.call(request).await.unwrap();

    assert_eq!(text(response).await, r#"/a b hello Some("state") true"#);
}

#[tokio::test]
async fn link_of_a_request_becomes_the_scopes() {
    let (mut service, _) = service(|mut connection: Connection<Http>| async move {
        let link = connection.scope().link();
        let text = format!("{:?} {}", link.client(), link.root_path());
        Ok(connection.send(Outbound::text(text)).await?)
    });
    let listener = Listener::new(None, Vec::new()).root_path("/base");
    let link = Link::new(Some(([127, 0, 0, 1], 9).into()), Arc::new(listener));
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(link);

    let response = service.call(request).await.unwrap();

    assert_eq!(text(response).await, "Some(127.0.0.1:9) /base");
}

#[tokio::test]
async fn application_is_mounted_inside_an_axum_router() {
    let (service, host) = service(mirror);
    let mut router = Router::new()
        .route("/own", any(|| async { "axum's own" }))
        .route_service("/solent/{*rest}", service);
    let mut call = async |path: &str| {
        let request = Request::get(path)
            .body(axum::body::Body::from("x"))
            .unwrap();
        text(Service::call(&mut router, request).await.unwrap()).await
    };

    assert_eq!(call("/own").await, "axum's own");
    assert_eq!(call("/solent/x").await, "/solent/x x None true");
    assert!(host.failures.lock().unwrap().is_empty());
}

#[tokio::test]
async fn path_that_is_no_text_is_a_bad_request() {
    let (mut service, _) = service(mirror);
    let request = Request::get("/%FF").body(Body::empty()).unwrap();

    let response = service.call(request).await.unwrap();

    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn body_of_a_service_that_breaks_off_is_a_disconnect() {
    let (mut service, _) = service(|mut connection: Connection<Http>| async move {
        assert!(matches!(
            connection.receive().await,
            Some(Inbound::Body { more: true, .. })
        ));
        let text = format!("{:?}", connection.receive().await);
        Ok(connection.send(Outbound::text(text)).await?)
    });
    let frames: Vec<Result<Frame<Bytes>, BoxError>> = vec![
        Ok(Frame::data(Bytes::from_static(b"x"))),
        Err("reset".into()),
    ];
    let body = StreamBody::new(Iter(frames.into_iter()));

    let response = service
        .call(Request::post("/").body(body).unwrap())
        .await
        .unwrap();

    assert_eq!(text(response).await, "Some(Disconnect)");
}

/// A stream of what an iterator gives.
struct Iter<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}
