//! One HTTP exchange and its consumer.

use std::{
    any::type_name,
    future::{Future, ready},
    mem,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{self, Context, Poll},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use solent_layer::Gap;
use solent_spec::{
    AppError, Body, Connection, Draining, Http, Result,
    http::{HttpOrder, Inbound, Outbound},
};

use super::{HttpConsumer, HttpContext, answer, body::Collected};
use crate::{
    application::{Factory, Run},
    context::{Incoming, Kind},
    counts::Counted,
    event::Shared,
    fault,
    session::{Cancel, Common, Handling, Session, Turn, drive, poll_either},
    who::Who,
};

/// An exchange ended without a complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfinished {
    /// The handlers are done, and no group, timer, task or handle is left that could finish the response later.
    #[error("handler has not finished its response, and nothing is left that could")]
    Forgotten,
    /// The consumer's mailbox was closed, because it was full or its layer was closed.
    #[error("mailbox was closed before the response was finished")]
    MailClosed,
}

struct HttpSession<C: HttpConsumer> {
    consumer: C,
    cx: HttpContext<C::Event>,
    common: Arc<Common>,
    phase: Phase,
    turn: bool,
    steps: Turn,
    /// Asked for when the consumer first waits: most never do.
    draining: Option<Draining>,
    /// The consumer has been told of the drain.
    told: bool,
}

enum Phase {
    /// The request is not complete.
    Collecting(Collected),
    Running,
    Over,
}

enum Step<E> {
    Handle(Bytes),
    Event(Arc<Shared<E>>),
    Missed(Gap),
    /// The server drains, and the consumer waits.
    Draining,
    Unfinished(Unfinished),
    /// What was sent without a handler has to leave.
    Flush,
}

impl<C: HttpConsumer> Run<Http> for C {
    fn run(
        factory: Factory<Http, C>,
        common: Arc<Common>,
        connection: Connection<Http>,
    ) -> impl Future<Output = Result> + Send {
        drive(
            Box::pin(start(factory, Arc::clone(&common), connection)),
            common,
        )
    }
}

async fn start<C: HttpConsumer>(
    factory: Factory<Http, C>,
    common: Arc<Common>,
    mut connection: Connection<Http>,
) -> Result<Option<HttpSession<C>>> {
    if let Some(response) = answer::refused(C::METHODS, &connection.scope().request().method) {
        connection.send(response.into()).await?;
        return Ok(None);
    }
    match fault::consumer(&*factory, connection.scope())? {
        Ok(consumer) => {
            let kind = const { &Kind::of::<C>(C::LAYER) };
            let cx = HttpContext::new(connection, kind);
            Ok(Some(HttpSession::new(consumer, cx, common)))
        }
        Err(refusal) => {
            connection.send(refusal.into_response().into()).await?;
            Ok(None)
        }
    }
}

impl<C: HttpConsumer> HttpSession<C> {
    fn new(consumer: C, cx: HttpContext<C::Event>, common: Arc<Common>) -> Self {
        Self {
            consumer,
            cx,
            common,
            phase: Phase::Collecting(Collected::default()),
            turn: false,
            steps: Turn::default(),
            draining: None,
            told: false,
        }
    }

