//! Reading JSON as `json.loads` does.

use serde_json::{Map, Value};

use crate::python::{Halves, Integer, Special};

/// Arrays and objects that may be inside each other.
const MAX_DEPTH: usize = 128;

/// The text is not JSON, not even Python's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid json at byte {offset}")]
pub(crate) struct JsonError {
    /// Where reading stopped.
    offset: usize,
}

/// Reads one value.
///
/// As Django does, bytes beyond ASCII are taken for Latin-1. A name with half of a surrogate pair, which Rust's text cannot
/// hold, is an error.
pub(crate) fn read(text: &[u8]) -> Result<Value, JsonError> {
    let mut reader = Reader {
        text,
        offset: 0,
        has_halves: false,
    };
    reader.document().ok_or(JsonError {
        offset: reader.offset,
    })
}

struct Reader<'a> {
    text: &'a [u8],
    /// What is read so far.
    offset: usize,
    /// Whether the last text had half of a surrogate pair.
    has_halves: bool,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<Value> {
        let value = self.value(0)?;
        self.skip_spaces();
        (self.offset == self.text.len()).then_some(value)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_spaces();
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.object(depth + 1),
            b'[' if depth < MAX_DEPTH => self.array(depth + 1),
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<Value> {
        let words = [
            ("null", Value::Null),
            ("true", true.into()),
            ("false", false.into()),
            ("NaN", Special::Float(f64::NAN).into_value()),
            ("Infinity", Special::Float(f64::INFINITY).into_value()),
        ];
        words
            .into_iter()
            .find(|(word, _)| self.takes(word))
            .map(|(_, value)| value)
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut entries = Map::new();
        self.offset += 1;
        self.skip_spaces();
        if self.takes("}") {
            return Some(Value::Object(entries));
        }
        loop {
            self.skip_spaces();
            let key = self.string().filter(|_| !self.has_halves)?;
            self.skip_spaces();
            self.expect(b':')?;
            let value = self.value(depth)?;
            entries.insert(key, value);
            self.skip_spaces();
            if self.takes("}") {
                return Some(Value::Object(entries));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.offset += 1;
        self.skip_spaces();
        if self.takes("]") {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_spaces();
            if self.takes("]") {
                return Some(Value::Array(items));
            }
            self.expect(b',')?;
        }
    }

    fn number(&mut self) -> Option<Value> {
        if self.takes("-Infinity") {
            return Some(Special::Float(f64::NEG_INFINITY).into_value());
        }
        let start = self.offset;
        self.takes("-");
        // A zero stands alone; what follows it belongs to nothing.
        if !self.takes("0") {
            self.digits()?;
        }
        let whole_end = self.offset;
        self.fraction();
        self.exponent();
        let text = std::str::from_utf8(&self.text[start..self.offset]).ok()?;
        if self.offset == whole_end {
            return Integer::value(text);
        }
        let number: f64 = text.parse().ok()?;
        Some(match serde_json::Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => Special::Float(number).into_value(),
        })
    }

    /// A point with digits after it; without digits it belongs to nothing.
    fn fraction(&mut self) {
        let start = self.offset;
        if !self.takes(".") || self.digits().is_none() {
            self.offset = start;
        }
    }

    fn exponent(&mut self) {
        let start = self.offset;
        if !(self.takes("e") || self.takes("E")) {
            return;
        }
        let _sign = self.takes("+") || self.takes("-");
        if self.digits().is_none() {
            self.offset = start;
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.offset;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.offset += 1;
        }
        (self.offset > start).then_some(())
    }

    fn text(&mut self) -> Option<Value> {
        let start = self.offset + 1;
        let text = self.string()?;
        if !self.has_halves {
            return Some(Value::String(text));
        }
        let text = Halves::of_json(&self.text[start..self.offset - 1]);
        Some(Special::Halves(text).into_value())
    }

    fn string(&mut self) -> Option<String> {
        self.has_halves = false;
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let byte = self.peek()?;
            self.offset += 1;
            match byte {
                b'"' => return Some(text),
                b'\\' => text.push(self.escape()?),
                0..=0x1f => return None,
                latin => text.push(char::from(latin)),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.offset += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// The character after `\u`, of one unit or, if another follows, two.
    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first.into()).unwrap_or_else(|| self.half()));
        }
        let after_first = self.offset;
        if self.takes("\\u") {
            let second = self.unit()?;
            if let Some(Ok(pair)) = char::decode_utf16([first, second]).next() {
                return Some(pair);
            }
            self.offset = after_first;
        }
        Some(self.half())
    }

    fn half(&mut self) -> char {
        self.has_halves = true;
        char::REPLACEMENT_CHARACTER
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.offset..self.offset + 4)?;
        self.offset += 4;
        digits.iter().try_fold(0u16, |unit, digit| {
            let value = char::from(*digit).to_digit(16)?;
            Some(unit << 4 | value as u16)
        })
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.offset).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.offset += 1)
    }

    /// Whether `word` comes next, which is then read.
    fn takes(&mut self, word: &str) -> bool {
        let comes = self.text[self.offset..].starts_with(word.as_bytes());
        if comes {
            self.offset += word.len();
        }
        comes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::read;
    use crate::python::json::write;

    #[test]
    fn what_only_python_writes_is_read() {
        let text = br#" {"a": [NaN, -Infinity, Infinity, 1e999], "b": -18446744073709551616, "c":18446744073709551615} "#;
        let expected = json!({
            "a": [{"$python": "NaN"}, {"$python": "-Infinity"}, {"$python": "Infinity"}, {"$python": "Infinity"}],
            "b": {"$python": "-18446744073709551616"},
            "c": u64::MAX,
        });
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn half_a_surrogate_pair_is_kept_as_it_is() {
        for half in [
            r"\ud83d",
            r"\udc09",
            r"\ud83d\ud83d\udc09",
            r#"\"\ud83dx\n\u00e9"#,
        ] {
            let text = format!(r#"["\ud83d\udc09","{half}",{{"a":"{half}"}}]"#);
            let kept = json!({"$python": {"str": half}});
            let expected = json!(["🐉", kept, {"a": kept}]);

            assert_eq!(read(text.as_bytes()), Ok(expected.clone()));
            assert_eq!(write(&expected), text);
        }
        assert_eq!(
            read(b"\"\xe9\\ud83d\""),
            Ok(json!({"$python": {"str": "\\u00e9\\ud83d"}}))
        );
        assert!(read(br#"{"\ud83d":1}"#).is_err());
    }

    #[test]
    fn object_that_only_looks_like_half_a_pair_is_one() {
        for text in [
            "a",
            "\\ud83d\\udc09",
            "\"",
            "\\",
            "\\ud83d\"",
            "é\\ud83d",
            "\\ud8",
        ] {
            let object = json!({"$python": {"str": text}});
            assert_eq!(read(write(&object).as_bytes()), Ok(object));
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_latin_1() {
        assert_eq!(read(b"\"\xe9\""), Ok(json!("é")));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let cases: [&[u8]; 18] = [
            b"",
            b" ",
            b"{",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"01",
            b"1.",
            b".5",
            b"+1",
            b"1e",
            b"-",
            b"nul",
            b"\"\n\"",
            b"\"\\u12\"",
            b"\"\\x\"",
            b"\"",
            b"1 2",
        ];
        for text in cases {
            assert!(read(text).is_err(), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(read(&nested(128)).is_ok());
        assert!(read(&nested(129)).is_err());
        assert!(read(&vec![b'['; 1 << 20]).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "-?[1-9][0-9]{20,40}".prop_map(|digits| json!({"$python": digits})),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let text = write(&value);
            prop_assert!(text.is_ascii());
            prop_assert_eq!(read(text.as_bytes()), Ok(value));
        }

        #[test]
        fn standard_json_is_read_as_serde_json_reads_it(value in values()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            if text.is_ascii() {
                prop_assert_eq!(read(text.as_bytes()), Ok(value));
            }
        }

        #[test]
        fn nothing_read_panics(text in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&text);
        }
    }
}
