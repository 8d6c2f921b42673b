//! One exchange: an application on one side, a request and its response as futures and bodies on the other.
//!
//! This is how an application of events runs inside a server of requests and responses. The application's future is
//! polled by the response's future and then by the response's body, in the task that already serves the connection: a
//! simple response spawns no task and wakes none.

mod body;
mod future;
mod slot;
mod transport;

use std::{
    any::Any,
    future::ready,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;

pub use self::{body::ExchangeBody, future::ExchangeFuture};
use self::{slot::Slot, transport::ExchangeTransport};
use crate::{
    AppError, Body, BoxApplication, BoxFuture, Connection, Http, Result,
    http::HttpScope,
    request::{Caller, Feature},
};

/// What an exchange needs of the server or adapter that runs it.
pub trait Host: Send + Sync + 'static {
    /// Runs the rest of an application whose exchange is over: the client left, or the response is complete. The
    /// application has been told, or is told at its next receive. `caller` is for the log, should it fail.
    fn finish(&self, caller: Caller, rest: BoxFuture<Result>);

    /// Notes that an application failed: it returned an error that is no disconnect, panicked, or did not complete its
    /// response. The client has been or will be answered with 500 or an aborted response.
    fn failed(&self, caller: &Caller, error: AppError);

    /// Notes that an application ended with an error that is the client's fault, before it began a
    /// response. The client is answered with `status`.
    fn refused(&self, caller: &Caller, status: StatusCode, error: AppError) {
        let _ = (caller, status, error);
    }

    /// Whether an extension's events can be carried out.
    fn offers(&self, feature: Feature) -> bool {
        matches!(feature, Feature::Trailers)
    }

    /// A file, or a part of one, as a body; `None` if the host has no way to read files. Its first
    /// poll opens the file, and then its size hint tells what is left of it.
    fn file(&self, file: FilePart) -> Option<Body> {
        let _ = file;
        None
    }
}

/// A file, or a part of one, to be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum FilePart {
    /// The whole file at an absolute path.
    Path(std::path::PathBuf),
    /// A part of an open file.
    Open {
        /// The file.
        file: std::fs::File,
        /// Where the part begins; the file's position if absent.
        offset: Option<u64>,
        /// The part's length; to the end of the file if absent.
        count: Option<u64>,
    },
}

/// Starts exchanges.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange;

impl Exchange {
    /// Calls `application` with a request.
    ///
    /// The future yields the response as soon as the application has completed it or waits for something else, and
    /// never fails: what goes wrong becomes a response with status 500.
    pub fn start(
        application: &BoxApplication<Http>,
        scope: HttpScope,
        body: Body,
        host: Arc<dyn Host>,
    ) -> ExchangeFuture {
        let slot = Arc::new(Slot::new(Caller::of_http(&scope)));
        let transport = ExchangeTransport::new(Arc::clone(&slot), body, Arc::clone(&host));
        let connection = Connection::new(scope, transport);
        // What an application does before its future is made can panic as well.
        let running = catch_unwind(AssertUnwindSafe(|| application.call(connection)))
            .unwrap_or_else(|payload| Box::pin(ready(Err(panicked(&*payload)))));
        ExchangeFuture::new(running, slot, host)
    }
}

/// An application that is still running.
type Running = BoxFuture<Result>;

/// Polls an application; a panic is an error like any other.
fn poll_application(running: &mut Running, cx: &mut Context<'_>) -> Poll<Result> {
    let caught = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
    caught.unwrap_or_else(|payload| Poll::Ready(Err(panicked(&*payload))))
}

fn panicked(payload: &(dyn Any + Send)) -> AppError {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match message {
        Some(message) => format!("application panicked: {message}").into(),
        None => "application panicked".into(),
    }
}

/// Bytes of a response body that may wait for the client before the application has to.
const MAX_QUEUED: usize = 64 * 1024;

/// What a response body is made of, piece by piece.
enum Piece {
    Data(Bytes),
    Trailers(http::HeaderMap),
    File(Body),
}
