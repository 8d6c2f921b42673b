//! Text in pickles.

use std::borrow::Cow;

/// UTF-8 in which Python also writes surrogates, which are read as U+FFFD; `None` if it is none.
pub(super) fn utf8(octets: &[u8]) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    let mut rest = octets;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) if text.is_empty() => return Some(Cow::Borrowed(valid)),
            Ok(valid) => return Some(Cow::Owned(text + valid)),
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                let [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] = invalid else {
                    return None;
                };
                text.push_str(std::str::from_utf8(valid).ok()?);
                text.push(char::REPLACEMENT_CHARACTER);
                rest = after;
            }
        }
    }
}

/// Python's codec `raw_unicode_escape`, as protocol 0 has text: Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn raw_unicode_escape(octets: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let [octet, after @ ..] = rest {
        rest = after;
        match (octet, after) {
            (b'\\', [b'u', digits @ ..]) => (text, rest) = escaped(text, digits, 4)?,
            (b'\\', [b'U', digits @ ..]) => (text, rest) = escaped(text, digits, 8)?,
            (b'\\', [other, after @ ..]) => {
                text.push('\\');
                text.push(char::from(*other));
                rest = after;
            }
            _ => text.push(char::from(*octet)),
        }
    }
    Some(text)
}

/// Adds the character that the first `count` digits are, and gives what comes after them.
fn escaped(mut text: String, digits: &[u8], count: usize) -> Option<(String, &[u8])> {
    let (digits, rest) = digits.split_at_checked(count)?;
    let point = digits.iter().try_fold(0u32, |point, digit| {
        Some(point << 4 | char::from(*digit).to_digit(16)?)
    })?;
    text.push(match point {
        0xd800..=0xdfff => char::REPLACEMENT_CHARACTER,
        point => char::from_u32(point)?,
    });
    Some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::{raw_unicode_escape, utf8};

    #[test]
    fn text_of_protocol_0_is_read_as_python_reads_it() {
        let read = |octets: &[u8]| raw_unicode_escape(octets);
        assert_eq!(
            read(b"\xe9\\u20ac\\U0001f409\\u005c"),
            Some("é€🐉\\".to_owned())
        );
        assert_eq!(read(b"a\\b\\\\u0041\\"), Some("a\\b\\\\u0041\\".to_owned()));
        assert_eq!(read(b"\\ud83d!"), Some("\u{fffd}!".to_owned()));
        for wrong in [&b"\\u12"[..], b"\\u12g4", b"\\U00110000", b"\\Uffffffff"] {
            assert_eq!(read(wrong), None);
        }
    }

    #[test]
    fn surrogates_do_not_lose_the_rest_and_other_octets_do() {
        assert_eq!(utf8("é".as_bytes()).as_deref(), Some("é"));
        assert_eq!(
            utf8(b"a\xed\xa0\xbdb\xed\xb0\x89").as_deref(),
            Some("a\u{fffd}b\u{fffd}")
        );
        assert_eq!(utf8(b"a\xff"), None);
        assert_eq!(utf8(b"\xed\xa0"), None);
    }
}
