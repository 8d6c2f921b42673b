//! How a message becomes bytes.

use bytes::Bytes;
use solent_spec::{BoxError, Message};

use super::msgpack::{Extensions, check};

/// How messages are written and read. All processes that share a layer must have the same one.
///
/// Encryption and what makes messages distinct are the layer's business, and come after it.
pub trait Serializer: Send + Sync + 'static {
    /// Writes a message.
    ///
    /// # Errors
    ///
    /// Any, for a message that the readers would not understand. It fails the send, and should name the field.
    fn serialize(&self, message: &Message) -> Result<Bytes, BoxError>;

    /// Reads what another process wrote. It may be anything, of any length, and must not panic.
    ///
    /// # Errors
    ///
    /// Any, for bytes that are no message. The message is dropped and counted.
    fn deserialize(&self, body: Bytes) -> Result<Message, BoxError>;
}

/// MessagePack, as Python's `msgpack` writes and reads it by default. It costs one pass over the message and no copy,
/// since a [`Message`] is MessagePack already.
///
/// What Python could not read, or would read as something else, is refused when it is sent: keys that are neither strings
/// nor bytes, extension types, strings that are not UTF-8. The error names the field. Received messages may have
/// extension types.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct MessagePack;

impl MessagePack {
    /// The serializer.
    pub fn new() -> Self {
        Self
    }
}

impl Serializer for MessagePack {
    fn serialize(&self, message: &Message) -> Result<Bytes, BoxError> {
        check(message.encoded(), Extensions::Refused)?;
        Ok(message.encoded().clone())
    }

    fn deserialize(&self, body: Bytes) -> Result<Message, BoxError> {
        check(&body, Extensions::Accepted)?;
        Ok(Message::from_encoded(body)?)
    }
}
