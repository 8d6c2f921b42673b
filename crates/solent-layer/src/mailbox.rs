//! The end of a channel that receives.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use solent_spec::websocket::FrameSinkHandle;

use crate::{ChannelName, Inbox, Message};

/// What a [`Mailbox`] receives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// Messages have been missed, or may have been.
    Gap(Gap),
}

/// Messages that a mailbox should have received and did not.
///
/// A mailbox has at most one gap at a time: what is lost before it is told is added to it. It is told where the first loss
/// was: behind what waited when the mailbox was full; in front of what waits when the oldest messages were dropped or have
/// expired. So what was sent to a mailbox is what it has received, and the sum of what its gaps [lost](Self::lost).
///
/// Not part of a gap is what the sender was told of: a message that [`send`](crate::ChannelLayer::send) handed back with
/// [`SendError::Full`](crate::SendError::Full), or that a [`flush`](crate::ChannelLayer::flush) forgot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// How many messages were lost in this process, exactly: there was no room in the mailbox, the client read too slowly for
    /// ready frames, or no reader took them before they expired.
    pub lost: u64,
    /// Whether others may have been lost that could not be counted: the layer was without its backend for a while.
    pub uncounted: bool,
}

/// The owned end of a channel. Dropping it closes the channel and leaves its groups.
pub struct Mailbox {
    name: ChannelName,
    inbox: Arc<Inbox>,
    owner: Arc<dyn MailboxOwner>,
    /// Which of the inbox's readers this is.
    reader: u32,
    /// Whether others waited behind the last message.
    more: bool,
}

/// What a layer does when a mailbox is dropped.
pub trait MailboxOwner: Send + Sync + 'static {
    /// Forgets the channel and its memberships. Called once, from the drop: it must not wait.
    ///
    /// The mailbox does not read any more. An inbox of its own is closed and empty by now; a
    /// [shared](Inbox::shared) one may have other [readers](Inbox::readers), and messages for them.
    fn closed(&self, name: &ChannelName, inbox: &Arc<Inbox>);
}

impl Mailbox {
    /// The mailbox of `inbox`, under `name`, for `owner` to clean up after.
    pub fn new(name: ChannelName, inbox: Arc<Inbox>, owner: Arc<dyn MailboxOwner>) -> Self {
        let reader = inbox.add_reader();
        Self {
            name,
            inbox,
            owner,
            reader,
            more: false,
        }
    }

    /// The channel's name: what others send to.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Receives the next message; `None` once the channel is closed, because the layer is, or because its
    /// [policy](crate::FullPolicy::Disconnect) gave up on this reader ([`overflowed`](Self::overflowed)).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future has taken no message.
    pub async fn recv(&mut self) -> Option<Delivery> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next message; see [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let (delivery, more) = self.inbox.poll_pop(self.reader, cx);
        self.more = more;
        delivery
    }

    /// Whether others waited behind the last message when it was received. Unlike [`is_empty`](Self::is_empty) it takes no
    /// lock, and does not know of those that have come since.
    pub fn had_more(&self) -> bool {
        self.more
    }

    /// Whether the channel was closed because this reader was too slow.
    pub fn overflowed(&self) -> bool {
        self.inbox.overflowed()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.inbox.len()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.inbox.is_empty()
    }

    /// From now on, messages that carry a ready frame go straight to `sink` where that keeps them in order; the others
    /// still arrive here, and so do ready frames that would overtake something: those that come before the next
    /// [`recv`](Self::recv), behind a waiting message, or while the last received one is being handled, that is, until the
    /// `recv` after it.
    pub fn divert(&self, sink: Option<FrameSinkHandle>) {
        self.inbox.set_sink(sink);
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.inbox.remove_reader(self.reader);
        self.owner.closed(&self.name, &self.inbox);
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("name", &self.name)
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}
