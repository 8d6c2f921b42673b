//! What a channel consumer acts through.

use std::{fmt, sync::Arc};

use serde::Serialize;
use solent_layer::{DynLayer, GroupName, GroupReport};
use solent_spec::{Closed, Result, channel::ChannelScope, websocket::SharedFrame};

use crate::{
    Address, ConsumerContext, ContextError, Group, NoEvents, NoLayer, blocking::Act, context::Kind,
    event::Shared, layers,
};

/// What a channel consumer acts through: the channel layer.
pub struct ChannelContext<E = NoEvents> {
    scope: ChannelScope,
    closed: Closed,
    shared: ConsumerContext<E>,
}

impl<E> ChannelContext<E> {
    pub(super) fn new(scope: ChannelScope, closed: Closed, kind: &'static Kind) -> Self {
        let layer = layers::find(scope.state.get(), scope.state.get(), kind.layer);
        Self {
            shared: ConsumerContext::new(kind, layer),
            scope,
            closed,
        }
    }

    /// Resolves once the worker stops, also while a handler runs, which then has the worker's
    /// [grace](crate::WorkerConfig::grace) to come to its end. It borrows nothing, so a handler can wait for it beside its work.
    pub fn closed(&self) -> Closed {
        self.closed.clone()
    }

    /// What is known of the connection: the channel's name, and what the worker was given.
    pub fn scope(&self) -> &ChannelScope {
        &self.scope
    }

    /// The channel layer.
    ///
    /// # Errors
    ///
    /// [`NoLayer`] if none is configured.
    pub fn layer(&self) -> Result<&DynLayer, NoLayer> {
        self.shared.layer()
    }

    /// Sends an event to every member of a group.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to`].
    ///
    /// # Cancel safety
    ///
    /// As [`ConsumerContext::send_to`].
    pub async fn send_to<G: Serialize + ?Sized>(
        &mut self,
        group: &Group<G>,
        event: &G,
    ) -> Result<GroupReport, ContextError> {
        self.shared.send_to(group, event).await
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::broadcast`].
    ///
    /// # Cancel safety
    ///
    /// As [`ConsumerContext::broadcast`].
    pub async fn broadcast(
        &mut self,
        group: &impl AsRef<GroupName>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        self.shared.broadcast(group, frame).await
    }

    /// Sends an event to one channel: a consumer's, or another worker's.
    ///
    /// # Errors
    ///
    /// As [`ConsumerContext::send_to_channel`].
    ///
    /// # Cancel safety
    ///
    /// As [`ConsumerContext::send_to_channel`].
    pub async fn send_to_channel<G: Serialize + ?Sized>(
        &mut self,
        channel: &Address<G>,
        event: &G,
    ) -> Result<(), ContextError> {
        self.shared.send_to_channel(channel, event).await
    }

    pub(super) fn set_current(&mut self, event: Arc<Shared<E>>) {
        self.shared.set_current(Some(event));
    }

    /// The event that is being handled.
    pub(super) fn current(&self) -> Option<Arc<Shared<E>>> {
        self.shared.current().map(Arc::clone)
    }
}

impl<E: Send + Sync + 'static> Act for ChannelContext<E> {
    type Event = E;

    fn shared_mut(&mut self) -> &mut ConsumerContext<E> {
        &mut self.shared
    }
}

impl<E> fmt::Debug for ChannelContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelContext")
            .field("channel", &self.scope.channel)
            .finish_non_exhaustive()
    }
}
