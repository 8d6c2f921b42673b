//! What a channel consumer acts through.

use std::{fmt, sync::Arc};

use serde::Serialize;
use solent_layer::{ChannelName, DynLayer, GroupReport};
use solent_spec::{Closed, Result, channel::ChannelScope, websocket::SharedFrame};

use crate::{
    ConsumerContext, Group, NoLayer, blocking::Act, context::Kind, event::Delivered, layers,
};

/// What a channel consumer acts through: the channel layer.
pub struct ChannelContext {
    scope: ChannelScope,
    closed: Closed,
    shared: ConsumerContext,
}

impl ChannelContext {
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
    pub async fn send_to<E: Serialize + ?Sized>(
        &mut self,
        group: &Group<E>,
        event: &E,
    ) -> Result<GroupReport> {
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
    pub async fn broadcast<E: ?Sized>(
        &mut self,
        group: &Group<E>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport> {
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
    pub async fn send_to_channel<E: Serialize + ?Sized>(
        &mut self,
        channel: &ChannelName,
        event: &E,
    ) -> Result {
        self.shared.send_to_channel(channel, event).await
    }

    pub(super) fn set_current(&mut self, event: Arc<dyn Delivered>) {
        self.shared.set_current(Some(event));
    }

    /// The event that is being handled.
    pub(super) fn current(&self) -> Option<Arc<dyn Delivered>> {
        self.shared.current().map(Arc::clone)
    }
}

impl Act for ChannelContext {
    fn shared_mut(&mut self) -> &mut ConsumerContext {
        &mut self.shared
    }
}

impl fmt::Debug for ChannelContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelContext")
            .field("channel", &self.scope.channel)
            .finish_non_exhaustive()
    }
}
