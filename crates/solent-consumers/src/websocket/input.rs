//! What a client's messages are read as.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use solent_spec::{
    BoxError, Chain,
    json::{self, InvalidJson},
    websocket::{Close, CloseCode, Frame},
};

/// A value that is nested further is refused, as each level costs a reader some of its stack. The same as for JSON.
const MAX_DEPTH: usize = 128;

/// What a WebSocket consumer's `receive` takes, made from a client's message.
///
/// [`Frame`] is the message itself, [`String`] any text, [`Bytes`] any binary message, [`Json`] and [`MessagePack`] are
/// values. Implement it for a protocol of your own:
///
/// ```
/// use solent_consumers::{FromFrame, InvalidFrame};
/// use solent_spec::websocket::{CloseCode, Frame};
///
/// /// A move in a game: two bytes.
/// struct Move { x: i8, y: i8 }
///
/// impl FromFrame for Move {
///     fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
///         match *frame.as_bytes() {
///             [x, y] => Ok(Self { x: x as i8, y: y as i8 }),
///             _ => Err(InvalidFrame::new(frame, CloseCode::UNSUPPORTED_DATA, "a move has two bytes")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made from a WebSocket message",
    note = "use `Frame`, `String`, `Bytes`, `Json<T>`, `MessagePack<T>`, or implement `FromFrame`"
)]
pub trait FromFrame: Sized + Send {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`InvalidFrame`] for a message that is something else. The consumer's `invalid` is called with it.
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame>;
}

/// A client's message is not what the consumer takes.
pub struct InvalidFrame(Box<Invalid>);

struct Invalid {
    frame: Frame,
    close: Close,
    cause: BoxError,
}

impl InvalidFrame {
    /// A message that is refused, with the code to close with. The cause's text is the close's reason.
    pub fn new(frame: Frame, code: CloseCode, cause: impl Into<BoxError>) -> Self {
        let cause = cause.into();
        let close = Close::new(code, &Chain(&*cause).to_string());
        Self(Box::new(Invalid {
            frame,
            close,
            cause,
        }))
    }

    fn json(frame: Frame, error: InvalidJson) -> Self {
        Self::new(frame, error.close().code, error)
    }

    /// The message.
    pub fn frame(&self) -> &Frame {
        &self.0.frame
    }

    /// What to close the connection with. The reason says what is wrong with the message.
    pub fn close(&self) -> Close {
        self.0.close.clone()
    }
}

impl fmt::Display for InvalidFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.cause.fmt(f)
    }
}

impl fmt::Debug for InvalidFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidFrame")
            .field("frame", &self.0.frame)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for InvalidFrame {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.source()
    }
}

/// A value that the client sends as a text message of JSON; [`serde_json::Value`] takes any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is a wrapper to be taken apart"
)]
pub struct Json<T>(pub T);

/// A value that the client sends as a binary message of MessagePack, with structs as maps or as arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is a wrapper to be taken apart"
)]
pub struct MessagePack<T>(pub T);

impl FromFrame for Frame {
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
        Ok(frame)
    }
}

impl FromFrame for String {
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
        match frame.as_text() {
            Some(text) => Ok(text.to_owned()),
            None => Err(wrong_kind(frame, "binary message where text is expected")),
        }
    }
}

impl FromFrame for Bytes {
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
        match frame {
            Frame::Binary(bytes) => Ok(bytes),
            Frame::Text(_) => Err(wrong_kind(frame, "text where a binary message is expected")),
        }
    }
}

impl<T: DeserializeOwned + Send> FromFrame for Json<T> {
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
        let read = match frame.as_text() {
            Some(text) => json::from_str(text),
            None => Err(InvalidJson::Binary),
        };
        read.map(Self)
            .map_err(|error| InvalidFrame::json(frame, error))
    }
}

impl<T: DeserializeOwned + Send> FromFrame for MessagePack<T> {
    fn from_frame(frame: Frame) -> Result<Self, InvalidFrame> {
        let Frame::Binary(bytes) = &frame else {
            return Err(wrong_kind(frame, "text where MessagePack is expected"));
        };
        let mut rest: &[u8] = bytes;
        let mut reader = rmp_serde::Deserializer::new(&mut rest);
        reader.set_max_depth(MAX_DEPTH);
        let read = T::deserialize(&mut reader).map_err(BoxError::from);
        let read = match read {
            Ok(_) if !rest.is_empty() => Err("bytes after the value".into()),
            read => read,
        };
        read.map(Self)
            .map_err(|cause| InvalidFrame::new(frame, CloseCode::INVALID_DATA, cause))
    }
}

fn wrong_kind(frame: Frame, cause: &str) -> InvalidFrame {
    InvalidFrame::new(frame, CloseCode::UNSUPPORTED_DATA, cause)
}

/// What a connection is closed with by default for a message that does not fit. Logged, as the client cannot tell the operator.
pub(super) fn close_for(error: &InvalidFrame) -> Close {
    let close = error.close();
    tracing::debug!(
        target: "solent::consumers",
        code = close.code.as_u16(),
        error = %Chain(error),
        "closing a connection, what its client sent does not fit"
    );
    close
}
