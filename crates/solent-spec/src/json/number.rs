//! Numbers that would be others once they are read.

/// A number that does not survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Number {
    #[error("integer takes more than 64 bits, send it as a string")]
    Beyond64,
    #[error("integer is minus zero")]
    MinusZero,
    #[error("number is too close to zero")]
    TooSmall,
}

/// The most digits that every integer of 64 bits may have.
const SAFE_DIGITS: usize = 18;

/// Whether a closer look is needed: almost never, and answered without looking at most of the text.
pub(super) fn may_change(json: &[u8]) -> bool {
    has_long_run_of_digits(json) || has_odd_minus(json)
}

fn has_long_run_of_digits(json: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    // A run that is too long has a digit at one of these places.
    let mut at = SAFE_DIGITS;
    while at < json.len() {
        if json[at].is_ascii_digit() {
            let before = json[..at].iter().rev().take_while(|byte| is_digit(byte));
            let start = at - before.count();
            let run = json[start..].iter().take_while(|byte| is_digit(byte));
            let run = run.take(SAFE_DIGITS + 1).count();
            if run > SAFE_DIGITS {
                return true;
            }
        }
        at += SAFE_DIGITS + 1;
    }
    false
}

/// A `-0` that is no fraction, or an exponent of minus some hundreds.
fn has_odd_minus(json: &[u8]) -> bool {
    memchr::memchr_iter(b'-', json).any(|at| {
        let after = &json[at + 1..];
        if at > 0 && matches!(json[at - 1], b'e' | b'E') {
            return after.len() > 2 && after[..3].iter().all(u8::is_ascii_digit);
        }
        after.first() == Some(&b'0') && !matches!(after.get(1), Some(b'.' | b'0'..=b'9'))
    })
}

/// The first number of some JSON that would change.
pub(super) fn changed(json: &[u8]) -> Option<Number> {
    let mut rest = json;
    let mut minus_zero = None;
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'"' => rest = behind_string(after),
            b'-' | b'0'..=b'9' => {
                let len = rest.iter().take_while(|byte| is_part(**byte)).count();
                let (token, behind) = rest.split_at(len);
                match judge(token) {
                    // Others are worse.
                    Some(Number::MinusZero) => minus_zero = Some(Number::MinusZero),
                    Some(number) => return Some(number),
                    None => {}
                }
                rest = behind;
            }
            _ => rest = after,
        }
    }
    minus_zero
}

fn behind_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let escaped = usize::from(rest[at] == b'\\');
        rest = rest.get(at + 1 + escaped..).unwrap_or_default();
        if escaped == 0 {
            return rest;
        }
    }
    &[]
}

fn is_part(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

fn judge(token: &[u8]) -> Option<Number> {
    let token = std::str::from_utf8(token).ok()?;
    if token == "-0" {
        return Some(Number::MinusZero);
    }
    if !token.contains(['.', 'e', 'E']) {
        let fits = token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok();
        return (!fits && !is_float(token)).then_some(Number::Beyond64);
    }
    let digits = token.split(['e', 'E']).next()?;
    let is_zero = !digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let vanishes = !is_zero && token.parse::<f64>().is_ok_and(|value| value == 0.0);
    vanishes.then_some(Number::TooSmall)
}

/// Whether an integer is how a floating point number is written out, as browsers do below 1e21.
fn is_float(token: &str) -> bool {
    token
        .parse::<f64>()
        .is_ok_and(|value| value.to_string() == token)
}
