//! A channel layer carries messages to channels and groups, in one process or between many.
//!
//! Consumers and workers send through it and receive from it; servers never see it. This crate has the trait that every
//! layer implements, [`ChannelLayer`], and what its methods take and give. The layers themselves are crates of their
//! own.
//!
//! # The nouns
//!
//! - A **channel** is the address of a mailbox: a [`ChannelName`]. A **group** is a named set of channels: a
//!   [`GroupName`].
//! - A [`Mailbox`] is the owned end that receives. Dropping it closes the channel and leaves its groups.
//! - An [`Inbox`] is what a layer delivers into: the bounded queue behind a mailbox. Layers share this implementation,
//!   so that capacity, expiry, policies and drops mean the same in each.
//! - [`DynLayer`] is any layer with its type forgotten, as applications hold it.
//!
//! # What is promised
//!
//! Delivery is at most once, and in order for one sender and one channel. A channel holds a bounded number of messages
//! ([`Capacities`], 100 by default), each for a bounded time (a minute by default). What happens to a message for a
//! full channel is a [`FullPolicy`]. Nothing is dropped without being counted: in the [`GroupReport`] of the send that
//! lost it, and in the [`DropCounts`] of the layer.
//!
//! # What is not here
//!
//! No acknowledgement, no history, no broker.

mod capacity;
mod channel_layer;
mod counts;
mod dyn_layer;
mod error;
mod inbox;
mod mailbox;
mod name;

pub use solent_spec::{
    BoxError, Message,
    message::{DecodeError, EncodeError},
};

pub use self::{
    capacity::{Capacities, ChannelPattern},
    channel_layer::ChannelLayer,
    counts::{DropCause, DropCounts, GroupReport},
    dyn_layer::DynLayer,
    error::{LayerError, SendError},
    inbox::{FullPolicy, Inbox, InboxSettings, Pushed, Wakers},
    mailbox::{Delivery, Gap, Mailbox, MailboxOwner},
    name::{ChannelName, GroupName, NameError},
};
