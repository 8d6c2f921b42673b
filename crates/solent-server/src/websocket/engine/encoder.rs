//! From messages to bytes.

use bytes::Bytes;
use solent_spec::websocket::{Close, Frame, WireVariant};

use super::deflate::{self, Deflater};
use crate::WebSocketConfig;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The longest header of a server's frame.
const MAX_HEAD: usize = 10;

fn opcode(frame: &Frame) -> u8 {
    if frame.is_text() { TEXT } else { BINARY }
}

/// The header of a frame that goes on the wire as it is, and the header's length.
pub(crate) fn head(frame: &Frame) -> ([u8; MAX_HEAD], usize) {
    header(FIN | opcode(frame), frame.len())
}

fn header(first: u8, len: usize) -> ([u8; MAX_HEAD], usize) {
    let mut head = [0; MAX_HEAD];
    head[0] = first;
    let size = match len {
        0..=125 => {
            head[1] = len as u8;
            2
        }
        126..=0xffff => {
            head[1] = 126;
            head[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(len as u64).to_be_bytes());
            MAX_HEAD
        }
    };
    (head, size)
}

fn push(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    let (head, size) = header(first, payload.len());
    out.reserve(size + payload.len());
    out.extend_from_slice(&head[..size]);
    out.extend_from_slice(payload);
}

/// Appends a message, compressed if that was agreed and is worth it.
pub(crate) fn encode(frame: &Frame, deflater: Option<&mut Deflater>, out: &mut Vec<u8>) {
    match deflater.and_then(|deflater| deflater.deflate(frame.as_bytes())) {
        Some(compressed) => push(FIN | RSV1 | opcode(frame), &compressed, out),
        None => push(FIN | opcode(frame), frame.as_bytes(), out),
    }
}

/// A message as it goes on the wire to every connection of one kind.
pub(crate) fn ready(frame: &Frame, variant: WireVariant, config: &WebSocketConfig) -> Bytes {
    let compressed = match (variant, &config.deflate) {
        (WireVariant::Deflated { window_bits }, Some(config)) => {
            deflate::once(frame.as_bytes(), window_bits, config)
        }
        _ => None,
    };
    let mut out = Vec::new();
    match compressed {
        Some(compressed) => push(FIN | RSV1 | opcode(frame), &compressed, &mut out),
        None => push(FIN | opcode(frame), frame.as_bytes(), &mut out),
    }
    out.into()
}

/// Appends a ping without payload.
pub(crate) fn ping(out: &mut Vec<u8>) {
    push(FIN | PING, &[], out);
}

/// Appends the answer to a ping, whose payload has at most 125 bytes.
pub(crate) fn pong(payload: &[u8], out: &mut Vec<u8>) {
    push(FIN | PONG, payload, out);
}

/// Appends a close frame; without a code where there is none that may be sent.
pub(crate) fn close(close: Option<&Close>, out: &mut Vec<u8>) {
    let Some(close) = close.filter(|close| close.code.is_sendable()) else {
        return push(FIN | CLOSE, &[], out);
    };
    let reason = close.reason.as_bytes();
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&close.code.as_u16().to_be_bytes());
    payload.extend_from_slice(&reason[..reason.len().min(Close::MAX_REASON)]);
    push(FIN | CLOSE, &payload, out);
}
