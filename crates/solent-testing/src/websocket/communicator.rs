//! One WebSocket.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use solent_spec::{
    Application, WebSocket,
    websocket::{Close, CloseCode, Frame, Inbound, Outbound},
};

use super::{Accepted, Answer, rules::WebSocketRules, sink};
use crate::{
    Communicator, CommunicatorConfig, CommunicatorError, TestRequest, communicator::within,
};

/// A WebSocket client of an application, in process.
///
/// ```
/// use solent_spec::{Connection, Result, WebSocket, websocket::{Inbound, Outbound}};
/// use solent_testing::WebSocketCommunicator;
///
/// async fn echo(mut connection: Connection<WebSocket>) -> Result {
///     while let Some(event) = connection.receive().await {
///         match event {
///             Inbound::Connect => connection.send(Outbound::accept()).await?,
///             Inbound::Message(frame) => connection.send(frame.into()).await?,
///             Inbound::Disconnect(_) => break,
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result {
/// let mut client = WebSocketCommunicator::start(echo, "/ws/")?;
/// client.connect().await?.accepted()?;
///
/// client.send_text("hello").await?;
/// assert_eq!(client.receive_text().await?, "hello");
/// client.receive_nothing().await?;
///
/// client.close(1000, "bye").await?;
/// # Ok(())
/// # }
/// ```
///
/// The client answers a close of the application's at once, with the same code; the application then receives its
/// disconnect.
#[derive(Debug)]
#[must_use = "the application learns that its client is gone when the communicator is dropped"]
pub struct WebSocketCommunicator {
    communicator: Communicator<WebSocket>,
}

impl WebSocketCommunicator {
    /// Starts `application` with a handshake, or the target of one.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn start(
        application: impl Application<WebSocket>,
        request: impl Into<TestRequest>,
    ) -> Result<Self, CommunicatorError> {
        Self::with_config(application, request, CommunicatorConfig::default())
    }

    /// The same with settings.
    ///
    /// # Errors
    ///
    /// A request that is none.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn with_config(
        application: impl Application<WebSocket>,
        request: impl Into<TestRequest>,
        config: CommunicatorConfig,
    ) -> Result<Self, CommunicatorError> {
        let scope = request.into().websocket_scope()?;
        let rules = WebSocketRules::new(scope.clone());
        let direct = Some(sink::direct as _);
        let communicator = Communicator::with_direct(application, scope, rules, direct, config);
        communicator.begin(Inbound::Connect);
        Ok(Self { communicator })
    }

    /// Waits for the answer to the handshake, which the application has received already. To be called once, first.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn connect(&mut self) -> Result<Answer, CommunicatorError> {
        const WANTED: &str = "an answer to the handshake";
        let timeout = self.communicator.config().timeout;
        let event = self.communicator.receive(WANTED).await?;
        within(timeout, WANTED, Answer::read(event)).await
    }

    /// Starts `application` and waits until it has accepted the handshake.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) and [`connect`](Self::connect); [`Unexpected`](CommunicatorError::Unexpected) if the
    /// application refuses.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub async fn open(
        application: impl Application<WebSocket>,
        request: impl Into<TestRequest>,
    ) -> Result<(Self, Accepted), CommunicatorError> {
        let mut client = Self::start(application, request)?;
        let accepted = client.connect().await?.accepted()?;
        Ok((client, accepted))
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The application has ended, or does not read.
    pub async fn send(&mut self, frame: impl Into<Frame>) -> Result<(), CommunicatorError> {
        self.communicator
            .send_input(Inbound::Message(frame.into()))
            .await
    }

    /// Sends a text message; an empty one is one as well.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), CommunicatorError> {
        self.send(text.into()).await
    }

    /// Sends a binary message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_binary(&mut self, data: impl Into<Vec<u8>>) -> Result<(), CommunicatorError> {
        self.send(data.into()).await
    }

    /// Sends a text message with `value` as JSON.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Request`](CommunicatorError::Request) for a value that JSON cannot express.
    pub async fn send_json<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), CommunicatorError> {
        let frame = Frame::from_json(value).map_err(CommunicatorError::request)?;
        self.send(frame).await
    }

    /// Receives the next message.
    ///
    /// # Errors
    ///
    /// [`Closed`](CommunicatorError::Closed) if the application closes instead; what it ended with; a time-out.
    pub async fn receive(&mut self) -> Result<Frame, CommunicatorError> {
        match self.communicator.receive("a message").await? {
            Outbound::Message(frame) => Ok(frame),
            Outbound::Shared(frame) => Ok(frame.frame().clone()),
            Outbound::Close(close) => Err(CommunicatorError::Closed(close)),
            event => Err(CommunicatorError::unexpected("a message", describe(&event))),
        }
    }

    /// Receives the next message, which has to be text.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive); [`Unexpected`](CommunicatorError::Unexpected) for a binary one.
    pub async fn receive_text(&mut self) -> Result<String, CommunicatorError> {
        match self.receive().await? {
            Frame::Text(text) => Ok(text.as_str().to_owned()),
            frame => Err(CommunicatorError::unexpected(
                "text",
                describe_frame(&frame),
            )),
        }
    }

    /// Receives the next message, which has to be binary.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive); [`Unexpected`](CommunicatorError::Unexpected) for text.
    pub async fn receive_binary(&mut self) -> Result<Vec<u8>, CommunicatorError> {
        match self.receive().await? {
            Frame::Binary(data) => Ok(data.into()),
            frame => Err(CommunicatorError::unexpected(
                "binary",
                describe_frame(&frame),
            )),
        }
    }

    /// Receives the next message, which has to be text, and reads it as JSON.
    ///
    /// # Errors
    ///
    /// As [`receive_text`](Self::receive_text); [`Unexpected`](CommunicatorError::Unexpected) for text that is no `T`.
    pub async fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T, CommunicatorError> {
        let text = self.receive_text().await?;
        serde_json::from_str(&text).map_err(|error| {
            CommunicatorError::unexpected("JSON of another shape", format!("{text:?} ({error})"))
        })
    }

    /// Checks that the application sends nothing; see [`Communicator::receive_nothing`].
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) with what was sent; what the application failed with.
    pub async fn receive_nothing(&mut self) -> Result<(), CommunicatorError> {
        let quiet = self.communicator.config().quiet;
        self.receive_nothing_for(quiet).await
    }

    /// Checks that the application sends nothing for `duration`.
    ///
    /// # Errors
    ///
    /// As [`receive_nothing`](Self::receive_nothing).
    pub async fn receive_nothing_for(
        &mut self,
        duration: Duration,
    ) -> Result<(), CommunicatorError> {
        self.communicator
            .receive_nothing_but(duration, describe)
            .await
    }

    /// Waits for the application to close the socket.
    ///
    /// # Errors
    ///
    /// [`Unexpected`](CommunicatorError::Unexpected) if it sends anything else before; what it ended with; a time-out.
    pub async fn receive_close(&mut self) -> Result<Close, CommunicatorError> {
        match self.communicator.receive("a close").await? {
            Outbound::Close(close) => Ok(close),
            event => Err(CommunicatorError::unexpected("a close", describe(&event))),
        }
    }

    /// Closes the socket from the client's side and waits until the application has ended.
    ///
    /// An application that has ended or closed already is not told again.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), CommunicatorError> {
        let close = Close::new(CloseCode::from_u16(code), reason);
        match self
            .communicator
            .send_input(Inbound::Disconnect(close))
            .await
        {
            Ok(()) | Err(CommunicatorError::Ended(_)) => self.wait().await,
            Err(error) => Err(error),
        }
    }

    /// Loses the connection, without a close: the application receives [`CloseCode::ABNORMAL`]. Waits until it has ended.
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn disconnect(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.leave();
        self.wait().await
    }

    /// Waits until the application has ended; see [`Communicator::wait`].
    ///
    /// # Errors
    ///
    /// What the application ended with, or a time-out.
    pub async fn wait(&mut self) -> Result<(), CommunicatorError> {
        self.communicator.wait().await
    }

    /// The conversation event by event.
    pub fn events(&mut self) -> &mut Communicator<WebSocket> {
        &mut self.communicator
    }
}

/// An event with its text, which `Debug` keeps to itself.
fn describe(event: &Outbound) -> String {
    match event {
        Outbound::Message(frame) => describe_frame(frame),
        Outbound::Shared(frame) => describe_frame(frame.frame()),
        Outbound::Close(close) => format!("a close: {close}"),
        Outbound::Accept(_) => "an accept".into(),
        event => format!("{event:?}"),
    }
}

fn describe_frame(frame: &Frame) -> String {
    match frame {
        Frame::Text(text) => format!("text {:?}", text.as_str()),
        Frame::Binary(data) => format!("binary {data:?}"),
    }
}
