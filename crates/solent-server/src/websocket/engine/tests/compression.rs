use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use solent_spec::websocket::{Frame, WireVariant};

use super::{
    peer::{LIMITS, decode, encode, fragments},
    round_trip::message,
};
use crate::{
    DeflateConfig, WebSocketConfig,
    websocket::engine::{Agreed, Decoded, Deflater, Inflater, Limits, Violation, deflate, ready},
};

fn agreed(server_keeps: bool, client_keeps: bool, bits: u8) -> Agreed {
    Agreed {
        server_no_context_takeover: !server_keeps,
        client_no_context_takeover: !client_keeps,
        server_max_window_bits: bits,
        client_max_window_bits: None,
    }
}

/// All steps of inflating a message.
fn inflate(inflater: &mut Inflater, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
    match inflater.inflate(false, bytes, limit)? {
        deflate::Inflated::Whole(bytes) => Ok(bytes),
        deflate::Inflated::Begun(mut inflating) => {
            while !inflating.step(inflater, limit)? {}
            inflating.finish().map(|frame| frame.into_bytes().to_vec())
        }
    }
}

/// What a client makes of a message.
fn client_deflate(context: &mut Compress, bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        // RFC 7692 §7.2.3.6. Nothing would come of flushing a context that has just been flushed.
        return vec![0x00];
    }
    let mut out = Vec::with_capacity(bytes.len() * 2 + 64);
    context
        .compress_vec(bytes, &mut out, FlushCompress::Sync)
        .unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]) && out.len() < out.capacity());
    out.truncate(out.len() - 4);
    out
}

/// The payload and the compressed bit of the one frame in `wire`.
fn open(wire: &[u8]) -> (bool, &[u8]) {
    let head = match wire[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (wire[0] & 0x40 != 0, &wire[head..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn clients_messages_are_inflated(
        messages in proptest::collection::vec((message(), proptest::collection::vec(any::<usize>(), 0..3)), 1..5),
        pieces in proptest::collection::vec(1usize..5_000, 1..4),
        keeps: bool,
        bits in 9u8..=15,
    ) {
        let mut context = Compress::new_with_window_bits(Compression::fast(), false, bits);
        let mut frames = Vec::new();
        for (message, cuts) in &messages {
            if !keeps {
                context.reset();
            }
            let payload = client_deflate(&mut context, message.as_bytes());
            frames.extend(fragments(message, true, &payload, cuts));
        }

        let inflater = Inflater::new(&agreed(false, keeps, 15));
        let (events, violation, _) = decode(&encode(&frames), &pieces, Some(inflater), LIMITS);

        prop_assert_eq!(violation, None);
        let expected: Vec<_> = messages.into_iter().map(|(message, _)| Decoded::Message(message)).collect();
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn servers_messages_can_be_inflated(
        messages in proptest::collection::vec(message(), 1..5),
        keeps: bool,
        bits in 8u8..=15,
        min_size in 0usize..300,
    ) {
        let config = DeflateConfig::default().min_size(min_size);
        let mut deflater = Deflater::new(&agreed(keeps, false, bits), &config);
        // A client's inflater, with a window of just the agreed size.
        let mut context = flate2::Decompress::new_with_window_bits(false, bits.max(9));
        for message in &messages {
            let mut wire = Vec::new();
            super::super::encode(message, Some(&mut deflater), &mut wire);
            let (compressed, payload) = open(&wire);
            if !compressed {
                prop_assert_eq!(payload, message.as_bytes());
                continue;
            }
            prop_assert!(bits > 8, "zlib cannot compress with so small a window");
            if !keeps {
                context.reset(false);
            }
            let mut out = Vec::with_capacity(message.len() + 64);
            let input = [payload, &[0, 0, 0xff, 0xff]].concat();
            context.decompress_vec(&input, &mut out, flate2::FlushDecompress::Sync).unwrap();
            prop_assert_eq!(&out, message.as_bytes());
        }
    }

    #[test]
    fn no_bytes_make_the_inflater_panic(bytes: Vec<u8>) {
        let mut inflater = Inflater::new(&agreed(false, false, 15));

        if let Ok(out) = inflate(&mut inflater, &bytes, 10_000) {
            prop_assert!(out.len() <= 10_000);
        }
        prop_assert_eq!(inflate(&mut inflater, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 5).unwrap(), b"Hello");
    }
}

#[test]
fn examples_of_the_rfc_are_inflated() {
    let mut inflater = Inflater::new(&agreed(false, false, 15));
    for (what, bytes) in [
        ("7.2.3.1", &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]),
        (
            "7.2.3.3, no compression",
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
        ),
        (
            "7.2.3.4, a final block",
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ),
        (
            "7.2.3.5, two blocks",
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
    ] {
        assert_eq!(
            inflate(&mut inflater, bytes, 100).as_deref(),
            Ok(&b"Hello"[..]),
            "{what}"
        );
    }
    assert_eq!(
        inflate(&mut inflater, &[0x00], 100).as_deref(),
        Ok(&b""[..]),
        "7.2.3.6, an empty message"
    );

    // 7.2.3.2, the window of the message before.
    let mut keeping = Inflater::new(&agreed(false, true, 15));
    assert_eq!(
        inflate(
            &mut keeping,
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            100
        )
        .unwrap(),
        b"Hello"
    );
    assert_eq!(
        inflate(&mut keeping, &[0xf2, 0x00, 0x11, 0x00, 0x00], 100).unwrap(),
        b"Hello"
    );
}

#[test]
fn message_of_a_few_streams_is_inflated_and_one_of_many_refused() {
    /// An empty block that ends its stream.
    const LAST: [u8; 2] = [0x03, 0x00];
    let mut inflater = Inflater::new(&agreed(false, false, 15));

    assert_eq!(inflate(&mut inflater, &LAST.repeat(8), 100), Ok(vec![]));

    for many in [9, 500_000] {
        let refused = inflate(&mut inflater, &LAST.repeat(many), 100);
        assert_eq!(refused, Err(Violation::TOO_MANY_STREAMS));
    }
    assert_eq!(inflate(&mut inflater, &LAST, 100), Ok(vec![]));
}

#[test]
fn inflating_stops_at_the_limit() {
    let bomb = client_deflate(
        &mut Compress::new(Compression::best(), false),
        &vec![0; 1_000_000],
    );
    let frames = fragments(&Frame::from(Vec::new()), true, &bomb, &[]);
    let limits = Limits {
        frame: 100_000,
        message: 100_000,
    };
    assert!(bomb.len() < 2_000);

    let (events, violation, _) = decode(
        &encode(&frames),
        &[500],
        Some(Inflater::new(&agreed(false, false, 15))),
        limits,
    );

    assert!(events.is_empty());
    assert_eq!(
        violation.map(|violation| violation.code.as_u16()),
        Some(1009)
    );
}

#[test]
fn broadcast_is_compressed_only_if_it_is_worth_it() {
    let config = WebSocketConfig::default();
    let variant = WireVariant::Deflated { window_bits: 15 };
    let is_compressed = |frame: Frame| open(&ready(&frame, variant, &config)).0;

    assert!(is_compressed("ab".repeat(500).into()));
    assert!(!is_compressed("short".into()));
    let noise: Vec<u8> = (0..1_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert_eq!(
        is_compressed(noise.clone().into()),
        deflate::once(&noise, 15, &DeflateConfig::default()).is_some()
    );
}
