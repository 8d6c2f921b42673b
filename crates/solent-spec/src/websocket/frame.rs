//! One WebSocket message.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tungstenite::Utf8Bytes;

use crate::json::{self, InvalidJson};

/// A whole WebSocket message, text or binary. Cheap to clone: the payload is shared.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 6455 has these two kinds of data and no other"
)]
pub enum Frame {
    /// Text, valid UTF-8.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl Frame {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// The text, if it is a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload's length in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty. An empty message is a message.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Whether it is a text message.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload may be private; its size is not.
        let kind = if self.is_text() { "Text" } else { "Binary" };
        write!(f, "{kind}({} bytes)", self.len())
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Utf8Bytes> for Frame {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl Frame {
    /// A text message with `value` as JSON.
    ///
    /// # Errors
    ///
    /// A value that JSON does not have: NaN, infinities, and maps whose keys are neither strings nor numbers.
    pub fn from_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        json::to_string(value).map(Self::text)
    }

    /// The payload read as JSON, unchanged or not at all. Binary messages are read as well as text.
    ///
    /// # Errors
    ///
    /// A payload that is no JSON, not of the shape of `T`, or that would be changed; the client's fault, which a handler of a
    /// consumer passes on with `?`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, InvalidJson> {
        match self {
            Self::Text(text) => json::from_str(text),
            Self::Binary(bytes) => json::from_slice(bytes),
        }
    }
}
