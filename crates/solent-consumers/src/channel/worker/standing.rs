//! What the log is told of a channel that cannot be listened on.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use solent_layer::{ChannelName, LayerError};
use solent_spec::Chain;

const LISTENED: u8 = 0;
const AWAY: u8 = 1;
const REFUSED: u8 = 2;

/// Whether a channel is listened on. The slots of a channel share it, so that the log has one line when that changes, however
/// many they are and however often they try.
#[derive(Debug, Default)]
pub(super) struct Standing(AtomicU8);

impl Standing {
    /// An attempt has failed.
    pub(super) fn failed(&self, channel: &ChannelName, error: &LayerError) {
        let now = match error {
            LayerError::Away(_) => AWAY,
            _ => REFUSED,
        };
        let error = Chain(error);
        if self.0.swap(now, Relaxed) == now {
            tracing::debug!(target: "solent::consumers", %channel, %error, "channel cannot be listened on still");
        } else if now == AWAY {
            tracing::warn!(target: "solent::consumers", %channel, %error, "channel cannot be listened on while the layer is away, trying again");
        } else {
            tracing::error!(target: "solent::consumers", %channel, %error, "channel cannot be listened on, trying again");
        }
    }

    /// An attempt has succeeded.
    pub(super) fn listened(&self, channel: &ChannelName) {
        if self.0.swap(LISTENED, Relaxed) != LISTENED {
            tracing::info!(target: "solent::consumers", %channel, "channel is listened on again");
        }
    }
}
