//! What the inboxes of a layer have in common.

use std::{sync::Arc, time::Duration};

use crate::DropCounts;

/// What happens to a message for a full channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullPolicy {
    /// The message is refused, as in Channels: `send` fails, `group_send` counts it.
    #[default]
    RefuseNewest,
    /// The channel's oldest message makes room for it.
    DropOldest,
    /// The channel is closed, for a consumer that rather reconnects than misses something; a WebSocket consumer closes
    /// with code 1013.
    ///
    /// A channel that workers share is not theirs to close: there the newest message is refused.
    Disconnect,
}

/// The settings that the inboxes of a layer have in common.
#[derive(Debug)]
#[non_exhaustive]
pub struct InboxSettings {
    /// How long an unread message is kept.
    pub expiry: Duration,
    /// What happens to a message for a full channel.
    pub policy: FullPolicy,
    /// Where drops are counted.
    pub drops: Arc<DropCounts>,
}

impl InboxSettings {
    /// Settings that count drops in `drops`.
    pub fn new(expiry: Duration, policy: FullPolicy, drops: Arc<DropCounts>) -> Self {
        Self {
            expiry,
            policy,
            drops,
        }
    }
}
