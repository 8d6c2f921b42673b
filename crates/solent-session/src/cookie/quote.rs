//! How values with all kinds of characters are written in a cookie: Python's rules, which Django follows.

use std::{borrow::Cow, fmt::Write as _};

/// What needs no quotes around it, besides letters and digits.
const PLAIN: &[u8] = b"!#$%&'*+-.^_`|~:";

/// What needs quotes around it but no backslash before it.
const QUOTED: &[u8] = b" ()/<=>?@[]{}";

/// Whether a value can be written as it is.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || PLAIN.contains(&byte))
}

/// A value as it is written; `None` for one with characters beyond U+00FF.
pub(super) fn quote(value: &str) -> Option<Cow<'_, str>> {
    if is_plain(value) {
        return Some(Cow::Borrowed(value));
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for char in value.chars() {
        match u8::try_from(u32::from(char)).ok()? {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            byte if byte.is_ascii_alphanumeric()
                || PLAIN.contains(&byte)
                || QUOTED.contains(&byte) =>
            {
                quoted.push(char);
            }
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    Some(Cow::Owned(quoted))
}

/// The value that bytes of a header stand for, each byte a character up to U+00FF.
pub(super) fn unquote(raw: &[u8]) -> Cow<'_, str> {
    match raw {
        [b'"', inner @ .., b'"'] => Cow::Owned(unescape(inner)),
        _ => latin1(raw),
    }
}

/// Bytes as text; copied only if some are beyond ASCII.
pub(super) fn latin1(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(raw.iter().copied().map(char::from).collect()),
    }
}

/// Resolves backslashes: before three octal digits they mean a byte, else the next character.
fn unescape(mut raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    loop {
        raw = match raw {
            [] => return text,
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                rest @ ..,
            ] => {
                let byte = (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
                text.push(char::from(byte));
                rest
            }
            [b'\\', escaped, rest @ ..] if *escaped != b'\n' => {
                text.push(char::from(*escaped));
                rest
            }
            [byte, rest @ ..] => {
                text.push(char::from(*byte));
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn backslashes_that_escape_nothing_stay() {
        assert_eq!(unquote(br#""a\""#), "a\\");
        assert_eq!(unquote(br#""\400""#), "400");
        assert_eq!(unquote(br#"""#), "\"");
        assert_eq!(unquote(br#""""#), "");
        assert_eq!(unquote(br#""\0""#), "0");
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_unquoted_to_itself(value in "[\u{0}-\u{ff}]{0,40}") {
            let quoted = quote(&value).unwrap().into_owned();

            prop_assert!(quoted.is_ascii());
            prop_assert!(!quoted.contains([';', ',']));
            prop_assert_eq!(unquote(quoted.as_bytes()), value);
        }

        #[test]
        fn bytes_of_any_kind_are_text(raw in proptest::collection::vec(any::<u8>(), 0..60)) {
            let text = unquote(&raw);

            prop_assert!(text.chars().count() <= raw.len());
        }
    }
}
