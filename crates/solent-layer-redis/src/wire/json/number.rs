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

/// Writes a number that is not negative, as far as it has digits.
fn push_digits(out: &mut Vec<u8>, number: f64) {
    // Of two shortest numbers that are equally near, it takes the even one, as Python does and `std` does not.
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = leading_zeros(whole, fraction);
    let mut digits = whole.bytes().chain(fraction.bytes()).skip(zeros);
    // What is made of a number's digits is one again, and small.
    let exponent = exponent.parse().unwrap_or(0) + whole.len() as i32 - zeros as i32 - 1;
    if (-4..16).contains(&exponent) {
        push_plain(out, digits, exponent);
    } else {
        out.extend(digits.next());
        let mut rest = digits.peekable();
        if rest.peek().is_some() {
            out.push(b'.');
            out.extend(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing to memory does not fail.
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// How many zeros are before the first other digit; all but one whole one if there is no other.
fn leading_zeros(whole: &str, fraction: &str) -> usize {
    let mut digits = whole.bytes().chain(fraction.bytes());
    digits
        .position(|digit| digit != b'0')
        .unwrap_or(whole.len().saturating_sub(1))
}

/// Writes digits with their point where the exponent says.
fn push_plain(out: &mut Vec<u8>, mut digits: impl Iterator<Item = u8>, exponent: i32) {
    let Ok(whole) = usize::try_from(exponent) else {
        out.extend_from_slice(b"0.");
        out.extend((1..-exponent).map(|_| b'0'));
        out.extend(digits);
        return;
    };
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
            // Which is .25, as near to .3; and .65625, as near to .6563.
            (725_989_598_576_189.2, "725989598576189.2"),
            (3_361_611_498_464.656_2, "3361611498464.6562"),
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
