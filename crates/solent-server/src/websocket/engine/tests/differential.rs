use std::io::{self, Read, Write};

use proptest::prelude::*;
use solent_spec::websocket::Frame;
use tungstenite::{Error, Message, WebSocket, protocol::Role};

use super::peer::{LIMITS, Raw, decode, encode};
use crate::websocket::engine::Decoded;

/// A stream with everything there is to read in it.
struct Script<'a>(&'a [u8]);

impl Read for Script<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Script<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite receives as a server, and whether it ended in a fault of the client.
fn tungstenite(bytes: &[u8]) -> (Vec<Frame>, bool) {
    let mut socket = WebSocket::from_raw_socket(Script(bytes), Role::Server, None);
    let mut received = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => received.push(Frame::Text(text)),
            Ok(Message::Binary(bytes)) => received.push(Frame::Binary(bytes)),
            Ok(_) => {}
            Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_)) => {
                return (received, false);
            }
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => {
                return (received, false);
            }
            Err(_) => return (received, true),
        }
    }
}

fn frame() -> impl Strategy<Value = Raw> {
    let first = prop_oneof![
        6 => prop::sample::select(vec![0x81u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => ".{0,20}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..10),
        1 => proptest::collection::vec(Just(b'x'), 120..132),
    ];
    (first, payload).prop_map(|(first, payload)| Raw::new(first, payload))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn engine_and_tungstenite_agree(frames in proptest::collection::vec(frame(), 1..8), piece in 1usize..40) {
        // Of a close tungstenite answers and reads on; the engine has its own tests for it.
        prop_assume!(frames.iter().all(|frame| frame.first & 0x0f != 8));
        let bytes = encode(&frames);

        let (events, violation, _) = decode(&bytes, &[piece], None, LIMITS);
        let ours: Vec<_> = events.into_iter().filter_map(|event| match event {
            Decoded::Message(frame) => Some(frame),
            _ => None,
        }).collect();
        let (theirs, failed) = tungstenite(&bytes);

        // Text that is wrong before its end is refused sooner here, which is stricter and has the same outcome.
        prop_assert_eq!(&ours, &theirs);
        prop_assert!(violation.is_some() || !failed, "tungstenite refuses what the engine takes");
    }
}
