use super::peer::{LIMITS, Raw, decode, encode};
use crate::websocket::engine::{Decoded, Limits};

fn code(frames: &[Raw]) -> Option<u16> {
    let bytes = encode(frames);
    decode(&bytes, &[bytes.len()], None, LIMITS)
        .1
        .map(|violation| violation.code.as_u16())
}

#[test]
fn broken_rules_have_their_codes() {
    let text = |first: u8, payload: &[u8]| Raw::new(first, payload);
    for (what, frames, expected) in [
        ("continuation of nothing", vec![text(0x80, b"x")], 1002),
        (
            "message inside a message",
            vec![text(0x01, b"x"), text(0x81, b"y")],
            1002,
        ),
        ("compression not agreed", vec![text(0xc1, b"x")], 1002),
        ("RSV2", vec![text(0xa1, b"x")], 1002),
        ("reserved opcode", vec![text(0x83, b"")], 1002),
        ("fragmented ping", vec![text(0x09, b"")], 1002),
        ("long ping", vec![text(0x89, &[0; 126])], 1002),
        ("close of one byte", vec![text(0x88, b"x")], 1002),
        (
            "close code 1005",
            vec![text(0x88, &1005u16.to_be_bytes())],
            1002,
        ),
        (
            "close code 999",
            vec![text(0x88, &999u16.to_be_bytes())],
            1002,
        ),
        (
            "close reason not UTF-8",
            vec![text(0x88, b"\x03\xe8\xff")],
            1007,
        ),
        ("text not UTF-8", vec![text(0x81, b"\xff")], 1007),
        (
            "character cut off",
            vec![text(0x81, "é".as_bytes().split_at(1).0)],
            1007,
        ),
        (
            "character cut off over frames",
            vec![text(0x01, b"\xc3"), text(0x80, b"")],
            1007,
        ),
        (
            "bad byte in a fragment",
            vec![text(0x01, b"\xed\xa0")],
            1007,
        ),
    ] {
        assert_eq!(code(&frames), Some(expected), "{what}");
    }
}

#[test]
fn sizes_are_limited() {
    let limits = Limits {
        frame: 10,
        message: 15,
    };
    let code = |frames: &[Raw]| {
        let bytes = encode(frames);
        decode(&bytes, &[bytes.len()], None, limits)
            .1
            .map(|violation| violation.code.as_u16())
    };

    assert_eq!(code(&[Raw::new(0x82, [0; 10])]), None);
    assert_eq!(code(&[Raw::new(0x82, [0; 11])]), Some(1009));
    assert_eq!(
        code(&[Raw::new(0x02, [0; 10]), Raw::new(0x80, [0; 5])]),
        None
    );
    assert_eq!(
        code(&[Raw::new(0x02, [0; 10]), Raw::new(0x80, [0; 6])]),
        Some(1009)
    );
}

#[test]
fn character_may_be_split_over_frames() {
    let frames = [
        Raw::new(0x01, [0xe4, 0xb8]),
        Raw::new(0x89, *b"ping"),
        Raw::new(0x80, [0xad]),
    ];
    let bytes = encode(&frames);

    let (events, violation, _) = decode(&bytes, &[1], None, LIMITS);

    assert_eq!(violation, None);
    assert_eq!(
        events,
        [
            Decoded::Ping((&b"ping"[..]).into()),
            Decoded::Message("中".into())
        ]
    );
}

#[test]
fn nothing_follows_a_close() {
    let bytes = encode(&[
        Raw::new(0x88, *b"\x03\xe8bye"),
        Raw::new(0x81, *b"late"),
        Raw::new(0xff, *b"?"),
    ]);

    let (events, violation, _) = decode(&bytes, &[bytes.len()], None, LIMITS);

    assert_eq!(violation, None);
    assert!(
        matches!(&events[..], [Decoded::Close(close)] if close.code.as_u16() == 1000 && close.reason.as_str() == "bye")
    );
}
