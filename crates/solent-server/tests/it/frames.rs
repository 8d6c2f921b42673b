//! WebSocket frames, byte by byte.

use super::{
    served::Served,
    wire::{Head, Wire},
};

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A WebSocket whose client is this test.
pub(crate) struct Frames {
    pub(crate) wire: Wire,
    /// The headers that completed the handshake.
    pub(crate) head: Head,
}

/// A frame that came from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawFrame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl RawFrame {
    /// A frame that is a message or a control frame of its own.
    pub(crate) fn whole(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            first: FIN | opcode,
            payload: payload.as_ref().to_vec(),
        }
    }

    /// A close frame.
    pub(crate) fn close(code: u16, reason: &str) -> Self {
        Self::whole(CLOSE, close_payload(code, reason))
    }

    /// The code of a close frame; 1005 without one.
    pub(crate) fn close_code(&self) -> u16 {
        assert_eq!(self.first, FIN | CLOSE, "{self:?}");
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

/// A handshake with further field lines, each with its line end.
pub(crate) fn handshake(path: &str, fields: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    )
}

/// A frame as a client sends it, masked. `first` is FIN, the reserved bits and the opcode.
pub(crate) fn masked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

/// The payload of a close frame.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

impl Frames {
    /// Opens a WebSocket.
    pub(crate) async fn open(served: &Served, path: &str) -> Self {
        Self::open_with(served, path, "").await
    }

    /// Opens a WebSocket with further field lines.
    pub(crate) async fn open_with(served: &Served, path: &str, fields: &str) -> Self {
        Self::open_over(served.connect().await, path, fields).await
    }

    /// Opens a WebSocket on a connection.
    pub(crate) async fn open_over(mut wire: Wire, path: &str, fields: &str) -> Self {
        wire.send(handshake(path, fields)).await;
        let (status, head) = wire.head().await;
        assert_eq!(status, 101);
        Self { wire, head }
    }

    pub(crate) async fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.wire.send(masked(first, payload)).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(FIN | TEXT, text).await;
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        self.send(FIN | CLOSE, close_payload(code, reason)).await;
    }

    /// Closes with code 1000, waits for the answer, and is gone.
    pub(crate) async fn leave(mut self) {
        self.close(1000, "").await;
        assert_eq!(self.next().await, RawFrame::close(1000, ""));
        self.wire.is_closed().await;
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> RawFrame {
        let head = self.wire.take(2).await;
        assert_eq!(head[1] & 0x80, 0, "a server's frames are not masked");
        let len = match head[1] {
            126 => {
                let len = self.wire.take(2).await;
                usize::from(u16::from_be_bytes([len[0], len[1]]))
            }
            127 => {
                let len = self.wire.take(8).await;
                u64::from_be_bytes(len.try_into().unwrap()) as usize
            }
            len => len.into(),
        };
        RawFrame {
            first: head[0],
            payload: self.wire.take(len).await,
        }
    }
}
