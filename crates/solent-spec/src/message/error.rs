//! Why a message could not be encoded or decoded.

use crate::BoxError;

/// A value cannot be a message.
#[derive(Debug, thiserror::Error)]
#[error("event cannot be encoded as a message, {hint}")]
pub struct EncodeError {
    hint: &'static str,
    source: Option<BoxError>,
}

impl EncodeError {
    pub(super) fn value(source: rmp_serde::encode::Error) -> Self {
        Self {
            hint: "one of its fields is of a kind that MessagePack does not have",
            source: Some(source.into()),
        }
    }

    pub(super) fn not_a_map() -> Self {
        Self {
            hint: "it must be a map with string keys and no `type` but a string: a struct, or an enum with #[serde(tag = \"type\")]",
            source: None,
        }
    }
}

/// A message is not what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct DecodeError {
    what: &'static str,
    source: Option<BoxError>,
}

impl DecodeError {
    pub(super) fn shape(source: rmp_serde::decode::Error) -> Self {
        Self {
            what: "message does not have the expected shape",
            source: Some(source.into()),
        }
    }

    pub(super) fn not_a_map() -> Self {
        Self {
            what: "message is not a MessagePack map",
            source: None,
        }
    }
}
