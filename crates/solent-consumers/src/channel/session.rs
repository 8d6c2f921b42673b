//! A named channel and its consumer.

use std::{
    any::{TypeId, type_name},
    future::{Future, ready},
    marker::PhantomData,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use solent_spec::{AppError, Channel, Connection};

use super::{ChannelConsumer, ChannelContext};
use crate::{
    ConsumerCounts,
    context::Kind,
    event::Shared,
    session::{Handling, Session, Turn},
    who::Who,
};

/// A consumer with the connection that its worker made for it.
pub(super) struct ChannelSession<C: ChannelConsumer> {
    consumer: C,
    cx: ChannelContext,
    connection: Connection<Channel>,
    counts: Arc<ConsumerCounts>,
    steps: Turn,
}

/// What the consumers of a type have in common.
struct KindOf<C>(PhantomData<C>);

impl<C: ChannelConsumer> KindOf<C> {
    const KIND: &'static Kind = &Kind {
        layer: C::LAYER,
        event_id: TypeId::of::<C::Event>,
        event_name: type_name::<C::Event>,
        consumer_name: type_name::<C>,
    };
}

impl<C: ChannelConsumer> ChannelSession<C> {
    pub(super) fn new(
        consumer: C,
        connection: Connection<Channel>,
        counts: Arc<ConsumerCounts>,
    ) -> Self {
        let cx = ChannelContext::new(
            connection.scope().clone(),
            connection.closed(),
            KindOf::<C>::KIND,
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
        cx.set_current(Arc::clone(&event) as _);
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
