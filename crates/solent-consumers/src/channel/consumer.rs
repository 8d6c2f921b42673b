//! The trait of channel consumers.

use std::future::Future;

use solent_spec::{Result, channel::ChannelScope};

use crate::{ChannelApplication, ChannelContext, ConsumerEvent};

/// Handles the messages of a named channel, in a [`Worker`](crate::Worker): one value for all of them, as long as none
/// fails.
///
/// A message that is not of the event type, such as one with an unknown `type`, is logged as a warning with its type, the field
/// that is wrong and why,
/// counted ([`ConsumerCounts::unknown_events`](crate::ConsumerCounts::unknown_events)) and dropped. An error or a panic
/// of the handler ends the consumer; the worker makes a new one, which goes on with the next message. The message that
/// failed is not tried again: a handler that wants it to be sends it once more.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solent_consumers::{ChannelConsumer, ChannelContext};
/// use solent_spec::Result;
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum Thumbnail {
///     #[serde(rename = "thumbnail.make")]
///     Make { image: u64 },
/// }
///
/// struct Thumbnails;
///
/// impl ChannelConsumer for Thumbnails {
///     type Event = Thumbnail;
///
///     async fn handle(&mut self, _: &mut ChannelContext<Thumbnail>, event: &Thumbnail) -> Result {
///         match event {
///             Thumbnail::Make { image } => println!("image {image}"),
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a channel consumer")]
pub trait ChannelConsumer: Sized + Send + 'static {
    /// What comes through the channel.
    type Event: ConsumerEvent;

    /// The alias of the channel layer that the consumer sends through.
    const LAYER: &'static str = "default";

    /// The application that makes a consumer by `Default`, for a [`Worker`](crate::Worker) to run.
    fn application() -> ChannelApplication<Self>
    where
        Self: Default,
    {
        Self::application_with(|_| Ok(Self::default()))
    }

    /// The application that makes a consumer with `factory`, for a [`Worker`](crate::Worker) to run.
    fn application_with(
        factory: impl Fn(&ChannelScope) -> Result<Self> + Send + Sync + 'static,
    ) -> ChannelApplication<Self> {
        ChannelApplication::new(factory)
    }

    /// A message has arrived.
    fn handle(
        &mut self,
        cx: &mut ChannelContext<Self::Event>,
        event: &Self::Event,
    ) -> impl Future<Output = Result> + Send;

    /// The consumer's last call: its worker stops, or its handler failed. Called exactly once for every consumer that was
    /// made; if the worker gave up on a handler, in a task of its own with a deadline. Default: does nothing.
    fn disconnect(
        &mut self,
        cx: &mut ChannelContext<Self::Event>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }
}
