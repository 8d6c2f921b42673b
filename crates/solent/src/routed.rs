//! A layer whose named channels are on other layers.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use solent_layer::{
    ChannelLayer, ChannelName, Claim, DropCounts, DynLayer, GroupName, GroupReport, LayerError,
    Mailbox, Message, SendError,
};

/// The default layer of an application that has named channels on others: whoever sends to such a channel through it reaches
/// the workers there. Everything else is the default layer's.
pub(crate) struct Routed {
    default: DynLayer,
    channels: HashMap<ChannelName, DynLayer>,
}

impl Routed {
    /// The layer itself, if all channels are on it.
    pub(crate) fn around(default: DynLayer, channels: HashMap<ChannelName, DynLayer>) -> DynLayer {
        if channels.is_empty() {
            return default;
        }
        DynLayer::new(Self { default, channels })
    }

    fn of(&self, channel: &ChannelName) -> &DynLayer {
        self.channels.get(channel).unwrap_or(&self.default)
    }
}

impl ChannelLayer for Routed {
    async fn open(&self, prefix: &str) -> Result<Mailbox, LayerError> {
        self.default.open(prefix).await
    }

    async fn listen(&self, channel: &ChannelName) -> Result<Mailbox, LayerError> {
        self.of(channel).listen(channel).await
    }

    async fn send(&self, channel: &ChannelName, message: Message) -> Result<(), SendError> {
        self.of(channel).send(channel, message).await
    }

    async fn group_add(&self, group: &GroupName, channel: &ChannelName) -> Result<(), LayerError> {
        self.default.group_add(group, channel).await
    }

    async fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> Result<(), LayerError> {
        self.default.group_discard(group, channel).await
    }

    async fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, SendError> {
        self.default.group_send(group, message).await
    }

    async fn flush(&self) -> Result<(), LayerError> {
        self.default.flush().await
    }

    async fn check(&self) -> Result<(), LayerError> {
        self.default.check().await
    }

    async fn close(&self) -> Result<(), LayerError> {
        self.default.close().await
    }

    fn has_queues(&self) -> bool {
        self.default.has_queues()
    }

    async fn hold(&self, claim: &Claim, lifetime: Duration) -> Result<bool, LayerError> {
        self.default.hold(claim, lifetime).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), LayerError> {
        self.default.release(claim).await
    }

    fn drops(&self) -> Option<Arc<DropCounts>> {
        self.default.drops()
    }
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routed")
            .field("channels", &self.channels.keys())
            .finish_non_exhaustive()
    }
}
