//! Why a payload cannot be made or read.

use solent_spec::BoxError;

use super::{address, cipher::CipherError};

/// A message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// The user's message has the key that the layer addresses messages with.
    #[error(
        "message has the key `{}`, which is the layer's own, call it something else",
        address::KEY
    )]
    Addressed,

    /// The serializer refuses the message; its error names the field.
    #[error("message cannot be written so that every reader understands it")]
    Serializer(#[source] BoxError),
}

/// A payload is not a message of this layer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// It is shorter than the random bytes before it.
    #[error("payload is shorter than its random prefix, all processes need the same prefix length")]
    Short,

    /// It is not encrypted with a key of this layer, or is too old.
    #[error("payload cannot be decrypted")]
    Cipher(#[from] CipherError),

    /// The serializer does not understand it.
    #[error("payload is no message, all processes need the same serializer and encryption")]
    Serializer(#[source] BoxError),
}
