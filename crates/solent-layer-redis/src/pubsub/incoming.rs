//! What was published, on its way to mailboxes.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::SystemTime,
};

use solent_layer::{ChannelName, DropCause, GroupName, LayerError, Message};
use solent_spec::Chain;
use tokio::time::Instant;

use super::layer::Shared;
use crate::{link::Sink, wire::take_channels};

/// Takes what arrives from one host to the mailboxes of a layer, for as long as there is the layer.
pub(super) struct Incoming {
    /// Set once the layer is made.
    pub(super) layer: Arc<OnceLock<Weak<Shared>>>,
    /// Which of the hosts.
    pub(super) host: usize,
}

impl Incoming {
    fn layer(&self) -> Option<Arc<Shared>> {
        self.layer.get().and_then(Weak::upgrade)
    }
}

impl Sink for Incoming {
    fn published(&self, channel: &[u8], payload: Vec<u8>) {
        let Some(shared) = self.layer() else {
            return;
        };
        // What is not text is no name of ours.
        let Ok(name) = str::from_utf8(channel) else {
            return;
        };
        // Databases of one server are hosts of their own, and share what is published.
        if shared.ring.shard(name) != self.host {
            return;
        }
        let message = match shared.payloads.decode(payload.into(), SystemTime::now()) {
            Ok(message) => message,
            Err(error) => {
                shared.local.drops().add(DropCause::Unreadable);
                shared.unreadable.warn(name, Chain(&error));
                return;
            }
        };
        // Only a closed layer refuses.
        let _ = shared.deliver(name, message);
    }

    fn gap(&self) {
        if let Some(shared) = self.layer() {
            tracing::info!("redis was out of reach, messages may have been missed");
            shared.local.gap();
        }
    }
}

impl Shared {
    fn deliver(&self, name: &str, message: Message) -> Result<(), LayerError> {
        let now = Instant::now();
        if let Some(group) = self.topics.read_group(name) {
            let Ok(group) = group.parse::<GroupName>() else {
                return Ok(());
            };
            let report = self.local.group_push(&group, &message, now)?;
            if report.dropped > 0 {
                tracing::debug!(
                    %group,
                    delivered = report.delivered,
                    dropped = report.dropped,
                    "group members lost a message"
                );
            }
            return Ok(());
        }
        if self.topics.addresses() && name.ends_with('!') {
            let (message, addressees) = take_channels(message);
            for channel in addressees.iter().flat_map(|addressees| addressees.iter()) {
                self.deliver_to(channel, &message, now)?;
            }
            return Ok(());
        }
        self.deliver_to(name, &message, now)
    }

    fn deliver_to(&self, name: &str, message: &Message, now: Instant) -> Result<(), LayerError> {
        // What is no name belongs to a peer with other rules; no channel here has it.
        if let Ok(channel) = name.parse::<ChannelName>() {
            let _ = self.local.push(&channel, message, now)?;
        }
        Ok(())
    }
}
