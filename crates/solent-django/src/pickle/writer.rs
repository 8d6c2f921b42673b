//! Writing plain data, in protocol 4, which every Python since 3.4 reads.

use serde_json::{Map, Number, Value};

use super::{long, opcode as op};
use crate::python::Special;

/// Entries that one instruction adds at most, as Python does it.
const BATCH: usize = 1000;

/// Writes a dictionary with text for keys, as a session is.
///
/// What [`read`](super::read) had no form in JSON for is written as it was.
#[must_use]
pub fn write(data: &Map<String, Value>) -> Vec<u8> {
    framed(|out| map(out, data))
}

/// Writes any value.
#[must_use]
pub fn write_value(value: &Value) -> Vec<u8> {
    framed(|out| self::value(out, value))
}

fn framed(content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![op::PROTO, 4, op::FRAME];
    out.extend([0; 8]);
    let start = out.len();
    content(&mut out);
    out.push(op::STOP);
    let length = (out.len() - start) as u64;
    out[start - 8..start].copy_from_slice(&length.to_le_bytes());
    out
}

fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(op::NONE),
        Value::Bool(true) => out.push(op::NEWTRUE),
        Value::Bool(false) => out.push(op::NEWFALSE),
        Value::Number(number) => self::number(out, number),
        Value::String(text) => self::text(out, text.as_bytes()),
        Value::Array(items) => list(out, items),
        Value::Object(entries) => object(out, entries),
    }
}

fn object(out: &mut Vec<u8>, entries: &Map<String, Value>) {
    match Special::of(entries) {
        Some(Special::Dict(entries)) if entries.iter().all(|(key, _)| is_hashable(key)) => {
            dict(out, &entries, |out, (key, value)| {
                self::key(out, key);
                self::value(out, value);
            });
        }
        Some(Special::Dict(_)) | None => map(out, entries),
        Some(scalar) => special(out, &scalar),
    }
}

/// Whether Python takes it as a key. One that it does not take would cost the whole session.
fn is_hashable(key: &Value) -> bool {
    match key {
        Value::Array(items) => items.iter().all(is_hashable),
        Value::Object(entries) => {
            Special::of(entries).is_some_and(|special| !matches!(special, Special::Dict(_)))
        }
        _ => true,
    }
}

/// A value in a key, where a list is the tuple that it was.
fn key(out: &mut Vec<u8>, key: &Value) {
    let Value::Array(items) = key else {
        return value(out, key);
    };
    out.push(op::MARK);
    for item in items {
        self::key(out, item);
    }
    out.push(op::TUPLE);
}

fn special(out: &mut Vec<u8>, special: &Special) {
    match special {
        Special::Float(number) => float(out, *number),
        Special::Integer(integer) => self::integer(out, integer.as_str()),
        Special::Halves(text) => self::text(out, &text.to_utf8()),
        Special::Bytes(bytes) => {
            sized(
                out,
                bytes,
                [
                    Some(op::SHORT_BINBYTES),
                    Some(op::BINBYTES),
                    Some(op::BINBYTES8),
                ],
            );
        }
        Special::Dict(_) => {}
    }
}

fn number(out: &mut Vec<u8>, number: &Number) {
    match (number.as_i64(), number.as_f64()) {
        (Some(small), _) => match i32::try_from(small) {
            Ok(tiny @ 0..=0xff) => out.extend([op::BININT1, tiny as u8]),
            Ok(tiny) => {
                out.push(op::BININT);
                out.extend(tiny.to_le_bytes());
            }
            Err(_) => integer(out, &number.to_string()),
        },
        (None, Some(fraction)) if number.is_f64() => float(out, fraction),
        _ => integer(out, &number.to_string()),
    }
}

fn float(out: &mut Vec<u8>, number: f64) {
    out.push(op::BINFLOAT);
    out.extend(number.to_be_bytes());
}

fn integer(out: &mut Vec<u8>, digits: &str) {
    sized(
        out,
        &long::write(digits),
        [Some(op::LONG1), Some(op::LONG4), None],
    );
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    sized(
        out,
        text,
        [
            Some(op::SHORT_BINUNICODE),
            Some(op::BINUNICODE),
            Some(op::BINUNICODE8),
        ],
    );
}

/// Bytes after their number, in the smallest of the forms with one, four and eight bytes for it.
fn sized(out: &mut Vec<u8>, bytes: &[u8], [one, four, eight]: [Option<u8>; 3]) {
    if let (Some(opcode), Ok(length)) = (one, u8::try_from(bytes.len())) {
        out.extend([opcode, length]);
    } else if let (Some(opcode), Ok(length)) = (four, u32::try_from(bytes.len())) {
        out.push(opcode);
        out.extend(length.to_le_bytes());
    } else {
        out.extend(eight);
        out.extend((bytes.len() as u64).to_le_bytes());
    }
    out.extend(bytes);
}

fn list(out: &mut Vec<u8>, items: &[Value]) {
    out.push(op::EMPTY_LIST);
    for batch in items.chunks(BATCH) {
        out.push(op::MARK);
        for item in batch {
            value(out, item);
        }
        out.push(op::APPENDS);
    }
}

fn map(out: &mut Vec<u8>, entries: &Map<String, Value>) {
    let entries: Vec<_> = entries.iter().collect();
    dict(out, &entries, |out, (key, value)| {
        text(out, key.as_bytes());
        self::value(out, value);
    });
}

fn dict<E>(out: &mut Vec<u8>, entries: &[E], write: impl Fn(&mut Vec<u8>, &E)) {
    out.push(op::EMPTY_DICT);
    for batch in entries.chunks(BATCH) {
        out.push(op::MARK);
        for entry in batch {
            write(out, entry);
        }
        out.push(op::SETITEMS);
    }
}
