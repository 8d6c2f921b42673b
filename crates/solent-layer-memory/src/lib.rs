//! The channel layer of one process: the default, and all that a service with one process needs.
//!
//! Consumers, workers and background tasks of the process reach each other through it; nothing leaves the process. For
//! several processes there is a layer with a broker behind it, and the code that uses either is the same.
//!
//! ```
//! use solent_layer::{ChannelLayer, Delivery, GroupName, Message};
//! use solent_layer_memory::MemoryLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let layer = MemoryLayer::default();
//! let room: GroupName = "room".parse()?;
//!
//! let mut mailbox = layer.open("guest.").await?;
//! layer.group_add(&room, mailbox.name()).await?;
//! let report = layer.group_send(&room, Message::ready("hello")).await?;
//!
//! assert_eq!(report.delivered, 1);
//! let Some(Delivery::Message(message)) = mailbox.recv().await else {
//!     return Err("the mailbox has ended".into());
//! };
//! assert_eq!(message, Message::ready("hello"));
//! drop(mailbox);
//! assert_eq!((layer.channel_count(), layer.group_count()), (0, 0));
//! # Ok::<(), solent_layer::BoxError>(())
//! # })?;
//! # Ok::<(), solent_layer::BoxError>(())
//! ```
//!
//! # What does it promise?
//!
//! What [`ChannelLayer`](solent_layer::ChannelLayer) promises, as the conformance kit of `solent-testing` states it,
//! and besides:
//!
//! - Every drop is counted, in the report of the send and by
//!   [cause](solent_layer::ChannelLayer::drops); a warning tells of all in one line, and a debug event names the group.
//! - A mailbox that loses something hears how much, by a [gap](solent_layer::Gap).
//! - A dropped [`Mailbox`](solent_layer::Mailbox) is gone at once, with its memberships; empty groups and channels take
//!   no memory. An open mailbox in one group takes about 390 bytes.
//! - A message that has expired takes no place in a channel.
//! - A send to a large group pauses after every thousand members, so that other tasks get their turn.
//!
//! # How does it work?
//!
//! It is [`Local`](solent_layer::Local) with names. Two tables, of channels and of groups, each split into
//! [shards](MemoryConfig::shards) with a lock of their own. A group lists its members' inboxes in the order in which they joined, so that a send looks up nothing and allocates
//! nothing; a channel knows its places in those lists, so that it leaves them quickly. What has expired is looked for in
//! passing. There is no task to run or to stop.
//!
//! # What is not here?
//!
//! Messages between processes, and any that outlive this one.

mod layer;
mod lease;

/// Settings for a [`MemoryLayer`], which has nothing but the tables of its process.
pub use solent_layer::LocalConfig as MemoryConfig;

pub use self::layer::MemoryLayer;
