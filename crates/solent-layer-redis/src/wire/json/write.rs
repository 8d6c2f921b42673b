//! From MessagePack to JSON, in one pass.

use std::io::Write;

use super::push_repr;
use crate::wire::{
    field::{FieldError, Problem},
    msgpack::{Reader, Token, deeper, text},
};

/// The JSON of a MessagePack value.
pub(super) fn write(bytes: &[u8]) -> Result<Vec<u8>, FieldError> {
    let mut writer = Writer {
        reader: Reader::new(bytes),
        out: Vec::with_capacity(bytes.len() * 3 / 2),
    };
    writer.value(0)?;
    Ok(writer.out)
}

struct Writer<'a> {
    reader: Reader<'a>,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, depth: usize) -> Result<(), FieldError> {
        match self.reader.token()? {
            Token::Nil => self.out.extend_from_slice(b"null"),
            Token::Bool(true) => self.out.extend_from_slice(b"true"),
            Token::Bool(false) => self.out.extend_from_slice(b"false"),
            Token::Uint(number) => self.push(format_args!("{number}")),
            Token::Int(number) => self.push(format_args!("{number}")),
            Token::Float(number) => push_repr(&mut self.out, number),
            Token::Str(bytes) => push_string(&mut self.out, text(bytes)?),
            Token::Bin(bytes) => self.numbers(bytes),
            Token::Ext(kind) => return Err(Problem::Extension(kind).into()),
            Token::Array(len) => self.items(len, deeper(depth)?)?,
            Token::Map(len) => self.entries(len, deeper(depth)?)?,
        }
        Ok(())
    }

    fn items(&mut self, len: u32, depth: usize) -> Result<(), FieldError> {
        self.out.push(b'[');
        for index in 0..len {
            self.separator(index);
            self.value(depth).map_err(|error| error.in_item(index))?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// Bytes, which JSON does not have, as a list of numbers.
    fn numbers(&mut self, bytes: &[u8]) {
        self.out.push(b'[');
        for (index, byte) in (0..).zip(bytes) {
            self.separator(index);
            self.push(format_args!("{byte}"));
        }
        self.out.push(b']');
    }

    fn entries(&mut self, len: u32, depth: usize) -> Result<(), FieldError> {
        self.out.push(b'{');
        for index in 0..len {
            self.separator(index);
            let key = match self.reader.token()? {
                Token::Str(key) => key,
                Token::Bin(key) => return Err(FieldError::from(Problem::Bytes).in_key(key)),
                _ => return Err(Problem::Key.into()),
            };
            push_string(&mut self.out, text(key)?);
            self.out.extend_from_slice(b": ");
            self.value(depth).map_err(|error| error.in_key(key))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn separator(&mut self, index: u32) {
        if index > 0 {
            self.out.extend_from_slice(b", ");
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.out.write_fmt(text);
    }
}

/// Writes a string in quotes. Only printable ASCII stays as it is.
fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        // What is not plain begins a character, since what is before it is ASCII.
        let mut chars = rest[at..].chars();
        if let Some(char) = chars.next() {
            push_escaped(out, char);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn push_escaped(out: &mut Vec<u8>, char: char) {
    let short = match char {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\x0c' => b'f',
        '\x08' => b'b',
        _ => {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
