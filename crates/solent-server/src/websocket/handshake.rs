//! From a request to an answer.

use std::{
    future::{Future, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use parking_lot::Mutex;
use solent_spec::{
    Body, BoxFuture, Connection, Result, client_fault, is_disconnect,
    request::{Caller, Link},
    websocket::{Accept, Outbound, WebSocketScope, WireVariant},
};

use super::{
    engine::{Agreed, Deflater, negotiate},
    key::accept_key,
    outbox::Outbox,
    task::WebSocketTask,
    transport::WebSocketTransport,
    upgrade::Upgrade,
};
use crate::{
    failure,
    http::{Fault, check_accept, error_response},
    server::Core,
};

/// A handshake that waits for its application. Resolves to the response.
///
/// The application runs here until it has answered, and on a task of its own from then on.
pub(crate) struct Handshake {
    running: Option<BoxFuture<Result>>,
    outbox: Arc<Outbox>,
    caller: Arc<Caller>,
    verdict: Arc<Verdict>,
    accept_key: HeaderValue,
    agreed: Option<Agreed>,
    /// What became of it, once there is a response.
    outcome: Outcome,
    /// The socket, once hyper is done with it.
    upgrade: Option<OnUpgrade>,
}

/// What became of a handshake.
#[derive(Debug, Default)]
pub(crate) enum Outcome {
    #[default]
    Refused,
    Accepted,
    /// The application accepted it in a way that HTTP does not allow.
    Faulty(Fault),
}

/// What the application answers, on its way from its transport to the response.
#[derive(Default)]
pub(super) struct Verdict(Mutex<VerdictState>);

#[derive(Default)]
struct VerdictState {
    answer: Option<Outbound>,
    /// The client left before there was an answer.
    gone: bool,
    /// Wakes the handshake.
    server: Option<Waker>,
    /// Wakes the application.
    application: Option<Waker>,
}

impl Verdict {
    pub(super) fn give(&self, answer: Outbound) {
        let mut state = self.0.lock();
        state.answer = Some(answer);
        if let Some(waker) = state.server.take() {
            waker.wake();
        }
    }

    /// Resolves when the client has left.
    pub(super) fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.gone {
            return Poll::Ready(());
        }
        state.application = Some(cx.waker().clone());
        Poll::Pending
    }

    fn take(&self, cx: &Context<'_>) -> Option<Outbound> {
        let mut state = self.0.lock();
        let answer = state.answer.take();
        if answer.is_none() {
            state.server = Some(cx.waker().clone());
        }
        answer
    }

    fn leave(&self) {
        let mut state = self.0.lock();
        state.gone = true;
        if let Some(waker) = state.application.take() {
            waker.wake();
        }
    }
}

impl Handshake {
    /// Calls the application for a request that asks for a WebSocket, or says why not.
    pub(crate) fn start(
        core: &Arc<Core>,
        mut request: Request<Incoming>,
        link: Link,
    ) -> std::result::Result<Self, Box<Response<Body>>> {
        let refusal = |status| Box::new(error_response(status));
        let accept_key = accept_key(&request).map_err(|refusal| refusal.answer(core, &request))?;
        let application = core
            .applications
            .websocket
            .as_ref()
            .ok_or_else(|| refusal(StatusCode::NOT_FOUND))?;
        if core.is_draining() {
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE));
        }
        let agreed = core.config.websocket.deflate.as_ref().and_then(|config| {
            let offers = request.headers().get_all(header::SEC_WEBSOCKET_EXTENSIONS);
            negotiate(
                offers.iter().filter_map(|offer| offer.to_str().ok()),
                config,
            )
        });
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let scope =
            WebSocketScope::new(&parts, link).map_err(|_| refusal(StatusCode::BAD_REQUEST))?;
        drop(parts);

        let (outbox, verdict) = (Outbox::new(core), Arc::new(Verdict::default()));
        let caller = Arc::new(Caller::of(&scope));
        let transport = transport(core, &outbox, &verdict, agreed.as_ref(), &scope, &caller);
        let connection = Connection::new(scope, transport);
        // What an application does before its future is made can panic as well.
        let running = catch_unwind(AssertUnwindSafe(|| application.call(connection)))
            .unwrap_or_else(|payload| Box::pin(ready(Err(failure::panicked(&*payload)))));
        Ok(Self {
            running: Some(running),
            outbox,
            caller,
            verdict,
            accept_key,
            agreed,
            outcome: Outcome::default(),
            upgrade: Some(upgrade),
        })
    }

    /// Whose handshake it is, and which route it has taken.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What became of the handshake, once it has resolved.
    pub(crate) fn take_outcome(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    /// Lets the application go on; its result if it ends.
    fn poll_application(&mut self, cx: &mut Context<'_>) -> Option<Result> {
        let running = self.running.as_mut()?;
        let caught = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
        let result =
            match caught.unwrap_or_else(|payload| Poll::Ready(Err(failure::panicked(&*payload)))) {
                Poll::Ready(result) => result,
                Poll::Pending => return None,
            };
        self.running = None;
        Some(result)
    }

    /// The response to what the application answered.
    fn answered(&mut self, answer: Outbound, ended: Option<Result>) -> Response<Body> {
        let running = self
            .running
            .take()
            .unwrap_or_else(|| Box::pin(ready(ended.unwrap_or(Ok(())))));
        let fault = match &answer {
            Outbound::Accept(accept) => check_accept(accept).err(),
            _ => None,
        };
        let accepted = matches!(answer, Outbound::Accept(_)) && fault.is_none();
        // The response would say that the connection closes, and some clients take that for a handshake that failed.
        let too_late = accepted && self.outbox.core().is_draining();
        if too_late || fault.is_some() {
            self.outbox.cut();
        }
        let upgrade = self.upgrade.take().filter(|_| accepted && !too_late);
        let upgrade = upgrade.map(|upgrade| Box::new(Upgrade::new(upgrade, self.agreed)));
        let (outbox, caller) = (Arc::clone(&self.outbox), Arc::clone(&self.caller));
        WebSocketTask::spawn(running, outbox, upgrade, caller);
        if let Some(fault) = fault {
            self.outcome = Outcome::Faulty(fault);
            return error_response(StatusCode::INTERNAL_SERVER_ERROR);
        }
        match answer {
            Outbound::Accept(_) if too_late => error_response(StatusCode::SERVICE_UNAVAILABLE),
            Outbound::Accept(accept) => {
                self.outcome = Outcome::Accepted;
                self.accepted(*accept)
            }
            Outbound::Respond(response) => *response,
            _ => error_response(StatusCode::FORBIDDEN),
        }
    }

    /// RFC 6455 §4.2.2.
    fn accepted(&self, accept: Accept) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = accept.headers;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept_key.clone());
        if let Some(subprotocol) = accept
            .subprotocol
            .and_then(|name| HeaderValue::try_from(name).ok())
        {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        if let Some(extension) = self
            .agreed
            .and_then(|agreed| HeaderValue::try_from(agreed.response()).ok())
        {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
        }
        response
    }

    /// The response where the application ended without an answer.
    fn unanswered(&self, result: Result) -> Response<Body> {
        match result {
            Err(error) if !is_disconnect(&*error) => {
                if let Some(status) = client_fault(&*error) {
                    failure::tell_refused(&self.caller, status, &error);
                    return error_response(status);
                }
                failure::tell("websocket", &self.caller, &error);
                error_response(StatusCode::INTERNAL_SERVER_ERROR)
            }
            _ => error_response(StatusCode::FORBIDDEN),
        }
    }
}

