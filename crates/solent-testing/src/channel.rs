//! Workers.

use serde::Serialize;
use solent_spec::{Application, Channel, Message, channel::ChannelScope};

use crate::{Communicator, CommunicatorConfig, CommunicatorError};

/// Sends messages to an application of the channel protocol, as a worker does that listens on a channel.
///
/// Such an application answers through the channel layer, if at all; [`settle`](Self::settle) lets it go as far as it
/// can.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
///
/// use solent_spec::{Channel, Connection, Result, channel::ChannelScope};
/// use solent_testing::ChannelCommunicator;
///
/// static MADE: AtomicU32 = AtomicU32::new(0);
///
/// async fn thumbnails(mut connection: Connection<Channel>) -> Result {
///     while let Some(message) = connection.receive().await {
///         if message.kind() == Some("image.uploaded") {
///             MADE.fetch_add(1, Relaxed);
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let mut worker = ChannelCommunicator::start(thumbnails, ChannelScope::new("thumbnails"));
/// worker.send_event(&serde_json::json!({ "type": "image.uploaded", "id": 7 })).await?;
/// worker.end().await?;
/// assert_eq!(MADE.load(Relaxed), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the application's messages end when the communicator is dropped"]
pub struct ChannelCommunicator {
    communicator: Communicator<Channel>,
}

impl ChannelCommunicator {
    /// Starts `application` with a scope, which has the channel's name.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(application: impl Application<Channel>, scope: ChannelScope) -> Self {
        Self::with_config(application, scope, CommunicatorConfig::default())
    }

    /// The same with settings.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn with_config(
        application: impl Application<Channel>,
        scope: ChannelScope,
        config: CommunicatorConfig,
    ) -> Self {
        let communicator = Communicator::with_rules(application, scope, crate::AnyOrder, config);
        Self { communicator }
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The application has ended, or does not read.
    pub async fn send(&mut self, message: Message) -> Result<(), CommunicatorError> {
        self.communicator.send_input(message).await
    }

    /// Sends an event as a message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Request`](CommunicatorError::Request) for an event that is no message.
    pub async fn send_event<E: Serialize + ?Sized>(
        &mut self,
        event: &E,
    ) -> Result<(), CommunicatorError> {
        let message = Message::encode(event).map_err(CommunicatorError::request)?;
        self.send(message).await
    }

    /// Lets the application go as far as it can; see [`Communicator::settle`].
    pub async fn settle(&self) {
        self.communicator.settle().await;
    }

    /// Ends the messages and waits until the application has ended.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn end(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.end_input();
        self.communicator.wait().await
    }

    /// Waits until the application has ended; see [`Communicator::wait`].
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn wait(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.wait().await
    }
}
