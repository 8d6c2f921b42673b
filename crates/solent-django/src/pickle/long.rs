//! Python's integers of any size: little-endian two's complement in pickles, decimal digits elsewhere.

use serde_json::Value;

use crate::python::Integer;

/// Bytes of the largest integer that is read, which has the 4300 digits that Python reads at most.
pub(super) const MAX_BYTES: usize = 1786;

/// Nine decimal digits, as many as 32 bits hold.
const CHUNK: u64 = 1_000_000_000;

/// The integer in `bytes`, if it does not have too many digits.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let is_negative = bytes.last().is_some_and(|last| *last >= 0x80);
    let limbs = magnitude(bytes, is_negative);
    let sign = if is_negative { "-" } else { "" };
    Integer::value(&[sign, &decimal(limbs)].concat())
}

/// The fewest bytes for an integer, given by its digits and perhaps a minus.
pub(super) fn write(digits: &str) -> Vec<u8> {
    let (is_negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let mut bytes: Vec<u8> = binary(digits)
        .iter()
        .flat_map(|limb| limb.to_le_bytes())
        .collect();
    bytes.push(0);
    if is_negative {
        negate(&mut bytes);
    }
    // A byte at the end that only repeats the sign of the one before it says nothing.
    let filler = if is_negative { 0xff } else { 0 };
    while let [.., before, last] = bytes[..] {
        if last != filler || (before ^ filler) >= 0x80 {
            break;
        }
        bytes.pop();
    }
    bytes
}

/// Turns two's complement around, in place.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes {
        let (negated, overflow) = (!*byte).overflowing_add(u8::from(carry));
        (*byte, carry) = (negated, overflow);
    }
}

/// The absolute value, in limbs of 32 bits, the least significant first.
fn magnitude(bytes: &[u8], is_negative: bool) -> Vec<u32> {
    let mut bytes = bytes.to_vec();
    if is_negative {
        // One more byte, since the absolute value of the smallest integer has one bit more.
        bytes.push(0xff);
        negate(&mut bytes);
    }
    let limb = |chunk: &[u8]| {
        let mut limb = [0; 4];
        limb[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(limb)
    };
    bytes.chunks(4).map(limb).collect()
}

fn decimal(mut limbs: Vec<u32>) -> String {
    let mut chunks = Vec::new();
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    while !limbs.is_empty() {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            *limb = (value / CHUNK) as u32;
            rest = value % CHUNK;
        }
        chunks.push(rest);
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
    }
    let Some(first) = chunks.pop() else {
        return "0".to_owned();
    };
    let rest = chunks.iter().rev().map(|chunk| format!("{chunk:09}"));
    std::iter::once(first.to_string()).chain(rest).collect()
}

/// Limbs of 32 bits, the least significant first, of decimal digits.
fn binary(digits: &str) -> Vec<u32> {
    let mut limbs: Vec<u32> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u64::from(digit - b'0');
        for limb in &mut limbs {
            let value = u64::from(*limb) * 10 + carry;
            *limb = value as u32;
            carry = value >> 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    limbs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{MAX_BYTES, read, write};

    #[test]
    fn integers_have_the_bytes_that_python_gives_them() {
        let cases: [(&str, &[u8]); 9] = [
            ("255", b"\xff\x00"),
            ("-1", b"\xff"),
            ("-128", b"\x80"),
            ("-129", b"\x7f\xff"),
            ("-32768", b"\x00\x80"),
            ("9223372036854775808", b"\0\0\0\0\0\0\0\x80\0"),
            (
                "-9223372036854775809",
                b"\xff\xff\xff\xff\xff\xff\xff\x7f\xff",
            ),
            ("18446744073709551616", b"\0\0\0\0\0\0\0\0\x01"),
            ("-18446744073709551616", b"\0\0\0\0\0\0\0\0\xff"),
        ];
        for (digits, bytes) in cases {
            assert_eq!(write(digits), bytes, "{digits}");
            let value = match digits.parse::<i64>() {
                Ok(small) => json!(small),
                Err(_) => digits
                    .parse::<u64>()
                    .map_or(json!({"$python": digits}), |n| json!(n)),
            };
            assert_eq!(read(bytes), Some(value));
        }
        assert_eq!(read(b""), Some(json!(0)));
    }

    #[test]
    fn integers_with_more_digits_than_python_reads_are_refused() {
        let largest = write(&"9".repeat(4300));
        assert_eq!(largest.len(), MAX_BYTES);
        assert!(read(&largest).is_some());
        assert!(read(&[0x7f; MAX_BYTES]).is_none());
    }

    proptest! {
        #[test]
        fn integers_survive(number in any::<i128>()) {
            let bytes = number.to_le_bytes();
            let digits = number.to_string();
            prop_assert_eq!(read(&bytes), read(&write(&digits)));
            prop_assert!(bytes.starts_with(&write(&digits)[..write(&digits).len().min(16)]));
        }

        #[test]
        fn large_integers_survive(digits in "-?[1-9][0-9]{30,300}") {
            prop_assert_eq!(read(&write(&digits)), Some(json!({"$python": digits})));
        }
    }
}
