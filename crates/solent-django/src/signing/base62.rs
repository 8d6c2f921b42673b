//! Numbers in base 62, as the time is written in what is signed.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes a number in base 62: digits, then capital, then small letters.
///
/// ```
/// use solent_django::signing::base62_encode;
///
/// assert_eq!(base62_encode(1_700_000_000), "1r31eq");
/// assert_eq!(base62_encode(-62), "-10");
/// ```
#[must_use]
pub fn base62_encode(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::with_capacity(12);
    loop {
        digits.push(char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

/// Reads a number in base 62; `None` if `text` is none, or one beyond 64 bits.
///
/// ```
/// use solent_django::signing::base62_decode;
///
/// assert_eq!(base62_decode("1r31eq"), Some(1_700_000_000));
/// assert_eq!(base62_decode("+1"), None);
/// ```
#[must_use]
pub fn base62_decode(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0i64, |number, digit| {
        number.checked_mul(62)?.checked_add(sign * value_of(digit)?)
    })
}

fn value_of(digit: u8) -> Option<i64> {
    let value = match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'Z' => digit - b'A' + 10,
        b'a'..=b'z' => digit - b'a' + 36,
        _ => return None,
    };
    Some(value.into())
}
