//! Writing JSON as `json.dumps(…, separators=(",", ":"))` does.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

use crate::python::{Special, float};

/// The text of `value`: no spaces, everything outside ASCII escaped, floats as Python's `repr`.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The text of an object with these entries.
pub(crate) fn write_map(entries: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_object(&mut out, entries);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => write_array(out, items),
        Value::Object(entries) => match Special::of(entries) {
            Some(Special::Float(number)) => out.push_str(&float::repr(number)),
            Some(Special::Halves(text)) => {
                out.push('"');
                out.push_str(text.as_str());
                out.push('"');
            }
            Some(Special::Integer(integer)) => out.push_str(integer.as_str()),
            _ => write_object(out, entries),
        },
    }
}

fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        Some(fraction) if number.is_f64() => out.push_str(&float::repr(fraction)),
        _ => out.push_str(&number.to_string()),
    }
}

fn write_array(out: &mut String, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, item);
    }
    out.push(']');
}

fn write_object(out: &mut String, entries: &Map<String, Value>) {
    out.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, key);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a string does not fail");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write;

    #[test]
    fn text_is_escaped_as_python_escapes_it() {
        let text = "\"\\/\n\r\t\u{8}\u{c}\0\u{1f}\u{7f} ~é€🐉";
        let escaped = r#""\"\\/\n\r\t\b\f\u0000\u001f\u007f ~\u00e9\u20ac\ud83d\udc09""#;
        assert_eq!(write(&json!(text)), escaped);
    }

    #[test]
    fn what_only_python_writes_is_written_again() {
        let value = json!([
            {"$python": "NaN"}, {"$python": "-Infinity"}, {"$python": "18446744073709551616"},
            {"$python": "nothing"}, 1e16, -0.0, 7
        ]);
        assert_eq!(
            write(&value),
            r#"[NaN,-Infinity,18446744073709551616,{"$python":"nothing"},1e+16,-0.0,7]"#
        );
    }
}
