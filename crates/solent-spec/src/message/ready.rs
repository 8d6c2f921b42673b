//! Ready frames as MessagePack maps: `{"type": "websocket.send", "text": …}` or `"bytes"`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Message;
use crate::websocket::Frame;

#[derive(Serialize)]
struct Outgoing<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    bytes: Option<&'a [u8]>,
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(default)]
    text: Option<String>,
    #[serde(default, with = "serde_bytes")]
    bytes: Option<Vec<u8>>,
}

pub(super) fn encode(frame: &Frame) -> Bytes {
    let outgoing = match frame {
        Frame::Text(text) => Outgoing {
            r#type: Message::READY,
            text: Some(text),
            bytes: None,
        },
        Frame::Binary(bytes) => Outgoing {
            r#type: Message::READY,
            text: None,
            bytes: Some(bytes),
        },
    };
    // A map of two strings or bytes cannot fail to serialize into memory.
    rmp_serde::to_vec_named(&outgoing)
        .unwrap_or_default()
        .into()
}

/// The frame, if exactly one of `text` and `bytes` is there and not nil.
pub(super) fn decode(map: &[u8]) -> Option<Frame> {
    let incoming: Incoming = rmp_serde::from_slice(map).ok()?;
    match (incoming.text, incoming.bytes) {
        (Some(text), None) => Some(Frame::text(text)),
        (None, Some(bytes)) => Some(Frame::binary(bytes)),
        _ => None,
    }
}
