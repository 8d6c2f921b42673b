//! What the contexts of all consumers have in common.

mod handle;
mod incoming;
mod mail;
mod sync;
mod timers;

use std::{
    any::type_name,
    fmt,
    future::Future,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use serde::Serialize;
use solent_layer::{ChannelLayer, ChannelName, DynLayer, GroupName, GroupReport};
use solent_spec::{Chain, Message, Result, SendError, is_disconnect, websocket::SharedFrame};
use tokio::{sync::mpsc, task::JoinSet};

pub(crate) use self::incoming::Incoming;
use self::{
    handle::{CAPACITY, Post},
    mail::Mail,
    timers::Timers,
};
pub use self::{
    handle::{Handle, PostError},
    sync::SyncConsumerContext,
    timers::TimerId,
};
use crate::{
    Address, ContextError, Group, GroupFor, HandlerPanicked, NoEvents, NoLayer,
    event::Shared,
    session::guarded,
    who::{Who, tell},
};

/// What a consumer of a type is like; the same for all of its instances.
pub(crate) struct Kind {
    /// The alias of its layer.
    pub(crate) layer: &'static str,
    pub(crate) consumer_name: fn() -> &'static str,
}

impl Kind {
    pub(crate) const fn of<C>(layer: &'static str) -> Self {
        Self {
            layer,
            consumer_name: type_name::<C>,
        }
    }
}

/// What every consumer can do beside talking to its client: groups, the channel layer, timers, background tasks and its
/// own handle.
///
/// [`WebSocketContext`](crate::WebSocketContext) and [`HttpContext`](crate::HttpContext) dereference to it, so these are
/// methods of theirs. Nothing here costs memory before it is used: a consumer that never needs its address has no
/// mailbox.
///
/// Everything ends with the connection: groups are left, timers stop, tasks are aborted, handles are closed.
pub struct ConsumerContext<E = NoEvents> {
    kind: &'static Kind,
    layer: Option<DynLayer>,
    mail: Option<Mail>,
    extras: Option<Box<Extras<E>>>,
    /// The event that is being handled.
    current: Option<Arc<Shared<E>>>,
    /// The connection is being closed: nothing more is taken from anywhere.
    over: bool,
    /// Whose turn it is to be asked first: the mailbox, or everything else.
    turn: bool,
}

/// What few consumers use.
struct Extras<E> {
    /// What comes through handles; present while there are any.
    posts: Option<Posts<E>>,
    timers: Timers<E>,
    /// Whether a timer is next to be asked, and not a handle.
    timers_next: bool,
    tasks: JoinSet<()>,
    /// To be set when the consumer ends its connection itself, so that the handler that did it is not given up.
    keep: Option<Arc<AtomicBool>>,
    /// Bytes that blocking handlers have sent while the client was slow to read, and did not wait for.
    ahead: usize,
}

struct Posts<E> {
    /// For further handles. Only those keep the queue open, so that the consumer learns when the last one is gone.
    tx: mpsc::WeakSender<Post<E>>,
    rx: mpsc::Receiver<Post<E>>,
}

impl<E> Default for Extras<E> {
    fn default() -> Self {
        Self {
            posts: None,
            timers: Timers::default(),
            timers_next: false,
            tasks: JoinSet::new(),
            keep: None,
            ahead: 0,
        }
    }
}

impl<E> ConsumerContext<E> {
    pub(crate) fn new(kind: &'static Kind, layer: Result<DynLayer, NoLayer>) -> Self {
        Self {
            kind,
            layer: layer.ok(),
            mail: None,
            extras: None,
            current: None,
            over: false,
            turn: false,
        }
    }

    /// Joins a group: from now on, its events come to this consumer's `event`. Joining again renews the membership.
    ///
    /// # Errors
    ///
    /// [`ContextError`]: no layer, a layer that is closed, away or refuses, or a connection that is being closed. An error of a
    /// layer that is [away](solent_layer::is_away) answers a handshake, or a request without an answer, with status 503 if
    /// the handler ends with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the consumer in or out of the group.
    pub async fn join(&mut self, group: &impl GroupFor<E>) -> Result<(), ContextError> {
        self.join_by_name(group.as_ref()).await
    }

    pub(crate) async fn join_by_name(&mut self, group: &GroupName) -> Result<(), ContextError> {
        let address = self.address().await?;
        let layer = self.layer()?.clone();
        layer.group_add(group, address.name()).await?;
        Ok(())
    }

    /// Leaves a group. Not being a member is no error.
    ///
    /// # Errors
    ///
    /// [`ContextError::Layer`]: a layer that is closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// As [`join`](Self::join).
    pub async fn leave(&mut self, group: &impl AsRef<GroupName>) -> Result<(), ContextError> {
        // Without a mailbox there is no membership.
        if let (Some(mail), Some(layer)) = (&self.mail, &self.layer) {
            let (layer, channel) = (layer.clone(), mail.mailbox().name().clone());
            layer.group_discard(group.as_ref(), &channel).await?;
        }
        Ok(())
    }

    /// Sends an event to every member of a group, this consumer included if it is one.
    ///
    /// A member without room never fails the send. It is told what it [missed](crate::WebSocketConsumer::missed), and the report
    /// says how many there were, and why, as far as the layer can know: see [`GroupReport`].
    ///
    /// # Errors
    ///
    /// [`ContextError`]: no layer, an event that cannot be encoded or is larger than the layer carries, or a layer that is
    /// closed or out of reach.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some members without the event; none gets it twice.
    pub async fn send_to<G: Serialize + ?Sized>(
        &mut self,
        group: &Group<G>,
        event: &G,
    ) -> Result<GroupReport, ContextError> {
        let message = Message::encode(event)?;
        self.send_message_to(group.name(), message).await
    }

    /// Sends a WebSocket message to the clients of a group's members, as it is. It is encoded, framed and compressed
    /// once; the members' consumers do not see it.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// As [`send_to`](Self::send_to).
    pub async fn broadcast(
        &mut self,
        group: &impl AsRef<GroupName>,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        self.send_message_to(group.as_ref(), Message::ready(frame))
            .await
    }

    /// Sends an event to one channel: to another consumer by its [address](Self::address), or to workers.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to), and [`ContextError::Full`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may lose the event; it is never sent twice.
    pub async fn send_to_channel<G: Serialize + ?Sized>(
        &mut self,
        channel: &Address<G>,
        event: &G,
    ) -> Result<(), ContextError> {
        let message = Message::encode(event)?;
        self.send_message(channel.name(), message).await
    }

    /// This consumer's address in its layer, for others to send to. Opens its mailbox if need be.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no mailbox behind.
    pub async fn address(&mut self) -> Result<Address<E>, ContextError> {
        if let Some(mail) = &self.mail {
            return Ok(mail.mailbox().name().clone().into());
        }
        let layer = self.layer()?.clone();
        if self.over {
            return Err(ContextError::Over(SendError::Closed));
        }
        let mailbox = layer.open("specific.").await?;
        let name = mailbox.name().clone();
        self.mail = Some(Mail::new(mailbox));
        Ok(name.into())
    }

    /// The consumer's channel layer.
    ///
    /// # Errors
    ///
    /// [`NoLayer`] if none is configured.
    pub fn layer(&self) -> Result<&DynLayer, NoLayer> {
        self.layer
            .as_ref()
            .ok_or_else(|| NoLayer::new(self.kind.layer))
    }

    /// Runs a future beside the handlers for as long as the connection lives. It is aborted when the connection ends,
    /// after `disconnect`; an error it ends with is logged.
    ///
    /// ```
    /// # use solent_consumers::ConsumerContext;
    /// # #[derive(Debug)] enum Progress { Done }
    /// # fn example(cx: &mut ConsumerContext<Progress>) {
    /// let handle = cx.handle();
    /// cx.spawn(async move {
    ///     // Something that takes its time, then:
    ///     handle.post(Progress::Done).await?;
    ///     Ok(())
    /// });
    /// # }
    /// ```
    pub fn spawn(&mut self, task: impl Future<Output = Result> + Send + 'static) {
        let who = Who::alone((self.kind.consumer_name)());
        self.spawn_for(task, || who);
    }

    /// Runs a task of a consumer, whose log lines say `who` it belongs to.
    pub(crate) fn spawn_for(
        &mut self,
        task: impl Future<Output = Result> + Send + 'static,
        who: impl FnOnce() -> Who,
    ) {
        if self.over {
            return;
        }
        let (who, task) = (who(), guarded(|| Box::pin(task)));
        self.extras().tasks.spawn(async move {
            match task.await {
                Err(error) if error.is::<HandlerPanicked>() => {
                    tell!(error, who, "background task panicked");
                }
                Err(error) if !is_disconnect(&*error) => {
                    tell!(warn, who, error = %Chain(&*error), "background task failed");
                }
                _ => {}
            }
        });
    }

    /// The name of the consumer's type.
    pub(crate) fn consumer_name(&self) -> &'static str {
        (self.kind.consumer_name)()
    }

    /// Cancels a timer. Returns whether it was still there.
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        let extras = self.extras.as_mut();
        extras.is_some_and(|extras| extras.timers.cancel(timer))
    }

    pub(crate) async fn send_message_to(
        &mut self,
        group: &GroupName,
        message: Message,
    ) -> Result<GroupReport, ContextError> {
        let report = self.layer()?.clone().group_send(group, message).await?;
        if report.dropped > 0 {
            tracing::debug!(
                target: "solent::consumers",
                %group,
                dropped = report.dropped,
                delivered = report.delivered,
                "members of a group missed a message"
            );
        }
        Ok(report)
    }

    pub(crate) async fn send_message(
        &mut self,
        channel: &ChannelName,
        message: Message,
    ) -> Result<(), ContextError> {
        self.layer()?.clone().send(channel, message).await?;
        Ok(())
    }

    fn extras(&mut self) -> &mut Extras<E> {
        self.extras.get_or_insert_default()
    }
}

