//! The steady life of a WebSocket.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use solent_spec::{
    BoxFuture, Result, client_fault_close, is_disconnect,
    request::Caller,
    websocket::{Close, CloseCode},
};

use super::{outbox::Outbox, upgrade::Upgrade};
use crate::{failure, server::Live};

/// Runs an application whose handshake has been answered, and completes the closing handshake after it. Small: it is what
/// a socket costs its runtime for hours.
pub(super) struct WebSocketTask {
    stage: Stage,
    /// Until the socket is there.
    upgrade: Option<Box<Upgrade>>,
    outbox: Arc<Outbox>,
    /// For the log, should the application fail.
    caller: Arc<Caller>,
    _live: Live,
}

enum Stage {
    Running(BoxFuture<Result>),
    Closing(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl WebSocketTask {
    /// `upgrade` is there if the handshake was accepted.
    pub(super) fn spawn(
        running: BoxFuture<Result>,
        outbox: Arc<Outbox>,
        upgrade: Option<Box<Upgrade>>,
        caller: Arc<Caller>,
    ) {
        let core = Arc::clone(outbox.core());
        let task = Self {
            stage: Stage::Running(running),
            upgrade,
            outbox: Arc::clone(&outbox),
            caller,
            _live: core.live(),
        };
        outbox.run_by(core.spawn(task).abort_handle());
    }

    fn ended(&mut self, result: Result) -> Stage {
        let close = match result {
            Ok(()) => CloseCode::NORMAL.into(),
            Err(error) if is_disconnect(&*error) => CloseCode::NORMAL.into(),
            Err(error) => client_fault_close(&*error).unwrap_or_else(|| {
                failure::tell("websocket", &self.caller, &error);
                CloseCode::INTERNAL_ERROR.into()
            }),
        };
        // Refused where the closing handshake has begun already.
        let _ = self.outbox.close(&close);
        Stage::Closing(Box::pin(complete_close(
            Arc::clone(&self.outbox),
            self.upgrade.take(),
        )))
    }
}

impl Future for WebSocketTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.upgrade
            .take_if(|upgrade| upgrade.poll_attach(&this.outbox, cx).is_ready());
        loop {
            match &mut self.stage {
                Stage::Running(running) => {
                    let caught = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
                    let polled = caught
                        .unwrap_or_else(|payload| Poll::Ready(Err(failure::panicked(&*payload))));
                    let Poll::Ready(result) = polled else {
                        self.outbox.read_ahead(cx);
                        return Poll::Pending;
                    };
                    let next = self.ended(result);
                    self.stage = next;
                }
                Stage::Closing(closing) => return closing.as_mut().poll(cx),
            }
        }
    }
}

impl Drop for WebSocketTask {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Running(_)) && self.outbox.core().is_draining() {
            failure::tell_given_up("websocket", &self.caller);
        }
    }
}

/// Waits for the peer's close frame, or for the sweep to give up on it.
async fn complete_close(outbox: Arc<Outbox>, upgrade: Option<Box<Upgrade>>) {
    if let Some(mut upgrade) = upgrade {
        poll_fn(|cx| upgrade.poll_attach(&outbox, cx)).await;
    }
    poll_fn(|cx| outbox.input().poll_close(&outbox, cx)).await;
    outbox.end(None::<&Close>);
}
