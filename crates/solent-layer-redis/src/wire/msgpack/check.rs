//! Whether every reader can read a message.

use std::str;

use super::{Reader, Token};
use crate::wire::field::{FieldError, Problem};

/// How deep a message may be nested. A [`Message`](solent_layer::Message) cannot be nested deeper.
pub(crate) const MAX_DEPTH: usize = 127;

/// Whether extension types are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extensions {
    /// What is sent must be understood by Python, which makes objects of extensions that no handler expects.
    Refused,
    /// What is received may have them.
    Accepted,
}

/// Walks over one value: no byte of it is looked at twice, nothing is copied.
pub(crate) fn check(bytes: &[u8], extensions: Extensions) -> Result<(), FieldError> {
    let mut walk = Walk {
        reader: Reader::new(bytes),
        extensions,
    };
    walk.value(0)?;
    if walk.reader.left() > 0 {
        return Err(Problem::Trailing.into());
    }
    Ok(())
}

/// The depth of what is inside a container at `depth`.
pub(crate) fn deeper(depth: usize) -> Result<usize, Problem> {
    if depth < MAX_DEPTH {
        Ok(depth + 1)
    } else {
        Err(Problem::Deep(MAX_DEPTH))
    }
}

/// The text of a string.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(bytes).map_err(|_| Problem::Utf8)
}

/// Whether a string is text. Nearly all are ASCII, which is quicker to tell.
#[inline]
fn check_text(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_ascii() {
        return Ok(());
    }
    text(bytes).map(drop)
}

struct Walk<'a> {
    reader: Reader<'a>,
    extensions: Extensions,
}

impl Walk<'_> {
    fn value(&mut self, depth: usize) -> Result<(), FieldError> {
        match self.reader.token()? {
            Token::Str(bytes) => check_text(bytes)?,
            Token::Map(len) => return self.entries(len, deeper(depth)?),
            Token::Array(len) => return self.items(len, deeper(depth)?),
            Token::Ext(kind) if self.extensions == Extensions::Refused => {
                return Err(Problem::Extension(kind).into());
            }
            _ => {}
        }
        Ok(())
    }

    fn entries(&mut self, len: u32, depth: usize) -> Result<(), FieldError> {
        for _ in 0..len {
            let key = match self.reader.token()? {
                Token::Str(key) => {
                    check_text(key)?;
                    key
                }
                Token::Bin(key) => key,
                _ => return Err(Problem::Key.into()),
            };
            self.value(depth).map_err(|error| error.in_key(key))?;
        }
        Ok(())
    }

    fn items(&mut self, len: u32, depth: usize) -> Result<(), FieldError> {
        for index in 0..len {
            self.value(depth).map_err(|error| error.in_item(index))?;
        }
        Ok(())
    }
}
