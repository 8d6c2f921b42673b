//! The encoding of JSON text, told by its first bytes as Python does.

use std::{borrow::Cow, str};

use crate::wire::field::Problem;

/// The text, without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    let (encoding, text) = Encoding::of(bytes);
    let units = match encoding {
        Encoding::Utf8 => {
            return str::from_utf8(text)
                .map(Cow::Borrowed)
                .map_err(|_| Problem::Encoding);
        }
        Encoding::Utf16(order) => return utf16(text, order),
        Encoding::Utf32(order) => text.chunks(4).map(move |unit| order.u32(unit)),
    };
    units
        .map(|unit| char::from_u32(unit?))
        .collect::<Option<String>>()
        .map(Cow::Owned)
        .ok_or(Problem::Encoding)
}

fn utf16(text: &[u8], order: Order) -> Result<Cow<'_, str>, Problem> {
    let units: Option<Vec<u16>> = text.chunks(2).map(|unit| order.u16(unit)).collect();
    let units = units.ok_or(Problem::Encoding)?;
    String::from_utf16(&units)
        .map(Cow::Owned)
        .map_err(|_| Problem::Surrogate)
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(Order),
    Utf32(Order),
}

impl Encoding {
    /// The encoding, and what comes after the byte order mark.
    fn of(bytes: &[u8]) -> (Self, &[u8]) {
        let marks: [(&[u8], Self); 5] = [
            // A mark of UTF-32 begins as one of UTF-16 does.
            (b"\0\0\xfe\xff", Self::Utf32(Order::Big)),
            (b"\xff\xfe\0\0", Self::Utf32(Order::Little)),
            (b"\xfe\xff", Self::Utf16(Order::Big)),
            (b"\xff\xfe", Self::Utf16(Order::Little)),
            (b"\xef\xbb\xbf", Self::Utf8),
        ];
        for (mark, encoding) in marks {
            if let Some(text) = bytes.strip_prefix(mark) {
                return (encoding, text);
            }
        }
        (Self::unmarked(bytes), bytes)
    }

    /// JSON begins with an ASCII character, whose other bytes are zero.
    fn unmarked(bytes: &[u8]) -> Self {
        match *bytes {
            [0, 0, _, _, ..] => Self::Utf32(Order::Big),
            [0, _, _, _, ..] => Self::Utf16(Order::Big),
            [_, 0, 0, 0, ..] => Self::Utf32(Order::Little),
            [_, 0, _, _, ..] => Self::Utf16(Order::Little),
            [0, _] => Self::Utf16(Order::Big),
            [_, 0] => Self::Utf16(Order::Little),
            _ => Self::Utf8,
        }
    }
}

#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, unit: &[u8]) -> Option<u16> {
        let unit = unit.try_into().ok()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(unit),
            Self::Little => u16::from_le_bytes(unit),
        })
    }

    fn u32(self, unit: &[u8]) -> Option<u32> {
        let unit = unit.try_into().ok()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(unit),
            Self::Little => u32::from_le_bytes(unit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_told_by_its_beginning() {
        let text = "{\"é\": \"🐉\"}";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let utf16_be: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let utf16_le: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let utf32_be: Vec<u8> = text
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect();
        let utf32_le: Vec<u8> = text
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect();
        for (mark, bytes) in [
            (&b"\xef\xbb\xbf"[..], text.as_bytes()),
            (b"\xfe\xff", &utf16_be),
            (b"\xff\xfe", &utf16_le),
            (b"\0\0\xfe\xff", &utf32_be),
            (b"\xff\xfe\0\0", &utf32_le),
        ] {
            assert_eq!(decode(bytes).unwrap(), text, "{bytes:?}");
            assert_eq!(decode(&[mark, bytes].concat()).unwrap(), text, "{mark:?}");
        }
        assert_eq!(decode(b"1\0").unwrap(), "1");
        assert_eq!(decode(b"\x001").unwrap(), "1");
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn text_in_no_encoding_is_refused() {
        for bytes in [
            &b"{\xff}"[..],
            b"\xef\xbb\xbf\xed\xa0\x80",
            b"{\0\"\0x",
            b"{\0\0\0\0",
            b"\xff\xfe\0\xd8",
            b"\xff\xfe\0\0\0\0\x11\0",
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
