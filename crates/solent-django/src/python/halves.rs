//! Text of Python's in which halves of surrogate pairs stand alone.

use serde_json::Value;

use super::{Special, json};

/// Such a text, as it stands between the quotes in JSON, in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Halves(String);

impl Halves {
    /// The text of which `escaped` is the JSON; bytes beyond ASCII are Latin-1. The caller has read it already.
    pub(super) fn of_json(escaped: &[u8]) -> Self {
        let mut text = String::with_capacity(escaped.len());
        for byte in escaped {
            match byte.is_ascii() {
                true => text.push(char::from(*byte)),
                false => text.push_str(&format!("\\u{byte:04x}")),
            }
        }
        Self(text)
    }

    /// The text, if `escaped` is the JSON of one and nothing else: only what reading makes is taken for it.
    pub(crate) fn parse(escaped: &str) -> Option<Self> {
        let text = Self(escaped.to_owned());
        let is_halves = |value| match value {
            Value::Object(_) => value == Special::Halves(text.clone()).into_value(),
            _ => false,
        };
        let read = json::read(format!("\"{escaped}\"").as_bytes());
        (escaped.is_ascii() && read.is_ok_and(is_halves)).then_some(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in UTF-8, with the halves as Python's `surrogatepass` writes them.
    pub(crate) fn to_utf8(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        for part in char::decode_utf16(units(&self.0)) {
            match part {
                Ok(whole) => out.extend(whole.encode_utf8(&mut [0; 4]).bytes()),
                Err(half) => {
                    let half = half.unpaired_surrogate();
                    let last = |bits: u16| 0x80 | (bits & 0x3f) as u8;
                    out.extend([0xe0 | (half >> 12) as u8, last(half >> 6), last(half)]);
                }
            }
        }
        out
    }
}

/// What escaped text means in UTF-16.
fn units(escaped: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.bytes();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'\\' => match bytes.next() {
                Some(b'u') => {
                    let digits = bytes.by_ref().take(4);
                    let digits = digits.filter_map(|digit| char::from(digit).to_digit(16));
                    units.push(digits.fold(0, |unit, digit| unit << 4 | digit as u16));
                    continue;
                }
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(other) => other,
                None => break,
            },
            plain => plain,
        };
        units.push(plain.into());
    }
    units
}

#[cfg(test)]
mod tests {
    use super::Halves;

    #[test]
    fn halves_are_written_as_python_does() {
        for (escaped, bytes) in [
            (r"\ud83d", &b"\xed\xa0\xbd"[..]),
            (r"a\udc09\n\u00e9", b"a\xed\xb0\x89\n\xc3\xa9"),
            (r"\ud83d\ud83d\udc09", b"\xed\xa0\xbd\xf0\x9f\x90\x89"),
        ] {
            assert_eq!(Halves::parse(escaped).unwrap().to_utf8(), bytes);
        }
    }
}
