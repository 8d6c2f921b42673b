//! The application that channel consumers are made by.

use std::{
    any::{TypeId, type_name},
    fmt,
    future::Future,
    marker::PhantomData,
    sync::Arc,
};

use solent_spec::{
    Application, BoxFuture, Channel, Connection, Message, Result, channel::ChannelScope,
};

use super::{ChannelConsumer, ChannelContext};
use crate::{
    ConsumerCounts,
    context::Kind,
    event::Shared,
    session::{guarded, note},
};

type Factory<C> = Arc<dyn Fn(&ChannelScope) -> Result<C> + Send + Sync>;

/// The application that handles the messages of a named channel with a consumer. Cheap to clone.
pub struct ChannelApplication<C> {
    factory: Factory<C>,
    counts: Arc<ConsumerCounts>,
}

/// Makes an application of a factory of consumers, for a [`Worker`](crate::Worker) to run.
pub fn channel_consumer<C, F>(factory: F) -> ChannelApplication<C>
where
    C: ChannelConsumer,
    F: Fn(&ChannelScope) -> Result<C> + Send + Sync + 'static,
{
    ChannelApplication {
        factory: Arc::new(factory),
        counts: Arc::default(),
    }
}

/// What the consumers of a type have in common.
struct KindOf<C>(PhantomData<C>);

impl<C: ChannelConsumer> KindOf<C> {
    const KIND: &'static Kind = &Kind {
        layer: C::LAYER,
        event_id: TypeId::of::<C::Event>,
        event_name: type_name::<C::Event>,
    };
}

impl<C: ChannelConsumer> ChannelApplication<C> {
    /// What has happened to the application's messages so far.
    pub fn counts(&self) -> Arc<ConsumerCounts> {
        Arc::clone(&self.counts)
    }

    fn run(
        &self,
        mut connection: Connection<Channel>,
    ) -> impl Future<Output = Result> + Send + use<C> {
        let factory = Arc::clone(&self.factory);
        let counts = Arc::clone(&self.counts);
        async move {
            let mut consumer = factory(connection.scope())?;
            let mut cx = ChannelContext::new(connection.scope().clone(), KindOf::<C>::KIND);
            while let Some(message) = connection.receive().await {
                handle(&mut consumer, &mut cx, &message, &counts).await?;
            }
            Ok(())
        }
    }
}

async fn handle<C: ChannelConsumer>(
    consumer: &mut C,
    cx: &mut ChannelContext,
    message: &Message,
    counts: &ConsumerCounts,
) -> Result {
    let Ok(event) = message.decode::<Shared<C::Event>>() else {
        counts.unknown_event::<C::Event>(message);
        return Ok(());
    };
    cx.set_current(Arc::clone(&event) as _);
    let handled = guarded(|| Box::pin(consumer.handle(cx, event.event()))).await;
    handled.inspect_err(|error| note::<C>(error, counts))
}

impl<C: ChannelConsumer> Application<Channel> for ChannelApplication<C> {
    fn call(&self, connection: Connection<Channel>) -> impl Future<Output = Result> + Send {
        self.run(connection)
    }

    fn call_boxed(self: &Arc<Self>, connection: Connection<Channel>) -> BoxFuture<Result> {
        Box::pin(self.run(connection))
    }
}

impl<C> Clone for ChannelApplication<C> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            counts: Arc::clone(&self.counts),
        }
    }
}

impl<C> fmt::Debug for ChannelApplication<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelApplication<{}>", type_name::<C>())
    }
}
