use proptest::prelude::*;
use serde_json::{Map, Value, json};
use solent_django::pickle::{PickleError, PickleLimits, read, read_value, write, write_value};

use crate::vectors::{hex, pickles, rows, text};

fn value(pickle: &[u8]) -> Result<Value, PickleError> {
    read_value(pickle, &PickleLimits::default())
}

#[test]
fn every_recorded_session_is_read() {
    for row in rows("/sessions/pickle_by_protocol") {
        let data = read(&hex(text(row, "hex")));
        assert_eq!(
            data.as_ref(),
            Ok(row["object"].as_object().unwrap()),
            "{row}"
        );
    }
    for row in rows("/sessions/cache/entries") {
        let bytes = hex(text(row, "value_hex"));
        // An integer is not pickled, and so it is no session.
        match row["pickle_protocol"].is_null() {
            true => assert!(read(&bytes).is_err(), "{row}"),
            false => assert_eq!(value(&bytes).as_ref(), Ok(&row["object"]), "{row}"),
        }
    }
}

#[test]
fn plain_data_is_read_in_every_protocol() {
    for (row, protocol, pickle) in pickles("plain") {
        let told = value(&pickle);
        assert_eq!(
            told.as_ref(),
            Ok(&row["value"]),
            "{} in protocol {protocol}",
            row["name"]
        );
    }
}

#[test]
fn plain_data_survives_being_written_back() {
    for (row, _, _) in pickles("plain") {
        let written = write_value(&row["value"]);
        assert_eq!(
            value(&written).as_ref(),
            Ok(&row["value"]),
            "{}",
            row["name"]
        );
    }
}

#[test]
fn anything_that_would_run_code_is_refused() {
    for (row, protocol, pickle) in pickles("forbidden") {
        let told = value(&pickle);
        let is_refused = matches!(told, Err(PickleError::Forbidden { .. }));
        assert!(
            is_refused,
            "{} in protocol {protocol}: {told:?}",
            row["name"]
        );
        // Nor inside of what would be read.
        let inside = [
            b"\x80\x04}\x8c\x01a".as_slice(),
            &pickle[..pickle.len() - 1],
            b"s.",
        ]
        .concat();
        let told = read(&inside);
        assert!(
            matches!(told, Err(PickleError::Forbidden { .. })),
            "{told:?}"
        );
    }
}

#[test]
fn what_contains_itself_is_refused() {
    for (row, protocol, pickle) in pickles("cyclic") {
        let told = value(&pickle);
        let expected = Err(PickleError::TooMuch("depth"));
        assert_eq!(told, expected, "{} in protocol {protocol}", row["name"]);
    }
}

#[test]
fn every_pickle_that_is_cut_off_is_refused() {
    for (row, protocol, pickle) in pickles("plain").filter(|(_, _, pickle)| pickle.len() < 5000) {
        for end in 0..pickle.len() {
            let told = value(&pickle[..end]);
            let is_refused = matches!(told, Err(PickleError::Malformed { .. }));
            assert!(
                is_refused,
                "{} in protocol {protocol} at {end}: {told:?}",
                row["name"]
            );
        }
    }
}

#[test]
fn every_instruction_alone_is_refused_or_the_end() {
    for opcode in 0..=u8::MAX {
        for rest in [
            &b""[..],
            b".",
            b"\n.",
            b"0\n.",
            b"\0\0\0\0\0\0\0\0.",
            b"\xff\xff\xff\xff\xff\xff\xff\xff.",
        ] {
            let pickle = [&[opcode], rest].concat();
            let _ = value(&pickle);
            let _ = read(&pickle);
        }
    }
}

#[test]
fn lengths_beyond_the_end_are_refused_at_once() {
    let cases: [&[u8]; 10] = [
        b"X\xff\xff\xff\xffa.",
        b"X\xff\xff\xff\x7fa.",
        b"B\xff\xff\xff\xffa.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fa.",
        b"\x8b\xff\xff\xff\xff\0.",
        b"\x8b\xff\xff\xff\x7f\0.",
        b"\x8a\xff\0.",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
        b"\x8c\xffa.",
    ];
    for pickle in cases {
        let told = value(pickle);
        let is_refused = matches!(told, Err(PickleError::Malformed { .. }));
        assert!(is_refused, "{}: {told:?}", pickle.escape_ascii());
    }
}

