//! The trait the crate is named for.

use std::{future::Future, sync::Arc, time::Duration};

use crate::{
    ChannelName, Claim, DropCounts, GroupName, GroupReport, LayerError, Mailbox, Message, SendError,
};

/// What carries messages to channels and groups.
///
/// Implementors write `async fn`. The conformance kit of `solent-testing` states every promise below as a test and runs
/// against any layer with one macro.
///
/// # Order
///
/// What one sender sends to one channel arrives in the order in which it was sent, whether by [`send`](Self::send) or by
/// [`group_send`](Self::group_send) to groups that the channel is in. A layer whose groups and channels are kept by several
/// servers may keep the order of each group and of each channel only, and says so.
///
/// # While the backend is away
///
/// A call waits for a bounded time, a few seconds, and fails with [`LayerError::Away`]; none waits for ever. That includes
/// [`open`](Self::open), [`listen`](Self::listen) and [`group_add`](Self::group_add): no caller takes a mailbox for one that
/// receives while it does not. A layer reconnects by itself and never sends a message again that may have arrived.
///
/// A backend that is there and refuses is not away: the call fails at once, with [`LayerError::Backend`].
///
/// What others sent meanwhile may be lost, so every mailbox of the process hears of a [`Gap`](crate::Gap): not when the
/// backend is lost but when it is there again, after all subscriptions and memberships are. Who then asks elsewhere for what
/// it missed misses nothing in between.
///
/// # The end
///
/// Dropping the last handle of a layer ends its mailboxes, as [`close`](Self::close) does. It cannot wait, so what the layer has
/// left with its backend goes when it expires.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a channel layer")]
pub trait ChannelLayer: Send + Sync + 'static {
    /// Opens a new channel of this process, with a name that no other channel has: ASGI's `new_channel` and `receive` in
    /// one. The name begins with `prefix` (letters, digits, `-`, `_`, `.`; at most 40) and has a `!`.
    ///
    /// # Errors
    ///
    /// A prefix that breaks the rules of names, or a layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no channel behind.
    fn open(&self, prefix: &str) -> impl Future<Output = Result<Mailbox, LayerError>> + Send;

    /// Listens on a named channel, as workers do. Several mailboxes on one name compete: each message goes to one.
    ///
    /// A message sent to a name without a listener waits there, within capacity and expiry. When the last listener of a
    /// process goes, what it has not read waits for another, in whichever process.
    ///
    /// A layer without queues, one that publishes, is the exception: nothing waits at a name without a listener, and of
    /// several processes that listen each gets the message, for one of its mailboxes. Such a layer says so.
    ///
    /// # Errors
    ///
    /// A process-specific name, or a layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// A dropped future takes no message.
    fn listen(
        &self,
        channel: &ChannelName,
    ) -> impl Future<Output = Result<Mailbox, LayerError>> + Send;

    /// Sends a message to one channel. Never waits for room.
    ///
    /// A message without room is handed back, and its channel hears nothing of it. A layer that finds out only where the channel
    /// is, after the sender has gone on, tells the channel instead, by a [gap](crate::Gap).
    ///
    /// Sending to a channel that no longer exists succeeds; the message is counted as dropped where that is known.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] and [`SendError::TooLarge`] hand the message back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may lose the message; it is never sent twice.
    fn send(
        &self,
        channel: &ChannelName,
        message: Message,
    ) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Makes a channel a member of a group. Adding a member again only renews its membership.
    ///
    /// A channel is a member from the moment the future resolves: what is sent to the group afterwards, from any
    /// process, reaches it. It stays one until it leaves or its mailbox is dropped; the membership of a name that mailboxes share
    /// expires.
    ///
    /// A name that mailboxes share may be added and discarded by any process, if the layer has queues. The channel of another
    /// process is added as well or refused with [`LayerError::Unavailable`], depending on the layer, but never passed over in
    /// silence. That of a mailbox which has been dropped is refused where the layer knows.
    ///
    /// # Errors
    ///
    /// A channel that this process cannot add, or a layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the channel in or out of the group; doing it again is harmless.
    fn group_add(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> impl Future<Output = Result<(), LayerError>> + Send;

    /// Ends a channel's membership. Not being a member is no error.
    ///
    /// # Errors
    ///
    /// A layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// As [`group_add`](Self::group_add).
    fn group_discard(
        &self,
        group: &GroupName,
        channel: &ChannelName,
    ) -> impl Future<Output = Result<(), LayerError>> + Send;

    /// Sends a message to every member of a group. A member without room never fails the send: it hears of a
    /// [gap](crate::Gap), and the report says how many lost something, and why, as far as the layer knows.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLarge`] hands the message back; never [`SendError::Full`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some members without the message; none gets it twice.
    fn group_send(
        &self,
        group: &GroupName,
        message: Message,
    ) -> impl Future<Output = Result<GroupReport, SendError>> + Send;

    /// Forgets all waiting messages and all groups, for every process; for tests. Open mailboxes stay open.
    ///
    /// Other processes may hear of it a moment later. A layer that cannot tell them says so, and flushes this process and what
    /// the backend has.
    ///
    /// # Errors
    ///
    /// A layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some things forgotten and others not.
    fn flush(&self) -> impl Future<Output = Result<(), LayerError>> + Send;

    /// Asks the backend whether this process may use it, so that wrong settings show when a program starts. Layers without a
    /// backend have nothing to ask.
    ///
    /// # Errors
    ///
    /// [`LayerError::Away`] if the backend cannot be asked now, which a program may wait for, and
    /// [`LayerError::Backend`] if it refuses, which does not change by waiting.
    ///
    /// # Cancel safety
    ///
    /// Nothing changes.
    fn check(&self) -> impl Future<Output = Result<(), LayerError>> + Send {
        async { Ok(()) }
    }

    /// Closes the layer for this process: its mailboxes end, its memberships are given up, later calls fail. Other processes go
    /// on. It waits for no reader, and for the backend a bounded time.
    ///
    /// # Errors
    ///
    /// A backend that could not be told; the layer is closed all the same.
    ///
    /// # Cancel safety
    ///
    /// The layer is closed at the first poll; dropping the future may leave memberships to their expiry.
    fn close(&self) -> impl Future<Output = Result<(), LayerError>> + Send;

    /// Whether a name that is [listened](Self::listen) on is a queue: what is sent to it waits for a listener, and goes to one
    /// listener of all processes. Default: yes.
    ///
    /// A layer that publishes says no: nothing waits there, and each process that listens gets a message of its own. Workers need
    /// queues, so an application refuses to start them on a layer without.
    fn has_queues(&self) -> bool {
        true
    }

    /// Takes a lease that is free, or renews one that `claim` holds already. Tells whether `claim` holds it now, for
    /// `lifetime` from a moment before the answer.
    ///
    /// At most one claim to a name holds it at a time, among all processes that share the layer. A holder that does not renew it
    /// in time has lost it, also if it hears nothing. This does not wait: a process that does not get it asks again.
    ///
    /// A layer without leases leaves this method out.
    ///
    /// # Errors
    ///
    /// A layer that has no leases, is closed, or is out of reach. Nothing is known of the lease then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the lease with the claim, until it expires.
    fn hold(
        &self,
        claim: &Claim,
        lifetime: Duration,
    ) -> impl Future<Output = Result<bool, LayerError>> + Send {
        let _ = (claim, lifetime);
        async {
            Err(LayerError::Backend(
                "this channel layer has no leases".into(),
            ))
        }
    }

    /// Gives back a lease, so that another claim may hold it at once. Not holding it is no error.
    ///
    /// # Errors
    ///
    /// A layer that is closed or out of reach; the lease expires then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the lease with the claim, until it expires.
    fn release(&self, claim: &Claim) -> impl Future<Output = Result<(), LayerError>> + Send {
        let _ = claim;
        async { Ok(()) }
    }

    /// What the layer has dropped in this process, by cause, if it counts.
    fn drops(&self) -> Option<Arc<DropCounts>> {
        None
    }
}
