//! One WebSocket and its consumer.

use std::{
    any::type_name,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use solent_layer::Gap;
use solent_spec::{
    AppError, Chain, Connection, Message, RequestScope, Result, SendError, WebSocket,
    is_disconnect,
    request::Feature,
    websocket::{Close, CloseCode, Frame, Inbound, Outbound, WebSocketScope},
};

use super::{FromFrame, WebSocketConsumer, WebSocketContext, context::Stage};
use crate::{
    Refusal,
    application::{Factory, Run},
    context::{Incoming, Kind},
    counts::Counted,
    event::Shared,
    fault,
    session::{Cancel, Common, Handling, Session, Turn, drive, poll_either},
    who::{Who, tell},
};

/// Events to look through for the reason of a broken connection: more than the messages that servers keep by default for a
/// handler that is busy.
const LAST_EVENTS: usize = 2048;

/// A consumer and what it acts through: all that there is of an idle connection, beside the future that polls it.
struct WebSocketSession<C: WebSocketConsumer> {
    consumer: C,
    cx: WebSocketContext<C::Event>,
    common: Arc<Common>,
    /// Why the connection is over, once it is.
    close: Option<Box<Close>>,
    phase: Phase,
    /// Whose turn it is to be asked first: the client, or everything else.
    turn: bool,
    /// Something was sent on without waiting for the client.
    unflushed: bool,
    /// Whether the last handler was called for a message of the client.
    of_message: bool,
    steps: Turn,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client's connect event has been received, and no handler called.
    New,
    Running,
    Over,
}

enum Step<E> {
    Connect,
    Frame(Frame),
    Event(Arc<Shared<E>>),
    Missed(Gap),
}

impl<C: WebSocketConsumer> Run<WebSocket> for C {
    fn run(
        factory: Factory<WebSocket, C>,
        common: Arc<Common>,
        connection: Connection<WebSocket>,
    ) -> impl Future<Output = Result> + Send {
        drive(
            Box::pin(start(factory, Arc::clone(&common), connection)),
            common,
        )
    }
}

/// Everything that happens before the first handler. What it needs is dropped when it is done.
async fn start<C: WebSocketConsumer>(
    factory: Factory<WebSocket, C>,
    common: Arc<Common>,
    mut connection: Connection<WebSocket>,
) -> Result<Option<WebSocketSession<C>>> {
    match connection.receive().await {
        Some(Inbound::Connect) => {}
        // The client left before it was asked for.
        _ => return Ok(None),
    }
    tracing::debug!(target: "solent::consumers", scope = ?connection.scope(), "connecting");
    match fault::consumer(&*factory, connection.scope())? {
        Ok(consumer) => {
            let kind = const { &Kind::of::<C>(C::LAYER) };
            let cx = WebSocketContext::new(connection, kind);
            Ok(Some(WebSocketSession::new(consumer, cx, common)))
        }
        Err(refusal) => {
            let denial = denial(refusal, connection.scope());
            connection.send(denial).await?;
            Ok(None)
        }
    }
}

impl<C: WebSocketConsumer> WebSocketSession<C> {
    fn new(consumer: C, cx: WebSocketContext<C::Event>, common: Arc<Common>) -> Self {
        Self {
            consumer,
            cx,
            common,
            close: None,
            phase: Phase::New,
            turn: false,
            unflushed: false,
            of_message: false,
            steps: Turn::default(),
        }
    }

    /// What follows from the handlers that have run.
    fn settle(&mut self) {
        match self.cx.stage() {
            Stage::Open if C::READY_FRAMES => self.cx.divert(),
            Stage::Closed if !self.cx.is_over() => self.cx.finish(),
            _ => {}
        }
    }

    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<C::Event>>> {
        loop {
            let event = match self.cx.transport().poll_receive(cx) {
                Poll::Ready(event) => event,
                Poll::Pending => return Poll::Pending,
            };
            match event {
                Some(Inbound::Message(frame)) if self.cx.stage() != Stage::Closed => {
                    return Poll::Ready(Some(Step::Frame(frame)));
                }
                // After a close of ours nothing but its answer matters.
                Some(Inbound::Message(_) | Inbound::Connect) => {}
                Some(Inbound::Disconnect(close)) => return self.over(close),
                None => return self.over(CloseCode::ABNORMAL.into()),
            }
            if self.steps.poll_proceed(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn over(&mut self, close: Close) -> Poll<Option<Step<C::Event>>> {
        self.close = Some(Box::new(close));
        self.phase = Phase::Over;
        Poll::Ready(None)
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<C::Event>>> {
        while !self.cx.is_over() {
            if self.unflushed && self.cx.transport().poll_flush(cx).is_pending() {
                return Poll::Pending;
            }
            // A flush that failed is no news: the client's end tells why.
            self.unflushed = false;
            let Poll::Ready(incoming) = self.cx.poll_incoming(cx) else {
                return Poll::Pending;
            };
            if let Some(step) = self.sort(incoming) {
                return Poll::Ready(Some(step));
            }
            if self.steps.poll_proceed(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Pending
    }

    /// Does what needs no handler.
    fn sort(&mut self, incoming: Incoming<C::Event>) -> Option<Step<C::Event>> {
        match incoming {
            Incoming::Message(message) if message.kind() == Some(Message::READY) => {
                self.forward(&message);
                None
            }
            Incoming::Message(message) => match message.decode() {
                Ok(event) => Some(Step::Event(event)),
                Err(_) => {
                    self.common.counts.unknown_event::<C::Event>(&message);
                    None
                }
            },
            Incoming::Local(event) => Some(Step::Event(event)),
            Incoming::Gap(gap) => {
                self.common.counts.count_missed(gap);
                Some(Step::Missed(gap))
            }
            Incoming::MailClosed { overflowed } => {
                let close = self.mail_closed(overflowed);
                self.close(close);
                None
            }
            Incoming::Close(close) => {
                self.close(close);
                None
            }
        }
    }

    /// Passes a ready frame on.
    fn forward(&mut self, message: &Message) {
        let Some(frame) = message.ready_frame() else {
            return self.common.counts.unknown_event::<C::Event>(message);
        };
        if !C::READY_FRAMES || self.cx.stage() != Stage::Open {
            tracing::debug!(
                target: "solent::consumers",
                wanted = C::READY_FRAMES,
                stage = ?self.cx.stage(),
                "ready frame dropped"
            );
            return;
        }
        // A client that is gone says so itself.
        let _ = self.cx.feed(frame.clone().into());
        self.unflushed = true;
    }

    fn mail_closed(&self, overflowed: bool) -> Close {
        if overflowed {
            self.common.counts.count(Counted::Overflowed);
            tell!(
                warn,
                self.who(),
                "closing a connection that is too slow for its events"
            );
            Close::new(CloseCode::TRY_AGAIN_LATER, "too slow")
        } else {
            tell!(
                warn,
                self.who(),
                "closing a connection, its channel layer was closed"
            );
            CloseCode::SERVICE_RESTART.into()
        }
    }

    /// Closes from outside the handlers.
    fn close(&mut self, close: Close) {
        if let Err(error @ SendError::Illegal(_)) = self.cx.feed_close(close) {
            tell!(warn, self.who(), error = %Chain(&error), "connection could not be closed");
            return;
        }
        self.cx.set_closed();
        self.cx.finish();
        self.unflushed = true;
    }

    /// Answers the handshake with a refusal.
    fn refuse(&mut self, refusal: Refusal) {
        let event = denial(refusal, self.cx.scope());
        // A client that is gone says so itself.
        let _ = self.cx.feed(event);
        self.cx.set_closed();
        self.unflushed = true;
    }

    /// What a client is to blame for closes an open socket, with a reason for it to read.
    fn failed_open(&mut self, error: AppError) -> ControlFlow<AppError> {
        let close = match self.cx.stage() {
            Stage::Open => fault::close(&error, self.cx.scope(), self.of_message),
            _ => None,
        };
        let Some(close) = close else {
            return ControlFlow::Break(error);
        };
        self.close(close);
        ControlFlow::Continue(())
    }

    async fn connect(&mut self) -> Result {
        for group in self.consumer.groups() {
            self.cx.join(&group).await?;
        }
        self.consumer.connect(&mut self.cx).await
    }

    async fn event(&mut self, event: Arc<Shared<C::Event>>) -> Result {
        self.cx.set_current(Some(Arc::clone(&event)));
        let result = self.consumer.event(&mut self.cx, event.event()).await;
        self.cx.set_current(None);
        result
    }
}

impl<C: WebSocketConsumer> Session for WebSocketSession<C> {
    type Step = Step<C::Event>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Step>> {
        match self.phase {
            Phase::New => {
                self.phase = Phase::Running;
                return Poll::Ready(Some(Step::Connect));
            }
            Phase::Running => self.settle(),
            Phase::Over => return Poll::Ready(None),
        }
        if self.cx.poll_caught_up(cx).is_pending() || self.steps.poll_proceed(cx).is_pending() {
            return Poll::Pending;
        }
        let polled = poll_either(
            self,
            |session| &mut session.turn,
            cx,
            [Self::poll_incoming, Self::poll_client],
        );
        if polled.is_ready() {
            return polled;
        }
        if self.unflushed && self.cx.transport().poll_flush(cx).is_ready() {
            self.unflushed = false;
        }
        self.steps.pause();
        Poll::Pending
    }

    fn handle(&mut self, step: Self::Step) -> Handling<'_> {
        self.of_message = matches!(step, Step::Frame(_));
        match step {
            Step::Connect => Box::pin(self.connect()),
            Step::Frame(frame) => match C::Input::from_frame(frame) {
                Ok(input) => Box::pin(self.consumer.receive(&mut self.cx, input)),
                Err(error) => Box::pin(self.consumer.invalid(&mut self.cx, error)),
            },
            Step::Event(event) => Box::pin(self.event(event)),
            Step::Missed(gap) => Box::pin(self.consumer.missed(&mut self.cx, gap)),
        }
    }

    fn cancel(&mut self) -> Option<Cancel> {
        if !C::CANCEL_ON_DISCONNECT || self.cx.stage() == Stage::Closed {
            return None;
        }
        let kept = self.cx.flag_own_end();
        Some(Cancel::new(self.cx.closed(), kept))
    }

    fn given_up(&mut self) {
        self.cx.set_current(None);
        self.cx.set_closed();
        self.cx.finish();
    }

    fn failed(&mut self, error: AppError) -> ControlFlow<AppError> {
        if self.cx.stage() != Stage::Connecting {
            return self.failed_open(error);
        }
        match fault::refusal(error, self.cx.scope(), || self.who()) {
            Ok(refusal) => {
                self.refuse(refusal);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn who(&self) -> Who {
        Who::of(type_name::<C>(), self.cx.scope())
    }

    fn is_begun(&self) -> bool {
        self.phase != Phase::New
    }

    fn broken_off(&mut self, error: Option<&AppError>) {
        let failed = error.is_some_and(|error| !is_disconnect(error.as_ref()));
        let close = if failed {
            CloseCode::INTERNAL_ERROR.into()
        } else {
            last_close(&mut self.cx)
        };
        let _ = self.over(close);
    }

    fn disconnect(&mut self) -> Handling<'_> {
        self.cx.finish();
        let close = self.close.take();
        let close = close.map_or_else(|| CloseCode::ABNORMAL.into(), |close| *close);
        tracing::debug!(
            target: "solent::consumers",
            scope = ?self.cx.scope(),
            code = close.code.as_u16(),
            "disconnected"
        );
        self.cx.set_current(None);
        Box::pin(self.consumer.disconnect(&mut self.cx, close))
    }

    fn release(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.cx.abort_tasks())
    }
}

/// The answer to a handshake that is refused.
fn denial(refusal: Refusal, scope: &WebSocketScope) -> Outbound {
    if scope.link().offers(Feature::DenialResponse) {
        Outbound::Respond(Box::new(refusal.into_response()))
    } else {
        Outbound::close()
    }
}

/// Why a connection is over whose end has not been received: the transport may know by now.
fn last_close<E>(cx: &mut WebSocketContext<E>) -> Close {
    let mut task = Context::from_waker(Waker::noop());
    for _ in 0..LAST_EVENTS {
        match cx.transport().poll_receive(&mut task) {
            Poll::Ready(Some(Inbound::Disconnect(close))) => return close,
            Poll::Ready(Some(_)) => {}
            Poll::Ready(None) | Poll::Pending => break,
        }
    }
    CloseCode::ABNORMAL.into()
}

#[cfg(test)]
mod tests {
    use std::{any::type_name, mem::size_of_val, sync::Arc};

    use solent_spec::{
        Application, Transport,
        request::{Link, Listener},
    };

    use super::*;
    use crate::NoEvents;

    #[derive(Default)]
    struct Empty;

    impl WebSocketConsumer for Empty {
        type Event = NoEvents;
        type Input = Frame;
    }

    struct Silent;

    impl Transport<WebSocket> for Silent {
        fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<Inbound>> {
            Poll::Pending
        }

        fn start_send(&mut self, _: Outbound) -> Result<(), SendError> {
            Ok(())
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn idle_connection_takes_no_more_than_220_bytes() {
        let request = http::Request::new(()).into_parts().0;
        let link = Link::new(None, Arc::new(Listener::new(None, Vec::new())));
        let scope = WebSocketScope::new(&request, link).unwrap();
        let application = Arc::new(Empty::application());

        let future = application.call_boxed(Connection::new(scope, Silent));

        let size = size_of_val(&*future);
        println!("{}: {size}", type_name::<Empty>());
        assert!(size <= 220, "{size}");
    }
}
