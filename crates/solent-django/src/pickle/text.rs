//! Text in pickles.

use serde_json::Value;

use crate::python::{Halves, json};

/// Text with halves of surrogate pairs, which Python writes as if they were characters. `None` for what is none, and for
/// both halves of a pair next to each other, which JSON would make one character of.
pub(super) fn halves(bytes: &[u8]) -> Option<Halves> {
    let mut escaped = String::new();
    let mut rest = bytes;
    while let Err(error) = std::str::from_utf8(rest) {
        let (valid, invalid) = rest.split_at(error.valid_up_to());
        let [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, after @ ..] = invalid else {
            return None;
        };
        push_escaped(&mut escaped, valid)?;
        let half = 0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f);
        escaped.push_str(&format!("\\u{half:04x}"));
        rest = after;
    }
    push_escaped(&mut escaped, rest)?;
    Halves::parse(&escaped).filter(|text| text.to_utf8() == bytes)
}

fn push_escaped(escaped: &mut String, text: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    let quoted = json::write(&Value::from(text));
    escaped.push_str(&quoted[1..quoted.len() - 1]);
    Some(())
}

/// Python's codec `raw_unicode_escape`, as protocol 0 has text: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. As UTF-8 in which halves of
/// surrogate pairs are written like characters, as the other protocols have them.
pub(super) fn raw_unicode_escape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'\\', [b'u', digits @ ..]) => rest = escaped(&mut text, digits, 4)?,
            (b'\\', [b'U', digits @ ..]) => rest = escaped(&mut text, digits, 8)?,
            (b'\\', [other, after @ ..]) => {
                text.push(b'\\');
                push(&mut text, char::from(*other));
                rest = after;
            }
            _ => push(&mut text, char::from(*byte)),
        }
    }
    Some(text)
}

/// Adds the character that the first `count` digits are, and gives what comes after them.
fn escaped<'a>(text: &mut Vec<u8>, digits: &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (digits, rest) = digits.split_at_checked(count)?;
    let point = digits.iter().try_fold(0u32, |point, digit| {
        Some(point << 4 | char::from(*digit).to_digit(16)?)
    })?;
    match point {
        half @ 0xd800..=0xdfff => {
            let last = |bits: u32| 0x80 | (bits & 0x3f) as u8;
            text.extend([0xed, last(half >> 6), last(half)]);
        }
        point => push(text, char::from_u32(point)?),
    }
    Some(rest)
}

fn push(text: &mut Vec<u8>, character: char) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{halves, raw_unicode_escape};

    #[test]
    fn text_of_protocol_0_is_read_as_python_reads_it() {
        let read = |bytes: &[u8]| raw_unicode_escape(bytes);
        let some = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(read(b"\xe9\\u20ac\\U0001f409\\u005c"), some("é€🐉\\"));
        assert_eq!(read(b"a\\b\\\\u0041\\"), some("a\\b\\\\u0041\\"));
        assert_eq!(read(b"\\ud83d!"), Some(b"\xed\xa0\xbd!".to_vec()));
        for wrong in [&b"\\u12"[..], b"\\u12g4", b"\\U00110000", b"\\Uffffffff"] {
            assert_eq!(read(wrong), None);
        }
    }

    #[test]
    fn halves_are_kept_and_other_bytes_are_no_text() {
        for bytes in [
            &b"a\xed\xa0\xbdb\xed\xb0\x89"[..],
            b"\xc3\xa9\"\\\n\xed\xb0\x89\xed\xa0\xbd",
        ] {
            assert_eq!(halves(bytes).unwrap().to_utf8(), bytes);
        }
        for wrong in [
            &b"a\xff"[..],
            b"\xed\xa0",
            b"\xed\xa0\xbd\xed\xb0\x89",
            b"\xed\xa0\xbd\xed\xa0\xbd\xed\xb0\x89",
            b"a",
        ] {
            assert_eq!(halves(wrong), None);
        }
    }
}