#[test]
fn what_the_stack_and_the_memo_do_not_have_is_refused() {
    let cases = [
        ".",
        "0.",
        "1.",
        "2.",
        "(.",
        "((0.",
        "a.",
        "Na.",
        "]a.",
        "NNa.",
        "e.",
        "(e.",
        "N(e.",
        "}(Nu.",
        "}Ns.",
        "NNNs.",
        "(Nd.",
        "](NNu.",
        "t.",
        "\u{5}.",
        "h\0.",
        "g0\n.",
        "j\0\0\0\0.",
        "p0\n.",
        "q\0.",
        "N(q\0.",
        "N(\u{5}.",
        "N(s.",
        "}N(s.",
        "}(]Nu.",
        "}}Ns.",
        "\u{1}.",
        "I\n.",
        "I1 \n.",
        "I1_0\n.",
        "Ix\n.",
        "L\n.",
        "F\n.",
        "Fx\n.",
        "gx\n.",
        "p-1\n.",
        "Np4294967296\n.",
        "V\\u12\n.",
    ];
    for pickle in cases {
        assert!(value(pickle.as_bytes()).is_err(), "{pickle:?}");
    }
    assert!(value(b"\x80\x06N.").is_err());
    assert!(value(b"N\x85\x94.").is_ok());
    assert!(value(b"N(\x85.").is_err());
}

#[test]
fn instructions_that_python_seldom_uses_work() {
    let cases: [(&[u8], Value); 12] = [
        (b"N0I1\n.", json!(1)),
        (b"N(I1\nI2\n1.", json!(null)),
        (b"](I7\n2e.", json!([7, 7])),
        (b"(I1\nI2\nl.", json!([1, 2])),
        (b"(I1\nI2\nt.", json!([1, 2])),
        (b"(Va\nI1\nVa\nI2\nd.", json!({"a": 2})),
        (b"I00\n.", json!(false)),
        (b"I-5\n.", json!(-5)),
        (b"L12L\n.", json!(12)),
        (b"F1.5\n.", json!(1.5)),
        (b"Fnan\n.", json!({"$python": "NaN"})),
        (b"N.and what comes after", json!(null)),
    ];
    for (pickle, expected) in cases {
        assert_eq!(value(pickle), Ok(expected), "{}", pickle.escape_ascii());
    }
}

#[test]
fn a_billion_laughs_are_not_laughed() {
    // Thirty lists, each with the one before it ten times.
    let mut laughs = b"\x80\x04\x8c\x03lolq\0".to_vec();
    for level in 0..30u8 {
        laughs.extend(b"](");
        for _ in 0..10 {
            laughs.extend([b'h', level]);
        }
        laughs.extend([b'e', b'q', level + 1]);
    }
    laughs.push(b'.');
    assert!(laughs.len() < 1000);
    assert_eq!(value(&laughs), Err(PickleError::TooMuch("values")));

    // The same with one long text.
    let mut texts = b"\x80\x04X\x00\x00\x01\x00".to_vec();
    texts.extend([b'x'; 0x10000]);
    texts.extend(b"q\0](");
    texts.extend(b"h\0".repeat(1000));
    texts.extend(b"e.");
    assert_eq!(value(&texts), Err(PickleError::TooMuch("text")));
}

#[test]
fn each_limit_holds_exactly() {
    let pickle = b"](N\x8c\x02ab](\x8c\x01cee.";
    let exact = PickleLimits::default()
        .size(pickle.len())
        .values(5)
        .text(3)
        .depth(2);

    assert_eq!(read_value(pickle, &exact), Ok(json!([null, "ab", ["c"]])));
    let too_much = |limits: PickleLimits| match read_value(pickle, &limits) {
        Err(PickleError::TooMuch(what)) => what,
        told => panic!("{told:?}"),
    };
    assert_eq!(too_much(exact.size(pickle.len() - 1)), "bytes");
    assert_eq!(too_much(exact.values(4)), "values");
    assert_eq!(too_much(exact.text(2)), "text");
    assert_eq!(too_much(exact.depth(1)), "depth");
}