impl<E: Send + Sync + 'static> ConsumerContext<E> {
    /// A handle that reaches this consumer from anywhere in its process. It is closed if the connection is over.
    pub fn handle(&mut self) -> Handle<E> {
        if self.over {
            return Handle::new(mpsc::channel(1).0);
        }
        let extras = self.extras();
        let open = extras.posts.as_ref().and_then(|posts| posts.tx.upgrade());
        let tx = open.unwrap_or_else(|| {
            let (tx, rx) = mpsc::channel(CAPACITY);
            let weak = tx.downgrade();
            extras.posts = Some(Posts { tx: weak, rx });
            tx
        });
        Handle::new(tx)
    }

    /// Calls this consumer's `event` with `event` once `delay` has passed.
    pub fn after(&mut self, delay: Duration, event: impl Into<E>) -> TimerId {
        let event = Arc::new(Shared::new(event.into()));
        self.extras().timers.add(delay, None, event)
    }

    /// Calls this consumer's `event` with `event` each time `period` has passed, first after one period. A consumer that
    /// is busy when it would be due gets it later, once, so that what was missed does not come in a burst; the period is at
    /// least a millisecond. However short it is, the client, the mailbox and handles get their turns.
    pub fn every(&mut self, period: Duration, event: impl Into<E>) -> TimerId {
        let event = Arc::new(Shared::new(event.into()));
        self.extras().timers.add(period, Some(period), event)
    }
}

impl<E> fmt::Debug for ConsumerContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerContext")
            .field("layer", &self.layer.is_some())
            .field("mailbox", &self.mail.as_ref().map(|mail| mail.mailbox()))
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