impl Future for Handshake {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = self.poll_application(cx);
        if let Some(answer) = self.verdict.take(cx) {
            return Poll::Ready(self.answered(answer, ended));
        }
        match ended {
            Some(result) => Poll::Ready(self.unanswered(result)),
            None => {
                let unanswered = self.outbox.poll_unanswered(cx);
                unanswered.map(|()| error_response(StatusCode::SERVICE_UNAVAILABLE))
            }
        }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.verdict.leave();
            self.outbox.client_gone();
            let (outbox, caller) = (Arc::clone(&self.outbox), Arc::clone(&self.caller));
            WebSocketTask::spawn(running, outbox, None, caller);
        }
    }
}

fn transport(
    core: &Arc<Core>,
    outbox: &Arc<Outbox>,
    verdict: &Arc<Verdict>,
    agreed: Option<&Agreed>,
    scope: &WebSocketScope,
    caller: &Arc<Caller>,
) -> WebSocketTransport {
    let deflater = match (agreed, &core.config.websocket.deflate) {
        (Some(agreed), Some(config)) => Some(Box::new(Deflater::new(agreed, config))),
        _ => None,
    };
    let variant = match agreed {
        Some(agreed) => WireVariant::Deflated {
            window_bits: agreed.server_max_window_bits,
        },
        None => WireVariant::Plain,
    };
    // A client for which the server keeps a context cannot share compressed frames with others.
    let variant = match &deflater {
        Some(deflater) if !deflater.is_shareable() => WireVariant::Plain,
        _ => variant,
    };
    WebSocketTransport::new(
        Arc::clone(outbox),
        Arc::clone(verdict),
        deflater,
        variant,
        scope.clone(),
        Arc::clone(caller),
    )
}
