//! JSON of clients, which is taken as it is or refused, and JSON for them, which is written so.
//!
//! ```
//! use serde_json::Value;
//! use solent_spec::json::{self, InvalidJson};
//!
//! assert_eq!(json::from_str::<Value>(r#"{"n": 18446744073709551615}"#)?["n"], u64::MAX);
//!
//! // As a number of 64 bits this would be another one.
//! let refused = json::from_str::<Value>("12345678901234567890123");
//! assert!(matches!(refused, Err(InvalidJson::Unfit(_))));
//!
//! // As JSON this would be `null`.
//! assert!(json::to_string(&f64::NAN).is_err());
//! # Ok::<(), solent_spec::BoxError>(())
//! ```

mod number;
mod write;

use serde::de::{DeserializeOwned, IgnoredAny};

pub use self::write::{to_string, to_value, to_vec};

use self::number::Number;
use crate::{
    BoxError, Chain,
    message::Mismatch,
    mismatch::{Tree, mismatch},
    websocket::{Close, CloseCode},
};

/// What a client sent is not the JSON that is expected of it: the client's fault.
///
/// A handler may pass it on with `?`. Consumers close a WebSocket with [`close`](Self::close) then and answer an HTTP request
/// with status 400, and log an event of the level DEBUG. Nothing that it says repeats what the client sent, except names of
/// fields.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// It is a binary message.
    #[error("message is binary, send JSON as text")]
    Binary,
    /// It is no JSON.
    #[error("message is not JSON")]
    Malformed(#[source] serde_json::Error),
    /// It is JSON that would not be the same afterwards, or is not taken: nested more than 128 deep, integers that take more
    /// than 64 bits, numbers beyond the largest or too close to zero, halves of surrogate pairs.
    #[error("message is JSON that cannot be taken as it is")]
    Unfit(#[source] BoxError),
    /// It is JSON of another shape.
    #[error("message is JSON, but not what is expected here")]
    Unexpected(#[source] Mismatch),
}

impl InvalidJson {
    /// How a WebSocket is closed for it: with code 1003 for a binary message and 1007 for all else, and a reason for people
    /// to read, cut to what a close frame holds.
    pub fn close(&self) -> Close {
        let code = match self {
            Self::Binary => CloseCode::UNSUPPORTED_DATA,
            _ => CloseCode::INVALID_DATA,
        };
        Close::new(code, &Chain(self).to_string())
    }
}

/// Reads a value of JSON.
///
/// Of two members of an object with one name, [`serde_json::Value`] and maps keep the last, as Python and browsers do.
///
/// # Errors
///
/// [`InvalidJson`], never [`InvalidJson::Binary`].
pub fn from_str<T: DeserializeOwned>(json: &str) -> Result<T, InvalidJson> {
    finish(json.as_bytes(), serde_json::from_str(json))
}

/// The same for bytes, such as the body of a request.
///
/// # Errors
///
/// As [`from_str`].
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidJson> {
    finish(json, serde_json::from_slice(json))
}

fn finish<T: DeserializeOwned>(
    json: &[u8],
    read: Result<T, serde_json::Error>,
) -> Result<T, InvalidJson> {
    match read {
        Ok(value) if !number::may_change(json) => Ok(value),
        Ok(value) => match number::changed(json) {
            None => Ok(value),
            Some(Number::MinusZero) if keeps_minus_zero::<T>(json) => Ok(value),
            Some(number) => Err(InvalidJson::Unfit(number.into())),
        },
        Err(error) => Err(explain::<T>(json, error)),
    }
}

/// Why JSON was not taken.
#[cold]
fn explain<T: DeserializeOwned>(json: &[u8], error: serde_json::Error) -> InvalidJson {
    // Skips values however deep they are and whatever is in them.
    if serde_json::from_slice::<IgnoredAny>(json).is_err() {
        return InvalidJson::Malformed(error);
    }
    if let Some(number @ Number::Beyond64) = number::changed(json) {
        return InvalidJson::Unfit(number.into());
    }
    let words = error.to_string();
    if words.contains("hex escape") {
        return InvalidJson::Unfit("text holds half of a surrogate pair".into());
    }
    // That a key is no number is a matter of shape for the decoder's caller, and of syntax for the decoder.
    if !error.is_data() && !words.starts_with("invalid value") {
        return InvalidJson::Unfit(error.into());
    }
    let tree = serde_json::from_slice(json).ok();
    InvalidJson::Unexpected(mismatch::<T>(tree, json.len()))
}

/// Whether every `-0` is read by something that wants a floating point number.
#[cold]
fn keeps_minus_zero<T: DeserializeOwned>(json: &[u8]) -> bool {
    let tree = serde_json::from_slice(json).map(Tree::refuse_minus_zero);
    tree.is_ok_and(|tree| T::deserialize(&tree).is_ok())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Input {
        Say {
            #[expect(dead_code, reason = "only read")]
            text: String,
            #[expect(dead_code, reason = "only read")]
            to: Vec<Member>,
        },
    }

    #[derive(Debug, Deserialize)]
    struct Member {
        #[expect(dead_code, reason = "only read")]
        id: u32,
    }

    fn told<T: DeserializeOwned>(json: &str) -> String {
        match from_str::<T>(json) {
            Ok(_) => "taken".into(),
            Err(error) => Chain(&error).to_string(),
        }
    }

    #[test]
    fn number_that_would_change_is_refused() {
        for (json, reason) in [
            ("12345678901234567890123", "integer takes more than 64 bits"),
            ("18446744073709551616", "integer takes more than 64 bits"),
            ("[-9223372036854775809]", "integer takes more than 64 bits"),
            (r#"{"a": [-0]}"#, "minus zero"),
            ("1e-400", "too close to zero"),
            ("-0.00000000000000000001e-310", "too close to zero"),
            ("1e999", "number out of range"),
        ] {
            let told = told::<Value>(json);
            assert!(told.contains(reason), "{json}: {told}");
            assert!(told.starts_with("message is JSON that"), "{json}: {told}");
        }
        let told = told::<u64>("18446744073709551616");
        assert!(told.contains("more than 64 bits"), "{told}");
    }

    #[test]
    fn number_that_stays_the_same_is_taken() {
        for json in [
            "18446744073709551615",
            "-9223372036854775808",
            "0",
            "-0.5",
            "0e-400",
            "1e-300",
            "123456789012345680000",
            "0.1234567890123456789",
            r#""-0 is not 12345678901234567890123 \" -0""#,
            r#"{"2020-01-01": -10}"#,
        ] {
            assert_eq!(told::<Value>(json), "taken", "{json}");
        }
        assert_eq!(told::<f64>("-0"), "taken");
        assert_eq!(told::<Vec<f32>>("[1, -0, -0.0]"), "taken");
    }

    #[test]
    fn reason_of_a_refusal_is_the_true_one() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (told, reason) in [
            (told::<Value>(&deep), "recursion limit exceeded"),
            (told::<Value>(r#""\ud800""#), "surrogate"),
            (told::<Value>(r#""\udc00""#), "surrogate"),
            (
                told::<HashMap<u32, u32>>(r#"{"x": 1}"#),
                "not what is expected",
            ),
            (told::<Value>("{"), "message is not JSON: EOF"),
            (told::<Value>("NaN"), "message is not JSON: expected value"),
            (told::<Value>(&"[".repeat(200)), "message is not JSON"),
        ] {
            assert!(told.contains(reason), "{told}");
        }
        assert!(!told::<Value>(&deep).contains("not JSON"));
    }

    #[test]
    fn refusal_names_the_field_and_repeats_no_value() {
        for (json, reason) in [
            (
                r#"{"type": "say", "text": null, "to": []}"#,
                "`text`: invalid type: null, expected a string",
            ),
            (
                r#"{"to": [{"id": 1}, {"id": "secret"}], "text": "secret", "type": "say"}"#,
                "`to[1].id`: invalid type: string, expected u32",
            ),
            (r#"{"type": "say", "text": ""}"#, "missing field `to`"),
            (r#"{"type": "secret"}"#, "unknown variant, expected `say`"),
            (
                "5",
                "invalid type: integer, expected internally tagged enum",
            ),
        ] {
            let told = told::<Input>(json);
            assert!(
                told.ends_with(reason) || told.contains(reason),
                "{json}: {told}"
            );
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
