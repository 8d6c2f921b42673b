//! Numbers as Python's `repr` writes them.

use std::io::Write;

/// Writes a number as Python's `json` does: the shortest digits that are read back as the same number, an exponent from
/// 10¹⁶ on and below 10⁻⁴.
pub(crate) fn push_repr(out: &mut Vec<u8>, number: f64) {
    if number.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    push_digits(out, number.abs());
}

fn push_digits(out: &mut Vec<u8>, number: f64) {
    // Such as `1.5e300`, `1e-5`, `0e0`: at most 17 digits and an exponent of three.
    let mut buffer = [0; 32];
    let mut rest = &mut buffer[..];
    // Writing to memory with enough room does not fail.
    let _ = write!(rest, "{number:e}");
    let left = rest.len();
    let text = &buffer[..buffer.len() - left];
    let mut parts = text.split(|byte| *byte == b'e');
    let mantissa = parts.next().unwrap_or_default();
    let exponent = std::str::from_utf8(parts.next().unwrap_or_default())
        .ok()
        .and_then(|exponent| exponent.parse::<i32>().ok())
        .unwrap_or_default();
    if (-4..16).contains(&exponent) {
        push_plain(out, mantissa, exponent);
    } else {
        out.extend_from_slice(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// Writes the digits with their point where the exponent says.
fn push_plain(out: &mut Vec<u8>, mantissa: &[u8], exponent: i32) {
    let digits = mantissa.iter().copied().filter(|byte| *byte != b'.');
    let Ok(whole) = usize::try_from(exponent) else {
        out.extend_from_slice(b"0.");
        out.extend((1..-exponent).map(|_| b'0'));
        out.extend(digits);
        return;
    };
    let mut digits = digits.fuse();
    for _ in 0..=whole {
        out.push(digits.next().unwrap_or(b'0'));
    }
    out.push(b'.');
    out.push(digits.next().unwrap_or(b'0'));
    out.extend(digits);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repr(number: f64) -> String {
        let mut out = Vec::new();
        push_repr(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_in_python() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.000_01, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (123_456_789.0, "123456789.0"),
            (1e15, "1000000000000000.0"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::NAN, "NaN"),
            (-f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(repr(number), text);
        }
    }

    proptest! {
        #[test]
        fn text_is_read_back_as_the_same_number(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(repr(number).parse::<f64>(), Ok(number));
        }
    }
}
