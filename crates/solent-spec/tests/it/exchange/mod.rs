// What becomes of an application that fails.
mod failure;
// Who waits for whom when a body is large, and what happens when the client leaves.
mod flow;
// The pieces of a request.
mod request;
// The pieces of a response.
mod response;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame};
use solent_spec::{
    AppError, Application, Body, BoxApplication, BoxError, BoxFuture, Http, Result,
    http::{Exchange, ExchangeBody, ExchangeFuture, FilePart, Host, HttpScope},
    request::{Caller, Feature, Link, Listener},
};

/// A host that keeps what it is given.
#[derive(Default)]
struct TestHost {
    rest: Mutex<Vec<BoxFuture<Result>>>,
    failures: Mutex<Vec<String>>,
    features: Vec<Feature>,
    /// Opens files; their bodies are what was asked for, in words.
    files: bool,
}

impl TestHost {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn offering(features: &[Feature], files: bool) -> Arc<Self> {
        Arc::new(Self {
            features: features.to_vec(),
            files,
            ..Self::default()
        })
    }

    /// Polls the rests of applications once; how many of them have ended, and how many go on.
    fn run_rest(&self) -> (usize, usize) {
        let mut rest = self.rest.lock().unwrap();
        let before = rest.len();
        rest.retain_mut(|rest| poll(rest).is_pending());
        (before - rest.len(), rest.len())
    }

    fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }
}

impl Host for TestHost {
    fn finish(&self, _: Caller, rest: BoxFuture<Result>) {
        self.rest.lock().unwrap().push(rest);
    }

    fn failed(&self, _: &Caller, error: AppError) {
        self.failures.lock().unwrap().push(error.to_string());
    }

    fn offers(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    fn file(&self, file: FilePart) -> Option<Body> {
        let words = match file {
            FilePart::Path(path) => path.display().to_string(),
            FilePart::Open { offset, count, .. } => format!("[{offset:?} {count:?}]"),
            _ => return None,
        };
        self.files.then(|| words.into())
    }
}

fn start(application: impl Application<Http>, body: Body, host: &Arc<TestHost>) -> ExchangeFuture {
    let (parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let listener = Arc::new(Listener::new(None, host.features.clone()));
    let scope = HttpScope::new(parts, Link::new(None, listener)).unwrap();
    let host = Arc::clone(host) as Arc<dyn Host>;
    Exchange::start(&BoxApplication::new(application), scope, body, host)
}

/// The response of an application that needs to be polled but once.
fn answer(application: impl Application<Http>, host: &Arc<TestHost>) -> Response<ExchangeBody> {
    ready(&mut start(application, Body::empty(), host))
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn ready<F: Future + Unpin>(future: &mut F) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it was to be ready"),
    }
}

/// What a body gave when it was polled.
#[derive(Debug, PartialEq)]
enum Piece {
    Data(Bytes),
    Trailers(Vec<String>),
    Error(String),
    End,
    Pending,
}

fn next(body: &mut (impl http_body::Body<Data = Bytes, Error = BoxError> + Unpin)) -> Piece {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Pending => Piece::Pending,
        Poll::Ready(None) => Piece::End,
        Poll::Ready(Some(Err(error))) => Piece::Error(error.to_string()),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => Piece::Data(data),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap();
                Piece::Trailers(trailers.keys().map(ToString::to_string).collect())
            }
        },
    }
}

fn data(data: &'static str) -> Piece {
    Piece::Data(Bytes::from_static(data.as_bytes()))
}

/// The text of a body that is all there.
fn text(mut body: ExchangeBody) -> String {
    let mut text = Vec::new();
    loop {
        match next(&mut body) {
            Piece::Data(data) => text.extend_from_slice(&data),
            Piece::End => return String::from_utf8(text).unwrap(),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&text)),
        }
    }
}

/// Something an application waits for, without a waker: the tests poll by themselves.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, SeqCst);
    }

    async fn pass(&self) {
        std::future::poll_fn(|_| match self.0.load(SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// Counts.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

/// A body that gives what is pushed into it, for requests that take their time.
#[derive(Clone, Default)]
struct Pushed(Arc<Mutex<Vec<Pushable>>>, Gate);

type Pushable = Result<Frame<Bytes>, BoxError>;

impl Pushed {
    fn data(&self, data: &'static str) {
        let data = Bytes::from_static(data.as_bytes());
        self.0.lock().unwrap().push(Ok(Frame::data(data)));
    }

    fn trailers(&self) {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", http::HeaderValue::from_static("1"));
        self.0.lock().unwrap().push(Ok(Frame::trailers(trailers)));
    }

    fn fail(&self) {
        self.0.lock().unwrap().push(Err("reset".into()));
    }

    fn end(&self) {
        self.1.open();
    }

    fn body(&self) -> Body {
        Body::stream(self.clone())
    }
}

impl http_body::Body for Pushed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut frames = self.0.lock().unwrap();
        if !frames.is_empty() {
            return Poll::Ready(Some(frames.remove(0)));
        }
        match self.1.0.load(SeqCst) {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }
}

fn exact(body: &ExchangeBody) -> Option<u64> {
    body.size_hint().exact()
}
