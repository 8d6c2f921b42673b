//! What travels through a channel layer.

mod codec;
mod error;
mod kind;
mod ready;

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub use self::error::{DecodeError, EncodeError};
pub use crate::mismatch::Mismatch;
use crate::{mismatch::mismatch, websocket::SharedFrame};

/// A message: a MessagePack map that normally has a `type`. Cheap to clone.
///
/// It is the same map that Channels sends, so both can read each other's. It is encoded once, when it is made, and
/// decoded once per process, however many consumers receive it:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solent_spec::Message;
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum RoomEvent {
///     #[serde(rename = "chat.message")]
///     Message { message: String },
/// }
///
/// let message = Message::encode(&RoomEvent::Message { message: "hello".into() })?;
///
/// assert_eq!(message.kind(), Some("chat.message"));
/// let RoomEvent::Message { message } = &*message.decode::<RoomEvent>()?;
/// assert_eq!(message, "hello");
/// # Ok::<(), solent_spec::BoxError>(())
/// ```
///
/// # Bytes
///
/// A field of type `Vec<u8>`, `&[u8]` or `Bytes` is bytes in the message, as `bytes` are in Python, and reads both bytes and
/// lists of numbers. So does one with `#[serde(with = "serde_bytes")]`, which is read quicker and worth it for large ones.
/// Two things serde does not show: an empty `Vec<u8>` is written as an empty list, and an array such as `[u8; 16]` as a
/// list of numbers; both are bytes with `serde_bytes`. A list of small numbers that Python is to see as a list is a
/// `Vec<u16>`.
///
/// # Ready frames
///
/// A message can carry a WebSocket message that is to be written to clients as it is: a map with the type
/// [`websocket.send`](Message::READY) and a `text` or `bytes`, which Channels can send as well. See
/// [`Message::ready`].
#[derive(Clone)]
pub struct Message(Arc<Inner>);

struct Inner {
    /// The MessagePack map; absent while a ready frame has not had to leave the process.
    encoded: OnceLock<Bytes>,
    /// The value of the map's `type`.
    kind: Option<Box<str>>,
    /// The frame of a ready message, or `None` once it is known that it is none.
    frame: OnceLock<Option<SharedFrame>>,
    /// The first type that the message was decoded as.
    decoded: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Message {
    /// The type of a message that carries a ready frame.
    pub const READY: &'static str = "websocket.send";

    /// Encodes an event: a struct, or an enum with `#[serde(tag = "type")]`.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for a value that is no map with string keys, or that MessagePack cannot express.
    pub fn encode<E: Serialize + ?Sized>(event: &E) -> Result<Self, EncodeError> {
        let bytes = codec::encode(event).map_err(EncodeError::value)?;
        Self::from_encoded(bytes.into()).map_err(|_| EncodeError::not_a_map())
    }

    /// Takes a message that another process encoded.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for bytes that are not one whole MessagePack map with string keys.
    pub fn from_encoded(bytes: Bytes) -> Result<Self, DecodeError> {
        let kind = kind::read(&bytes)?;
        let message = Self::new(kind);
        let _ = message.0.encoded.set(bytes);
        Ok(message)
    }

    /// A message that carries a frame to be written to clients as it is.
    pub fn ready(frame: impl Into<SharedFrame>) -> Self {
        let message = Self::new(Some(Self::READY.into()));
        let _ = message.0.frame.set(Some(frame.into()));
        message
    }

    fn new(kind: Option<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            encoded: OnceLock::new(),
            kind,
            frame: OnceLock::new(),
            decoded: OnceLock::new(),
        }))
    }

    /// The map's `type`, which says what handles the message.
    pub fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    /// The MessagePack map.
    pub fn encoded(&self) -> &Bytes {
        self.0.encoded.get_or_init(|| match self.0.frame.get() {
            Some(Some(frame)) => ready::encode(frame.frame()),
            // A message is made of a map or of a frame.
            _ => Bytes::from_static(&[0x80]),
        })
    }

    /// How many bytes the message carries, nearly: of its map, or of its frame where it has not been encoded.
    pub fn size(&self) -> usize {
        match (self.0.encoded.get(), self.0.frame.get()) {
            (Some(map), _) => map.len(),
            (None, Some(Some(frame))) => frame.frame().len(),
            (None, _) => 0,
        }
    }

    /// The message as a typed event. The first type it is asked for is decoded once and shared from then on.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a map that is not of the shape of `E`.
    pub fn decode<E: DeserializeOwned + Send + Sync + 'static>(
        &self,
    ) -> Result<Arc<E>, DecodeError> {
        if let Some(event) = self
            .0
            .decoded
            .get()
            .and_then(|event| Arc::clone(event).downcast().ok())
        {
            return Ok(event);
        }
        let event: Arc<E> = Arc::new(codec::decode(self.encoded()).map_err(DecodeError::shape)?);
        let _ = self
            .0
            .decoded
            .set(Arc::clone(&event) as Arc<dyn Any + Send + Sync>);
        Ok(event)
    }

    /// Which field of a message that cannot be [decoded](Self::decode) as an `E` is to blame, and why; never what is in it.
    /// Decodes the message several times, so for those that failed.
    pub fn mismatch<E: DeserializeOwned>(&self) -> Mismatch {
        let encoded = self.encoded();
        mismatch::<E>(rmp_serde::from_slice(encoded).ok(), encoded.len())
    }

    /// The frame of a message that carries one; `None` for every other message.
    pub fn ready_frame(&self) -> Option<&SharedFrame> {
        if self.kind() != Some(Self::READY) {
            return None;
        }
        self.0
            .frame
            .get_or_init(|| ready::decode(self.0.encoded.get()?).map(SharedFrame::new))
            .as_ref()
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.encoded() == other.encoded()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents may be private; the type is not.
        f.debug_struct("Message")
            .field("type", &self.kind())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::websocket::Frame;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Event {
        #[serde(rename = "chat.message")]
        Chat { message: String, n: i64 },
    }

    #[test]
    fn typed_event_is_a_map_with_a_type() {
        let message = Message::encode(&Event::Chat {
            message: "hi".into(),
            n: -1,
        })
        .unwrap();

        assert_eq!(message.kind(), Some("chat.message"));
        let map: BTreeMap<String, serde_json::Value> =
            rmp_serde::from_slice(message.encoded()).unwrap();
        assert_eq!(map["message"], "hi");
        assert_eq!(map["n"], -1);
        assert_eq!(map["type"], "chat.message");
    }

    #[test]
    fn event_is_decoded_once() {
        let message = Message::encode(&Event::Chat {
            message: "hi".into(),
            n: 1,
        })
        .unwrap();

        let (one, two) = (
            message.decode::<Event>().unwrap(),
            message.clone().decode::<Event>().unwrap(),
        );

        assert!(Arc::ptr_eq(&one, &two));
        assert!(
            message
                .decode::<BTreeMap<String, serde_json::Value>>()
                .is_ok(),
            "another type is decoded as well"
        );
    }

    #[test]
    fn what_is_no_map_is_refused() {
        assert!(Message::encode("text").is_err());
        assert!(Message::encode(&[1, 2]).is_err());
        for bytes in [&b""[..], b"\x90", b"\x81", b"\x80\x80", b"\x81\xa4type"] {
            assert!(
                Message::from_encoded(Bytes::copy_from_slice(bytes)).is_err(),
                "{bytes:?}"
            );
        }
        assert_eq!(
            Message::from_encoded(Bytes::from_static(b"\x80"))
                .unwrap()
                .kind(),
            None
        );
    }

    #[test]
    fn ready_frame_survives_the_wire() {
        for frame in [
            Frame::text("hé"),
            Frame::binary(vec![0, 255]),
            Frame::text(""),
        ] {
            let sent = Message::ready(frame.clone());
            let received = Message::from_encoded(sent.encoded().clone()).unwrap();

            assert_eq!(received.kind(), Some("websocket.send"));
            assert_eq!(received.ready_frame().unwrap().frame(), &frame);
        }
    }

    #[test]
    fn only_a_ready_message_has_a_frame() {
        let message =
            Message::encode(&BTreeMap::from([("type", "chat.message"), ("text", "x")])).unwrap();
        let broken =
            Message::encode(&BTreeMap::from([("type", "websocket.send"), ("txet", "x")])).unwrap();

        assert!(message.ready_frame().is_none());
        assert!(broken.ready_frame().is_none());
    }
}