    /// Resolves once the server drains; once, for a consumer that waits.
    fn poll_draining(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.told {
            return Poll::Pending;
        }
        let draining = self.draining.get_or_insert_with(|| self.cx.draining());
        task::ready!(Pin::new(draining).poll(cx));
        self.told = true;
        Poll::Ready(())
    }

    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<C::Event>>> {
        loop {
            let event = match self.cx.transport().poll_receive(cx) {
                Poll::Ready(event) => event,
                Poll::Pending => return Poll::Pending,
            };
            match event {
                Some(Inbound::Body { data, more }) => {
                    if let Some(step) = self.collect(data, more) {
                        return Poll::Ready(Some(step));
                    }
                }
                None | Some(Inbound::Disconnect) => {
                    self.phase = Phase::Over;
                    return Poll::Ready(None);
                }
                // Trailers of the request.
                Some(_) => {}
            }
            if self.steps.poll_proceed(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn collect(&mut self, data: Bytes, more: bool) -> Option<Step<C::Event>> {
        let Phase::Collecting(body) = &mut self.phase else {
            return None;
        };
        if !body.push(data, self.consumer.body_limit()) {
            self.phase = Phase::Running;
            return Some(self.answer(StatusCode::PAYLOAD_TOO_LARGE));
        }
        if more {
            return None;
        }
        let body = mem::take(body).into_bytes();
        self.phase = Phase::Running;
        Some(Step::Handle(body))
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<C::Event>>> {
        loop {
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
    }

    fn sort(&mut self, incoming: Incoming<C::Event>) -> Option<Step<C::Event>> {
        match incoming {
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
                if overflowed {
                    self.common.counts.count(Counted::Overflowed);
                }
                Some(Step::Unfinished(Unfinished::MailClosed))
            }
            Incoming::Close(_) => Some(self.close()),
        }
    }

    /// Ends the response where it stands.
    fn close(&mut self) -> Step<C::Event> {
        if !self.cx.order().is_started() {
            return self.answer(StatusCode::NO_CONTENT);
        }
        // A client that is gone says so itself.
        let _ = self.cx.feed(Outbound::end(Bytes::new()));
        Step::Flush
    }

    fn answer(&mut self, status: StatusCode) -> Step<C::Event> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let _ = self.cx.feed(response.into());
        Step::Flush
    }

    async fn flush(&mut self) -> Result {
        std::future::poll_fn(|cx| self.cx.transport().poll_flush(cx)).await?;
        Ok(())
    }

    async fn event(&mut self, event: Arc<Shared<C::Event>>) -> Result {
        self.cx.set_current(Some(Arc::clone(&event)));
        let result = self.consumer.event(&mut self.cx, event.event()).await;
        self.cx.set_current(None);
        result
    }
}

impl<C: HttpConsumer> Session for HttpSession<C> {
    type Step = Step<C::Event>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Step>> {
        match self.phase {
            Phase::Collecting(_) => return self.poll_client(cx),
            Phase::Over => return Poll::Ready(None),
            Phase::Running if self.cx.order() == HttpOrder::Done => {
                // A client that is gone by now is gone.
                let _ = task::ready!(self.cx.transport().poll_flush(cx));
                self.phase = Phase::Over;
                return Poll::Ready(None);
            }
            Phase::Running => {}
        }
        if self.steps.poll_proceed(cx).is_pending() {
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
        if !self.cx.is_reachable() {
            return Poll::Ready(Some(Step::Unfinished(Unfinished::Forgotten)));
        }
        if self.poll_draining(cx).is_ready() {
            return Poll::Ready(Some(Step::Draining));
        }
        self.steps.pause();
        Poll::Pending
    }

    fn handle(&mut self, step: Self::Step) -> Handling<'_> {
        match step {
            Step::Handle(body) => Box::pin(self.consumer.handle(&mut self.cx, body)),
            Step::Event(event) => Box::pin(self.event(event)),
            Step::Missed(gap) => Box::pin(self.consumer.missed(&mut self.cx, gap)),
            Step::Draining => Box::pin(self.consumer.draining(&mut self.cx)),
            Step::Flush => Box::pin(self.flush()),
            Step::Unfinished(error) => Box::pin(ready(Err(error.into()))),
        }
    }

    fn cancel(&mut self) -> Option<Cancel> {
        if !C::CANCEL_ON_DISCONNECT || self.cx.order() == HttpOrder::Done {
            return None;
        }
        let kept = self.cx.flag_own_end();
        Some(Cancel::new(self.cx.closed(), kept))
    }

    fn given_up(&mut self) {
        self.cx.set_current(None);
        self.phase = Phase::Over;
    }

    fn failed(&mut self, error: AppError) -> ControlFlow<AppError> {
        if self.cx.order().is_started() {
            return ControlFlow::Break(error);
        }
        let refusal = match fault::refusal(error, self.cx.scope(), || self.who()) {
            Ok(refusal) => refusal,
            Err(error) => return ControlFlow::Break(error),
        };
        match self.cx.feed(refusal.into_response().into()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error.into()),
        }
    }

    fn who(&self) -> Who {
        Who::of(type_name::<C>(), self.cx.scope())
    }

    fn is_begun(&self) -> bool {
        true
    }

    fn broken_off(&mut self, _: Option<&AppError>) {
        self.phase = Phase::Over;
    }

    fn disconnect(&mut self) -> Handling<'_> {
        self.cx.finish();
        Box::pin(self.consumer.disconnect(&mut self.cx))
    }

    fn release(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.cx.abort_tasks())
    }
}
