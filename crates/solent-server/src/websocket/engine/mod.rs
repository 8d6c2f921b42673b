//! The WebSocket protocol without I/O: RFC 6455 and RFC 7692, for servers.
//!
//! Bytes in, events out ([`Decoder`]); messages in, bytes out ([`encode`] and its siblings). Nothing here reads,
//! writes, waits or looks at a clock, and a decoder between two messages owns no memory.

mod decoder;
mod deflate;
mod encoder;
mod header;
mod mask;
mod message;
mod utf8;
mod violation;

pub(crate) use self::{
    decoder::{Decoded, Decoder, Fragments, Limits},
    deflate::{Agreed, Deflater, Inflater, negotiate},
    encoder::{close, encode, head, ping, pong, ready},
    violation::Violation,
};

#[cfg(test)]
mod tests;
