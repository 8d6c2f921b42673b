//! What Python has and JSON does not, as a JSON object with a single, telling key.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::Halves;

/// The key of such an object.
const KEY: &str = "$python";

/// Digits that Python reads in one integer at most.
const MAX_DIGITS: usize = 4300;

/// A value for which JSON, or `serde_json`, has no form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Special {
    /// Not a number, or an infinite one: `{"$python": "NaN"}`.
    Float(f64),
    /// An integer beyond 64 bits, in decimal digits: `{"$python": "18446744073709551616"}`.
    Integer(Integer),
    /// Text with halves of surrogate pairs, which Rust's text cannot hold: `{"$python": {"str": "\\ud83d"}}`.
    Halves(Halves),
    /// `bytes`: `{"$python": {"bytes": "AAEC"}}`, in base64.
    Bytes(Vec<u8>),
    /// A `dict` whose keys are not all text: `{"$python": {"dict": [[1, "one"]]}}`.
    Dict(Vec<(Value, Value)>),
}

/// The decimal digits of an integer that neither `i64` nor `u64` holds, with its sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Integer(String);

impl Integer {
    /// The integer that `digits` are, with or without a minus, as a number if 64 bits hold it.
    ///
    /// `None` if they are no integer, or too many.
    pub(crate) fn value(digits: &str) -> Option<Value> {
        let (minus, magnitude) = match digits.strip_prefix('-') {
            Some(magnitude) => ("-", magnitude),
            None => ("", digits),
        };
        let is_number = !magnitude.is_empty() && magnitude.bytes().all(|d| d.is_ascii_digit());
        if !is_number || magnitude.len() > MAX_DIGITS {
            return None;
        }
        if let Ok(small) = digits.parse::<i64>() {
            return Some(small.into());
        }
        if let Ok(small) = digits.parse::<u64>() {
            return Some(small.into());
        }
        let magnitude = magnitude.trim_start_matches('0');
        Some(Special::Integer(Self([minus, magnitude].concat())).into_value())
    }

    /// Its digits, with a minus before them if it is negative.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Special {
    /// What `value` stands for, if it is such an object.
    pub(crate) fn of(value: &Map<String, Value>) -> Option<Self> {
        if value.len() != 1 {
            return None;
        }
        match value.get(KEY)? {
            Value::String(token) => Self::of_token(token, value),
            Value::Object(inner) if inner.len() == 1 => Self::of_content(inner),
            _ => None,
        }
    }

    /// The object that stands for it.
    pub(crate) fn into_value(self) -> Value {
        let inner = match self {
            Self::Float(number) => super::float::repr(number).into(),
            Self::Integer(Integer(digits)) => digits.into(),
            Self::Halves(text) => single("str", text.as_str().into()),
            Self::Bytes(bytes) => single("bytes", STANDARD.encode(bytes).into()),
            Self::Dict(entries) => {
                let pairs = entries.into_iter().map(|(k, v)| Value::Array(vec![k, v]));
                single("dict", Value::Array(pairs.collect()))
            }
        };
        single(KEY, inner)
    }

    fn of_token(token: &str, whole: &Map<String, Value>) -> Option<Self> {
        match token {
            "NaN" => Some(Self::Float(f64::NAN)),
            "Infinity" => Some(Self::Float(f64::INFINITY)),
            "-Infinity" => Some(Self::Float(f64::NEG_INFINITY)),
            // Only what reading would write the same way is an integer, so that nothing else is mistaken for one.
            digits => match Integer::value(digits)? {
                Value::Object(same) if same == *whole => {
                    Some(Self::Integer(Integer(digits.to_owned())))
                }
                _ => None,
            },
        }
    }

    fn of_content(inner: &Map<String, Value>) -> Option<Self> {
        let (kind, content) = inner.iter().next()?;
        match (kind.as_str(), content) {
            ("str", Value::String(escaped)) => Halves::parse(escaped).map(Self::Halves),
            ("bytes", Value::String(encoded)) => STANDARD.decode(encoded).ok().map(Self::Bytes),
            ("dict", Value::Array(pairs)) => {
                let entries = pairs.iter().map(|pair| match pair.as_array()?.as_slice() {
                    [key, value] => Some((key.clone(), value.clone())),
                    _ => None,
                });
                entries.collect::<Option<_>>().map(Self::Dict)
            }
            _ => None,
        }
    }
}

fn single(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Integer, Special};

    #[test]
    fn integers_beyond_64_bits_keep_their_digits() {
        assert_eq!(Integer::value("-7"), Some(json!(-7)));
        assert_eq!(
            Integer::value("18446744073709551615"),
            Some(json!(u64::MAX))
        );
        assert_eq!(
            Integer::value("-18446744073709551616"),
            Some(json!({"$python": "-18446744073709551616"}))
        );
        assert_eq!(Integer::value("1.5"), None);
        assert_eq!(Integer::value(&"9".repeat(4301)), None);
    }

    #[test]
    fn an_object_that_is_not_exactly_such_a_form_stays_an_object() {
        let ordinary = [
            json!({}),
            json!({"$python": 1}),
            json!({"$python": "7"}),
            json!({"$python": "import os"}),
            json!({"$python": "NaN", "more": 1}),
            json!({"$python": {"bytes": "?"}}),
            json!({"$python": {"dict": [[1]]}}),
            json!({"$python": {"global": "os.system"}}),
        ];
        for value in ordinary {
            assert_eq!(Special::of(value.as_object().unwrap()), None, "{value}");
        }
    }
}
