//! JSON as Python writes and reads it.

mod number;
mod read;
mod text;
mod write;

use bytes::Bytes;
use solent_spec::{BoxError, Message};

pub(super) use self::number::push_repr;
use super::serializer::Serializer;

/// JSON, as Python's `json` writes it by default: ASCII, a space after each comma and colon, `NaN` and `Infinity` as they
/// are. For those who read Redis with their eyes; [`MessagePack`](crate::MessagePack) is smaller and cheaper.
///
/// It has no bytes: they are sent as a list of numbers, which a `Vec<u8>` reads, and which Python gets as a list; bytes as a
/// key are refused when a message is sent, as is all that [`MessagePack`](crate::MessagePack) refuses. What is read may be UTF-8, UTF-16 or UTF-32. Other than in Python, an
/// integer beyond 64 bits and half of a surrogate pair are refused, since a message cannot have them, and a map that has
/// a key twice keeps both.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Json;

impl Json {
    /// The serializer.
    pub fn new() -> Self {
        Self
    }
}

impl Serializer for Json {
    fn serialize(&self, message: &Message) -> Result<Bytes, BoxError> {
        Ok(write::write(message.encoded())?.into())
    }

    fn deserialize(&self, body: Bytes) -> Result<Message, BoxError> {
        let text = text::decode(&body)?;
        Ok(Message::from_encoded(read::read(&text)?.into())?)
    }
}