#[test]
fn values_that_are_thrown_away_count() {
    let pickle = [b"]0".repeat(200_000).as_slice(), b"N."].concat();
    assert_eq!(value(&pickle), Err(PickleError::TooMuch("values")));
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    let lists = [
        b"]".repeat(90_000).as_slice(),
        b"a".repeat(89_999).as_slice(),
        b".",
    ]
    .concat();
    assert_eq!(value(&lists), Err(PickleError::TooMuch("depth")));
    let tuples = [b"N".as_slice(), b"\x85".repeat(90_000).as_slice(), b"."].concat();
    assert_eq!(value(&tuples), Err(PickleError::TooMuch("depth")));
}

#[test]
fn integers_with_too_many_digits_are_refused() {
    let long = [b"\x8b\xfa\x06\0\0".as_slice(), &[0x7f; 1786], b"."].concat();
    assert_eq!(value(&long), Err(PickleError::TooMuch("digits")));
    let longer = [b"\x8b\0\0\x01\0".as_slice(), &[0x7f; 65536], b"."].concat();
    assert_eq!(value(&longer), Err(PickleError::TooMuch("digits")));
    let digits = ["L", &"9".repeat(4301), "\n."].concat();
    assert!(value(digits.as_bytes()).is_err());
}

#[test]
fn only_a_dictionary_with_text_for_keys_is_a_session() {
    for pickle in [
        &b"N."[..],
        b"].",
        b"\x8c\x01a.",
        b"C\x01a.",
        b"}K\x01Ns.",
        b"\x85.",
    ] {
        assert!(read(pickle).is_err(), "{}", pickle.escape_ascii());
    }
    assert_eq!(read(b"}."), Ok(Map::new()));
}

#[test]
fn what_is_written_is_what_python_was_seen_to_read() {
    let data = json!({"a": [null, true, -1, 300, 1.5], "b": {"$python": "18446744073709551616"}, "c": {"$python": {"bytes": "AP8="}}});
    let expected = concat!(
        "80049534000000000000007d288c01615d284e884affffffff4a2c010000473ff8000000000000658c01628a09",
        "0000000000000000018c0163430200ff752e"
    );
    let written = write(data.as_object().unwrap());
    assert_eq!(
        written,
        hex(expected),
        "{}",
        written
            .iter()
            .map(|o| format!("{o:02x}"))
            .collect::<String>()
    );
}

#[test]
fn a_key_that_python_does_not_take_is_not_written_as_one() {
    let value = json!({"$python": {"dict": [[{"a": 1}, 2]]}});
    assert_eq!(self::value(&write_value(&value)), Ok(value.clone()));
    // Python would refuse `{{}: 2}`; this is a dictionary with the key `$python`.
    assert!(
        write_value(&value)
            .windows(7)
            .any(|bytes| bytes == b"$python")
    );
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "-?[1-9][0-9]{20,60}".prop_map(|digits| json!({"$python": digits})),
        prop::sample::select(vec!["NaN", "Infinity", "-Infinity"])
            .prop_map(|f| json!({"$python": f})),
        Just(json!({"$python": {"bytes": "AAEC/w=="}})),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Bytes that look like pickles: instructions and small arguments, more often than not in a useful order.
fn programs() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(b"(.012NadeltsuU]})\x85\x86\x87\x88\x89\x94".to_vec())
            .prop_map(|o| vec![o]),
        (prop::sample::select(b"hqK".to_vec()), 0..4u8).prop_map(|(o, place)| vec![o, place]),
        Just(b"\x8c\x01a".to_vec()),
        Just(b"I1\n".to_vec()),
        any::<u8>().prop_map(|o| vec![o]),
    ];
    prop::collection::vec(piece, 0..64).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in values()) {
        prop_assert_eq!(self::value(&write_value(&value)), Ok(value));
    }

    #[test]
    fn no_bytes_panic(pickle in prop::collection::vec(any::<u8>(), 0..128)) {
        let _ = value(&pickle);
    }

    #[test]
    fn no_program_panics_and_what_it_makes_survives(program in programs()) {
        let limits = PickleLimits::default().values(1000);
        if let Ok(made) = read_value(&[program.as_slice(), b"."].concat(), &limits) {
            prop_assert_eq!(value(&write_value(&made)), Ok(made));
        }
    }

    #[test]
    fn no_changed_byte_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let rows = rows("/sessions/cache/entries");
        let mut pickle = hex(text(&rows[0], "value_hex"));
        let place = place.index(pickle.len());
        pickle[place] = byte;
        let _ = read(&pickle);
    }
}
