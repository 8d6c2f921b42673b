//! A named channel and its consumer.

use std::{
    any::type_name,
    future::{Future, ready},
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use solent_spec::{AppError, Channel, Connection, Result};

use super::{ChannelConsumer, ChannelContext};
use crate::{
    ConsumerCounts,
    application::{Factory, Run},
    context::Kind,
    event::Shared,
    session::{Common, Handling, Session, Turn, drive},
    who::Who,
};

/// A consumer with the connection that its worker made for it.
struct ChannelSession<C: ChannelConsumer> {
    consumer: C,
    cx: ChannelContext<C::Event>,
    connection: Connection<Channel>,
    counts: Arc<ConsumerCounts>,
    steps: Turn,
}

impl<C: ChannelConsumer> Run<Channel> for C {
    fn run(
        factory: Factory<Channel, C>,
        common: Arc<Common>,
        connection: Connection<Channel>,
    ) -> impl Future<Output = Result> + Send {
        let counts = Arc::clone(&common.counts);
        let start = async move {
            let consumer = factory(connection.scope())?;
            Ok(Some(ChannelSession::new(consumer, connection, counts)))
        };
        drive(Box::pin(start), common)
    }
}

impl<C: ChannelConsumer> ChannelSession<C> {
    fn new(consumer: C, connection: Connection<Channel>, counts: Arc<ConsumerCounts>) -> Self {
        let cx = ChannelContext::new(
            connection.scope().clone(),
            connection.closed(),
            const { &Kind::of::<C>(C::LAYER) },
        );
        Self {
            consumer,
            cx,
            connection,
            counts,
            steps: Turn::default(),
        }
    }
}

impl<C: ChannelConsumer> Session for ChannelSession<C> {
    type Step = Arc<Shared<C::Event>>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Step>> {
        loop {
            ready!(self.steps.poll_proceed(cx));
            let Poll::Ready(received) = self.connection.poll_receive(cx) else {
                self.steps.pause();
                return Poll::Pending;
            };
            let Some(message) = received else {
                return Poll::Ready(None);
            };
            match message.decode::<Shared<C::Event>>() {
                Ok(event) => return Poll::Ready(Some(event)),
                Err(_) => self.counts.unknown_event::<C::Event>(&message),
            }
        }
    }

    fn handle(&mut self, event: Self::Step) -> Handling<'_> {
        let Self { consumer, cx, .. } = self;
        cx.set_current(Arc::clone(&event));
        Box::pin(async move { consumer.handle(cx, event.event()).await })
    }

    fn failed(&mut self, error: AppError) -> ControlFlow<AppError> {
        ControlFlow::Break(error)
    }

    fn who(&self) -> Who {
        Who::alone(type_name::<C>())
    }

    fn is_begun(&self) -> bool {
        true
    }

    fn broken_off(&mut self, _: Option<&AppError>) {}

    fn disconnect(&mut self) -> Handling<'_> {
        Box::pin(self.consumer.disconnect(&mut self.cx))
    }

    fn release(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }
}
