//! A group whose events have a type.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::Serialize;
use solent_layer::{ChannelLayer, GroupName, GroupReport, NameError};
use solent_spec::{BoxError, Message, Result, websocket::SharedFrame};

use crate::ContextError;

/// A group of channels that events of the type `E` are sent to. Cheap to clone.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solent_consumers::Group;
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum RoomEvent {
///     #[serde(rename = "chat.message")]
///     Message { message: String },
/// }
///
/// let room: Group<RoomEvent> = Group::new(format!("chat_{}", "lobby"))?;
///
/// assert_eq!(room.name().as_str(), "chat_lobby");
/// # Ok::<(), solent_spec::BoxError>(())
/// ```
///
/// # Members that are slow
///
/// A send does not wait for members. What a member has not handled yet waits in its mailbox: up to 8192 events by default, as long as they
/// are small ([`Capacities`](solent_layer::Capacities)). Ready frames ([`broadcast`](Self::broadcast)) go to the client's
/// socket at once, and wait there up to the server's limit of unsent bytes. What finds no room is not lost in silence:
///
/// - The member's `missed` is called, once for what was lost in a row, with its number: see
///   [`WebSocketConsumer::missed`](crate::WebSocketConsumer::missed). Its application counts it
///   ([`ConsumerCounts::missed`](crate::ConsumerCounts::missed)).
/// - The sender gets a [`GroupReport`] of the members that the layer can see: how many lost something, and why. A layer that
///   publishes sees none.
/// - The layer counts it by cause ([`drops`](ChannelLayer::drops)), and logs one warning for all of it.
///
/// The layer's [`FullPolicy`](solent_layer::FullPolicy) decides what is lost. `RefuseNewest`, the default, keeps what waits and
/// loses what comes. `DropOldest` loses what has waited longest, for positions and prices, where only the newest counts; of ready
/// frames, which the socket has already, it loses the newest. `Disconnect` closes the member's socket with code 1013, for clients
/// that fetch everything when they connect.
pub struct Group<E: ?Sized> {
    name: GroupName,
    event: PhantomData<fn(&E)>,
}

impl<E: ?Sized> Group<E> {
    /// The group called `name`.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a name that breaks the rules of [`GroupName`]: 1 to 99 ASCII letters, digits, `-`, `_` or `.`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
        name.as_ref().parse()
    }

    /// The group's name.
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// Sends an event to every member, from anywhere; consumers have
    /// [`send_to`](crate::ConsumerContext::send_to).
    ///
    /// # Errors
    ///
    /// An event that cannot be encoded, or is larger than the layer carries; a layer that is closed or out of reach.
    /// Never a full member: the report counts those.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some members without the event; none gets it twice.
    pub async fn send(
        &self,
        layer: &impl ChannelLayer,
        event: &E,
    ) -> Result<GroupReport, ContextError>
    where
        E: Serialize,
    {
        let message = Message::encode(event)?;
        Ok(layer.group_send(&self.name, message).await?)
    }

    /// Sends a WebSocket message to the clients of every member, as it is: encoded, framed and compressed once.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn broadcast(
        &self,
        layer: &impl ChannelLayer,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        broadcast(layer, &self.name, frame).await
    }
}

/// A group that a consumer with events of the type `E` can join: a [`Group`] whose events become an `E` by `From`, or a
/// [`FrameGroup`]. Sealed.
///
/// A consumer that joins groups of several kinds has an event type that says so. It is decoded from what each group is
/// sent, so `untagged` fits enums of events that have tags of their own:
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum Said { #[serde(rename = "chat.message")] Message { text: String } }
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum Price { #[serde(rename = "price.changed")] Changed { cents: u64 } }
///
/// #[derive(Deserialize)]
/// #[serde(untagged)]
/// enum Event { Said(Said), Price(Price) }
///
/// impl From<Said> for Event {
///     fn from(said: Said) -> Self {
///         Self::Said(said)
///     }
/// }
///
/// impl From<Price> for Event {
///     fn from(price: Price) -> Self {
///         Self::Price(price)
///     }
/// }
/// ```
///
/// The compiler refuses any other group:
///
/// ```compile_fail,E0277
/// use solent_consumers::{ConsumerContext, Group};
///
/// struct Said;
/// struct Price;
///
/// async fn join(cx: &mut ConsumerContext<Said>, prices: &Group<Price>) {
///     cx.join(prices).await;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a consumer whose `Event` is `{E}` cannot join `{Self}`",
    note = "implement `From` of the group's events for the consumer's `Event`, or make it the consumer's `Event`"
)]
pub trait GroupFor<E>: AsRef<GroupName> + Sync + sealed::Sealed {}

impl<E: From<G>, G> GroupFor<E> for Group<G> {}
impl<E> GroupFor<E> for FrameGroup {}

mod sealed {
    pub trait Sealed {}
    impl<G: ?Sized> Sealed for super::Group<G> {}
    impl Sealed for super::FrameGroup {}
}

/// A group that gets ready frames and no events, open to consumers of every kind. Cheap to clone.
///
/// ```
/// use solent_consumers::FrameGroup;
///
/// let ticker: FrameGroup = "ticker".parse()?;
/// # Ok::<(), solent_spec::BoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameGroup(GroupName);

impl FrameGroup {
    /// Sends a WebSocket message to the clients of every member; see [`Group::broadcast`].
    ///
    /// # Errors
    ///
    /// As [`Group::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Group::send`].
    pub async fn broadcast(
        &self,
        layer: &impl ChannelLayer,
        frame: impl Into<SharedFrame>,
    ) -> Result<GroupReport, ContextError> {
        broadcast(layer, &self.0, frame).await
    }
}

impl FromStr for FrameGroup {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        name.parse().map(Self)
    }
}

impl AsRef<GroupName> for FrameGroup {
    fn as_ref(&self) -> &GroupName {
        &self.0
    }
}

async fn broadcast(
    layer: &impl ChannelLayer,
    group: &GroupName,
    frame: impl Into<SharedFrame>,
) -> Result<GroupReport, ContextError> {
    Ok(layer.group_send(group, Message::ready(frame)).await?)
}

impl<E: ?Sized> AsRef<GroupName> for Group<E> {
    fn as_ref(&self) -> &GroupName {
        &self.name
    }
}

impl<E: ?Sized> From<GroupName> for Group<E> {
    fn from(name: GroupName) -> Self {
        Self {
            name,
            event: PhantomData,
        }
    }
}

impl<E: ?Sized> FromStr for Group<E> {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Ok(name.parse::<GroupName>()?.into())
    }
}

impl<E: ?Sized> TryFrom<&str> for Group<E> {
    type Error = BoxError;

    fn try_from(name: &str) -> Result<Self> {
        Ok(name.parse()?)
    }
}

impl<E: ?Sized> Clone for Group<E> {
    fn clone(&self) -> Self {
        self.name.clone().into()
    }
}

impl<E: ?Sized> PartialEq for Group<E> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<E: ?Sized> Eq for Group<E> {}

impl<E: ?Sized> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({})", self.name)
    }
}
