//! A layer whose type is forgotten.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    ChannelLayer, ChannelName, Claim, DropCounts, GroupName, GroupReport, LayerError, Mailbox,
    Message, SendError,
};

/// Any channel layer. Cheap to clone; one allocation for each call.
#[derive(Clone)]
pub struct DynLayer(Arc<dyn Erased>);

impl DynLayer {
    /// Forgets the type of `layer`. One that is a `DynLayer` already is not wrapped again.
    pub fn new(layer: impl ChannelLayer) -> Self {
        match (&layer as &dyn Any).downcast_ref::<Self>() {
            Some(layer) => layer.clone(),
            None => Self(Arc::new(layer)),
        }
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Erased: Send + Sync {
    fn open<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Mailbox, LayerError>>;
    fn listen<'a>(&'a self, channel: &'a ChannelName)
    -> BoxFuture<'a, Result<Mailbox, LayerError>>;
    fn send<'a>(
        &'a self,
        channel: &'a ChannelName,
        message: Message,
    ) -> BoxFuture<'a, Result<(), SendError>>;
    fn group_add<'a>(
        &'a self,
        group: &'a GroupName,
        channel: &'a ChannelName,
    ) -> BoxFuture<'a, Result<(), LayerError>>;
    fn group_discard<'a>(
        &'a self,
        group: &'a GroupName,
        channel: &'a ChannelName,
    ) -> BoxFuture<'a, Result<(), LayerError>>;
    fn group_send<'a>(
        &'a self,
        group: &'a GroupName,
        message: Message,
    ) -> BoxFuture<'a, Result<GroupReport, SendError>>;
    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>>;
    fn check(&self) -> BoxFuture<'_, Result<(), LayerError>>;
    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>>;
    fn has_queues(&self) -> bool;
    fn hold<'a>(
        &'a self,
        claim: &'a Claim,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, LayerError>>;
    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<(), LayerError>>;
    fn drops(&self) -> Option<Arc<DropCounts>>;
}

impl<L: ChannelLayer> Erased for L {
    fn open<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Mailbox, LayerError>> {
        Box::pin(ChannelLayer::open(self, prefix))
    }

    fn listen<'a>(
        &'a self,
        channel: &'a ChannelName,
    ) -> BoxFuture<'a, Result<Mailbox, LayerError>> {
        Box::pin(ChannelLayer::listen(self, channel))
    }

    fn send<'a>(
        &'a self,
        channel: &'a ChannelName,
        message: Message,
    ) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(ChannelLayer::send(self, channel, message))
    }

    fn group_add<'a>(
        &'a self,
        group: &'a GroupName,
        channel: &'a ChannelName,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(ChannelLayer::group_add(self, group, channel))
    }

    fn group_discard<'a>(
        &'a self,
        group: &'a GroupName,
        channel: &'a ChannelName,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(ChannelLayer::group_discard(self, group, channel))
    }

    fn group_send<'a>(
        &'a self,
        group: &'a GroupName,
        message: Message,
    ) -> BoxFuture<'a, Result<GroupReport, SendError>> {
        Box::pin(ChannelLayer::group_send(self, group, message))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(ChannelLayer::flush(self))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(ChannelLayer::check(self))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(ChannelLayer::close(self))
    }

    fn has_queues(&self) -> bool {
        ChannelLayer::has_queues(self)
    }

    fn hold<'a>(
        &'a self,
        claim: &'a Claim,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, LayerError>> {
        Box::pin(ChannelLayer::hold(self, claim, lifetime))
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(ChannelLayer::release(self, claim))
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        ChannelLayer::drops(self)
    }
}

impl ChannelLayer for DynLayer {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.0.open(prefix).await
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.0.listen(channel).await
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.0.send(channel, message).await
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.0.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.0.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.0.group_send(group, message).await
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.0.flush().await
    }

    async fn check(&self) -> Result<(), LayerError> {
        self.0.check().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.0.close().await
    }

    fn has_queues(&self) -> bool {
        self.0.has_queues()
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        self.0.hold(claim, lifetime).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        self.0.release(claim).await
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        self.0.drops()
    }
}

impl fmt::Debug for DynLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynLayer").finish_non_exhaustive()
    }
}
