//! A channel layer carries messages to channels and groups, in one process or between many.
//!
//! Consumers and workers send through it and receive from it; servers never see it. This crate has the trait that every
//! layer implements, [`ChannelLayer`], and what its methods take and give. The layers themselves are crates of their
//! own.
//!
//! # What is in it?
//!
//! - A **channel** is the address of a mailbox: a [`ChannelName`]. A **group** is a named set of channels: a
//!   [`GroupName`].
//! - A [`Mailbox`] is the owned end that receives. Dropping it closes the channel and leaves its groups.
//! - An [`Inbox`] is what a layer delivers into: the bounded queue behind a mailbox. Layers share this implementation,
//!   so that capacity, expiry, policies and drops mean the same in each.
//! - [`Local`] has the channels and groups of one process: the tables that layers are built from.
//! - A **lease** is what one of several processes has at a time, so that it alone does something: a [`Claim`] may hold it.
//! - [`DynLayer`] is any layer with its type forgotten, as applications hold it.
//!
//! # What does it promise?
//!
//! Delivery is at most once, and in order for one sender and one channel. A channel holds a bounded number of messages
//! ([`Capacities`], 100 by default), each for a bounded time (a minute by default). What happens to a message for a
//! full channel is a [`FullPolicy`]. Nothing is dropped without being counted: in the [`GroupReport`] of the send that
//! lost it, and in the [`DropCounts`] of the layer.
//!
//! # How do I write a layer?
//!
//! A layer decides where messages go; what a channel holds, for how long, and who reads it is an [`Inbox`]'s business.
//! Six things make a layer sound:
//!
//! - [`open`](ChannelLayer::open) pairs a [name](NameSource) with an [`Inbox::new`], [`listen`](ChannelLayer::listen) a
//!   given name with an [`Inbox::shared`] that all its mailboxes read, and that takes messages without any.
//! - Capacities are of the layer's settings; ask [`Capacities::of_mailbox`] when the inbox of a mailbox is made, and
//!   [`Capacities::of`] for a name that mailboxes share.
//! - What is lost is told. A message whose sender hears that there was no room is [offered](Inbox::offer); any other is
//!   [pushed](Inbox::push), and its reader hears of it if there was none.
//! - [`MailboxOwner::closed`] forgets what a dropped mailbox had. It is called from a destructor, so it may not wait.
//! - Messages are pushed with the time of the push, [`tokio::time::Instant`], so that tests can pause it. What is pushed
//!   under a lock is pushed [quietly](Inbox::push_quietly).
//! - A layer whose backend was away tells every inbox with [`Inbox::push_gap`], when it is there again.
//! - When its last handle is dropped its inboxes are closed, for mailboxes would wait for ever.
//!
//! [`Local`] shows a layer with a broker behind it. This is a whole one, in one process and not fast, that keeps every promise:
//!
#![doc = include_str!("small_layer.md")]
//!
//! # What is not here?
//!
//! No acknowledgement, no history, no broker.

mod capacity;
mod channel_layer;
mod counts;
mod dyn_layer;
mod error;
mod inbox;
mod lease;
mod local;
mod mailbox;
mod name;
mod name_source;
mod overflow;

pub use solent_spec::{
    BoxError, Message,
    message::{DecodeError, EncodeError},
};

pub use self::{
    capacity::{Capacities, ChannelPattern, Room},
    channel_layer::ChannelLayer,
    counts::{DropCause, DropCounts, GroupReport},
    dyn_layer::DynLayer,
    error::{LayerError, SendError, is_away},
    inbox::{FullPolicy, Inbox, InboxSettings, InboxWatch, Pushed, Wakers},
    lease::Claim,
    local::{Local, LocalConfig, LocalWatch},
    mailbox::{Delivery, Gap, Mailbox, MailboxOwner},
    name::{ChannelName, GroupName, NameError},
    name_source::NameSource,
};
