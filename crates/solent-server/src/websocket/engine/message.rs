//! A message that arrives in pieces.

use bytes::Bytes;
use solent_spec::websocket::Frame;
use tungstenite::protocol::frame::coding::Data;

use super::{Violation, utf8::Utf8Text};

/// Memory that is set aside at once for what a peer has only announced.
const RESERVE: u64 = 64 * 1024;

/// The message so far.
#[derive(Debug)]
pub(super) enum Message {
    Text(Utf8Text),
    Binary(Vec<u8>),
    /// Compressed bytes; they are inflated when all are there, so that one inflater can serve many connections.
    Compressed {
        text: bool,
        bytes: Vec<u8>,
    },
}

impl Message {
    pub(super) fn new(data: Data, compressed: bool) -> Self {
        let text = data == Data::Text;
        match (compressed, text) {
            (true, text) => Self::Compressed {
                text,
                bytes: Vec::new(),
            },
            (false, true) => Self::Text(Utf8Text::default()),
            (false, false) => Self::Binary(Vec::new()),
        }
    }

    /// An empty message with room for so much, which is known to come.
    pub(super) fn with_room(text: bool, len: usize) -> Self {
        if text {
            let mut text = Utf8Text::default();
            text.reserve(len);
            Self::Text(text)
        } else {
            Self::Binary(Vec::with_capacity(len))
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) | Self::Compressed { bytes, .. } => bytes.len(),
        }
    }

    /// Makes room for a frame's payload, as far as it is safe to believe its announcement.
    pub(super) fn reserve(&mut self, announced: u64) {
        let additional = announced.min(RESERVE) as usize;
        match self {
            Self::Text(text) => text.reserve(additional),
            Self::Binary(bytes) | Self::Compressed { bytes, .. } => bytes.reserve(additional),
        }
    }

    pub(super) fn push(&mut self, payload: &[u8]) -> Result<(), Violation> {
        match self {
            Self::Text(text) => text.push(payload)?,
            Self::Binary(bytes) | Self::Compressed { bytes, .. } => {
                bytes.extend_from_slice(payload)
            }
        }
        Ok(())
    }

    /// The whole message, which is not compressed any more.
    pub(super) fn finish(self) -> Result<Frame, Violation> {
        match self {
            Self::Text(text) => text.finish().map(Frame::from),
            Self::Binary(bytes) => Ok(bytes.into()),
            Self::Compressed { .. } => Err(Violation::NOT_DEFLATE),
        }
    }
}

#[cfg(test)]
impl Message {
    /// Bytes set aside.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) | Self::Compressed { bytes, .. } => bytes.capacity(),
        }
    }
}

/// A message of bytes that are plain and all there.
pub(super) fn frame(text: bool, bytes: Bytes) -> Result<Frame, Violation> {
    if text {
        bytes
            .try_into()
            .map(Frame::Text)
            .map_err(|_| Violation::NOT_UTF8)
    } else {
        Ok(Frame::Binary(bytes))
    }
}
