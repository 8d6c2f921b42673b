use proptest::prelude::*;
use solent_spec::websocket::Frame;

use super::peer::{LIMITS, Raw, decode, encode, fragments};
use crate::websocket::engine::Decoded;

pub(super) fn message() -> impl Strategy<Value = Frame> {
    prop_oneof![
        ".{0,200}".prop_map(Frame::from),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Frame::from),
        (120usize..140).prop_map(|len| Frame::from("x".repeat(len))),
        (65_530usize..65_545).prop_map(|len| Frame::from(vec![7; len])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn messages_survive_any_fragments_and_any_pieces(
        messages in proptest::collection::vec((message(), proptest::collection::vec(any::<usize>(), 0..4)), 1..5),
        pieces in proptest::collection::vec(1usize..70_000, 1..6),
        small in proptest::collection::vec(1usize..20, 1..6),
        in_small: bool,
        ping in proptest::collection::vec(any::<u8>(), 0..126),
    ) {
        let mut frames = Vec::new();
        for (message, cuts) in &messages {
            let mut own = fragments(message, false, message.as_bytes(), cuts);
            // A ping may come between any two fragments.
            own.insert(own.len() / 2, Raw::new(0x89, ping.clone()));
            frames.extend(own);
        }
        let bytes = encode(&frames);
        let pieces = if in_small && bytes.len() < 10_000 { small } else { pieces };

        let (events, violation, decoder) = decode(&bytes, &pieces, None, LIMITS);

        prop_assert_eq!(violation, None);
        let received: Vec<_> = events.iter().filter_map(|event| match event {
            Decoded::Message(frame) => Some(frame),
            _ => None,
        }).collect();
        prop_assert_eq!(received, messages.iter().map(|(message, _)| message).collect::<Vec<_>>());
        prop_assert_eq!(events.iter().filter(|event| **event == Decoded::Ping(ping.clone().into())).count(), messages.len());
        prop_assert!(decoder.is_idle(), "an idle decoder owns no memory");
    }

    #[test]
    fn no_bytes_make_it_panic_or_hoard(bytes: Vec<u8>, pieces in proptest::collection::vec(1usize..50, 1..4)) {
        let (events, _, _) = decode(&bytes, &pieces, None, LIMITS);

        let size: usize = events.iter().map(|event| match event {
            Decoded::Message(frame) => frame.len(),
            _ => 0,
        }).sum();
        prop_assert!(size <= bytes.len());
    }
}

#[test]
fn announced_length_sets_no_memory_aside() {
    let mut bytes = vec![0x82, 0xff];
    bytes.extend((1u64 << 20).to_be_bytes());
    bytes.extend([1, 2, 3, 4]);

    let (_, violation, decoder) = decode(&bytes, &[bytes.len()], None, LIMITS);

    assert_eq!(violation, None);
    assert!(
        decoder.kept() <= 64 * 1024,
        "{} bytes for nothing",
        decoder.kept()
    );
}

#[test]
fn decoder_is_small() {
    assert!(size_of::<crate::websocket::engine::Decoder>() <= 40);
}
