//! The channel protocol: what a worker runs an application with. ASGI's `channel`.

use std::convert::Infallible;

use crate::{Message, Protocol};

/// The channel protocol. One connection is one channel name in one worker; it receives the messages sent to that name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Channel;

impl Protocol for Channel {
    const NAME: &'static str = "channel";
    type Scope = ChannelScope;
    type Inbound = Message;
    /// A worker has no client to answer; an application sends through the channel layer.
    type Outbound = Infallible;
    type Direct = Infallible;
}

/// The scope of the channel protocol.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelScope {
    /// The name that the worker listens on. ASGI's `channel`.
    pub channel: String,
    /// What lifespan startup or a middleware left, by type.
    pub state: http::Extensions,
}

impl ChannelScope {
    /// The scope of a worker that listens on `channel`.
    pub fn new(channel: impl Into<String>) -> Self {
        Self {
            channel: channel.into(),
            state: http::Extensions::new(),
        }
    }

    /// Sets [`state`](Self::state).
    #[must_use]
    pub fn state(mut self, state: http::Extensions) -> Self {
        self.state = state;
        self
    }
}
