//! A decoder's words without the values.

use std::fmt::{Display, Formatter};

use serde::de::{self, Expected, Unexpected};

/// What is wrong, in serde's words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason(pub(super) String);

/// The most characters of a reason: types may say what they like.
const MAX_LEN: usize = 200;

impl Reason {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into().chars().take(MAX_LEN).collect())
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

impl de::Error for Reason {
    /// A type's own words, without what they quote.
    fn custom<T: Display>(words: T) -> Self {
        let words = words.to_string();
        let parts = words.split('"').step_by(2).collect::<Vec<_>>();
        Self::new(parts.join("\"…\""))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!(
            "invalid type: {}, expected {expected}",
            kind(found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!(
            "invalid value: {}, expected {expected}",
            kind(found)
        ))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let expected = expected.join("`, `");
        Self::new(format!("unknown variant, expected `{expected}`"))
    }
}

fn kind(found: Unexpected<'_>) -> &str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "floating point number",
        Unexpected::Char(_) => "character",
        Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "bytes that are no text",
        Unexpected::Unit => "null",
        Unexpected::Option => "optional value",
        Unexpected::Seq => "sequence",
        Unexpected::Map => "map",
        _ => "value",
    }
}
