//! The server's side, until the response begins.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Response, StatusCode};

use super::{ExchangeBody, Host, Piece, Running, Slot, poll_application};
use crate::{
    client_fault,
    http::{HttpOrder, plain_text},
    is_disconnect,
    request::Caller,
};

/// Resolves to the response of an application; see [`Exchange::start`](super::Exchange::start).
///
/// Dropping it tells the application that the client is gone; the host runs what is left of it.
#[must_use = "futures do nothing unless polled"]
pub struct ExchangeFuture {
    running: Option<Running>,
    slot: Arc<Slot>,
    host: Arc<dyn Host>,
}

impl ExchangeFuture {
    pub(super) fn new(running: Running, slot: Arc<Slot>, host: Arc<dyn Host>) -> Self {
        Self {
            running: Some(running),
            slot,
            host,
        }
    }

    /// Whose request it is, and which route it has taken.
    pub fn caller(&self) -> &Caller {
        &self.slot.caller
    }

    /// The response of an application that has ended.
    fn ended(&mut self, result: crate::Result) -> Response<ExchangeBody> {
        let mut state = self.slot.lock();
        let (incomplete, lost) = (!state.ended, state.lost);
        let unanswered = !state.order.is_started();
        let head = state.head.take();
        let mut pieces = std::mem::take(&mut state.pieces);
        state.end();
        drop(state);
        match result {
            Err(error) if unanswered && let Some(status) = client_fault(&*error) => {
                self.host.refused(&self.slot.caller, status, error);
                return plain_response(status);
            }
            Err(error) if !is_disconnect(&*error) => self.host.failed(&self.slot.caller, error),
            Ok(()) if incomplete && !lost => self.host.failed(
                &self.slot.caller,
                "application ended without completing its response".into(),
            ),
            _ => {}
        }
        // Nothing has reached the client yet, so that even half a response can still become a clear one.
        let Some(head) = head.filter(|_| !incomplete) else {
            let fault = lost.then_some(StatusCode::BAD_REQUEST);
            return fault.map_or_else(error_response, plain_response);
        };
        match (pieces.len(), pieces.pop_front()) {
            (0, _) => (*head).map(ExchangeBody::whole),
            (1, Some(Piece::Data(data))) => (*head).map(|_| ExchangeBody::whole(data.into())),
            (_, first) => {
                pieces.extend(first);
                pieces.rotate_right(1);
                (*head).map(|_| ExchangeBody::pieces(pieces))
            }
        }
    }

    /// The response of an application that goes on, if it has begun one.
    fn begun(&mut self, cx: &Context<'_>) -> Option<Response<ExchangeBody>> {
        let mut state = self.slot.lock();
        let Some(head) = state.head.take() else {
            state.wait_as_server(cx);
            return None;
        };
        let whole = state.order == HttpOrder::Done && state.pieces.is_empty();
        drop(state);
        let (slot, host) = (Arc::clone(&self.slot), Arc::clone(&self.host));
        let running = self.running.take();
        Some((*head).map(|body| ExchangeBody::driven(running, slot, host, whole.then_some(body))))
    }
}

impl Future for ExchangeFuture {
    type Output = Response<ExchangeBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.running else {
            return Poll::Ready(error_response());
        };
        match poll_application(running, cx) {
            Poll::Ready(result) => {
                self.running = None;
                Poll::Ready(self.ended(result))
            }
            Poll::Pending => self.begun(cx).map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl Drop for ExchangeFuture {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.slot.lock().end();
            self.host.finish(self.slot.caller.clone(), running);
        }
    }
}

impl fmt::Debug for ExchangeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeFuture").finish_non_exhaustive()
    }
}

fn error_response() -> Response<ExchangeBody> {
    plain_response(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A response that says its status in words.
fn plain_response(status: StatusCode) -> Response<ExchangeBody> {
    let reason = status.canonical_reason().unwrap_or("Error");
    plain_text(status, format!("{reason}\n")).map(ExchangeBody::whole)
}
