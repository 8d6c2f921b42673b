//! What is shared with channels_redis, to the byte: keys, names, shards and payloads. No I/O.
//!
//! A payload is made from the inside out: a message is checked and written by a
//! [`Serializer`], encrypted by a [`Cipher`], and preceded by random bytes. [`Payloads`] does all of it, both ways.

mod address;
mod cipher;
mod error;
mod field;
mod json;
mod key;
mod msgpack;
mod names;
mod payload;
mod ring;
mod score;
mod serializer;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    address::{AddressList, Addressees, take_channels},
    cipher::Cipher,
    error::{DecodeError, EncodeError},
    key::Keys,
    names::ProcessId,
    payload::Payloads,
    ring::Ring,
    score::{Clock, score_text},
};
pub use self::{
    json::Json,
    serializer::{MessagePack, Serializer},
};
