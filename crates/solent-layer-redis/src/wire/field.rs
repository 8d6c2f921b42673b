//! What is wrong with a field, and where it is.

use std::fmt;

/// The longest part of a key that is shown.
const SHOWN: usize = 40;

/// A field that the reader of a message would not understand. On the heap, since it is rare.
#[derive(Debug)]
pub(super) struct FieldError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// The way to the field, from the inside out.
    path: Vec<Step>,
    problem: Problem,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Item(u32),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("a map key is neither a string nor bytes, use strings as keys")]
    Key,
    #[error("extension type {0} means nothing to other readers, send a number or a string instead")]
    Extension(i8),
    #[error("a string is not valid UTF-8, send it as bytes instead")]
    Utf8,
    #[error("it is nested deeper than {0} levels, flatten it or send it as a string")]
    Deep(usize),
    #[error("the message ends in the middle of a value")]
    Incomplete,
    #[error("the byte {0:#04x} begins no value")]
    Reserved(u8),
    #[error("the message goes on after its end")]
    Trailing,
    #[error("bytes cannot be a key in JSON, use a string or MessagePack")]
    Bytes,
    #[error("an integer is out of range, from -2^63 to 2^64-1")]
    Integer,
    #[error("a string has half of a surrogate pair")]
    Surrogate,
    #[error("not JSON at offset {offset}: expected {expected}")]
    Syntax {
        expected: &'static str,
        offset: usize,
    },
    #[error("the message is not in the encoding that its first bytes show")]
    Encoding,
}

impl FieldError {
    /// The same, of a field inside the map value at `key`.
    pub(super) fn in_key(mut self, key: &[u8]) -> Self {
        self.0.path.push(Step::Key(shown(key)));
        self
    }

    /// The same, of a field inside the item `index` of an array.
    pub(super) fn in_item(mut self, index: u32) -> Self {
        self.0.path.push(Step::Item(index));
        self
    }
}

impl From<Problem> for FieldError {
    #[cold]
    fn from(problem: Problem) -> Self {
        Self(Box::new(Inner {
            path: Vec::new(),
            problem,
        }))
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.path.iter().rev().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        if !self.0.path.is_empty() {
            f.write_str(": ")?;
        }
        self.0.problem.fmt(f)
    }
}

impl std::error::Error for FieldError {}

/// A key as it is if it is a plain name, else in quotes with escapes; its beginning if it is long.
fn shown(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(&key[..key.len().min(4 * SHOWN)]);
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < key.len() {
        short.push('…');
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '…');
    if !short.is_empty() && short.chars().all(plain) {
        short
    } else {
        format!("{short:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_path_of_the_field() {
        let error = FieldError::from(Problem::Bytes)
            .in_key(b"when")
            .in_item(3)
            .in_key(b"items")
            .in_key(b"payload");

        assert_eq!(
            error.to_string(),
            "payload.items[3].when: bytes cannot be a key in JSON, use a string or MessagePack"
        );
    }

    #[test]
    fn key_of_an_error_is_short_and_printable() {
        assert_eq!(shown(b"a b\n"), r#""a b\n""#);
        assert_eq!(shown(b""), r#""""#);
        assert_eq!(shown("é".as_bytes()), "é");
        assert_eq!(shown(&[b'x'; 1000]), format!("{}…", "x".repeat(40)));
        assert_eq!(shown(b"\xff"), "\"\u{fffd}\"");
    }
}
