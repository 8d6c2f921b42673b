//! From JSON to MessagePack, in one pass.

use super::super::{
    field::{FieldError, Problem},
    msgpack::{
        Container, FALSE, NIL, TRUE, deeper, push_f64, push_int, push_str, push_uint, set_len,
    },
};

/// The MessagePack of a JSON text, in its smallest form.
pub(super) fn read(text: &str) -> Result<Vec<u8>, FieldError> {
    let mut parser = Parser {
        text,
        at: 0,
        out: Vec::with_capacity(text.len()),
        string: String::new(),
    };
    parser.space();
    parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.expected("the end").into());
    }
    Ok(parser.out)
}

struct Parser<'a> {
    text: &'a str,
    /// How much of the text is read; between two characters.
    at: usize,
    out: Vec<u8>,
    /// The string that was read last.
    string: String,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<(), FieldError> {
        match self.peek() {
            Some(b'{') => self.map(deeper(depth)?)?,
            Some(b'[') => self.array(deeper(depth)?)?,
            Some(b'"') => {
                self.string()?;
                push_str(&mut self.out, &self.string);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.literal()?,
        }
        Ok(())
    }

    fn map(&mut self, depth: usize) -> Result<(), FieldError> {
        let start = self.begin();
        let mut len = 0;
        while self.more(len, b'}', "a comma or }")? {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in quotes").into());
            }
            self.string()?;
            push_str(&mut self.out, &self.string);
            // For the error of a value inside, before which the key is overwritten.
            let key = self.out.len() - self.string.len()..self.out.len();
            self.space();
            if !self.eat(b':') {
                return Err(self.expected("a colon").into());
            }
            self.space();
            let value = self.value(depth);
            value.map_err(|error| error.in_key(&self.out[key]))?;
            len += 1;
        }
        set_len(&mut self.out, start, Container::Map, len);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), FieldError> {
        let start = self.begin();
        let mut len = 0;
        while self.more(len, b']', "a comma or ]")? {
            self.value(depth).map_err(|error| error.in_item(len))?;
            len += 1;
        }
        set_len(&mut self.out, start, Container::Array, len);
        Ok(())
    }

    /// Steps over an opening bracket, and leaves a byte for the length that is not known yet.
    fn begin(&mut self) -> usize {
        self.at += 1;
        self.out.push(0);
        self.out.len() - 1
    }

    /// Whether another item follows after `len` of them; steps over what is between, or over the closing bracket.
    fn more(&mut self, len: u32, close: u8, between: &'static str) -> Result<bool, Problem> {
        self.space();
        if self.eat(close) {
            return Ok(false);
        }
        if len > 0 {
            if !self.eat(b',') {
                return Err(self.expected(between));
            }
            self.space();
        }
        Ok(true)
    }

    fn literal(&mut self) -> Result<(), Problem> {
        let rest = &self.text[self.at..];
        let (len, float) = if rest.starts_with("null") {
            self.out.push(NIL);
            (4, None)
        } else if rest.starts_with("true") {
            self.out.push(TRUE);
            (4, None)
        } else if rest.starts_with("false") {
            self.out.push(FALSE);
            (5, None)
        } else if rest.starts_with("NaN") {
            (3, Some(f64::NAN))
        } else if rest.starts_with("Infinity") {
            (8, Some(f64::INFINITY))
        } else {
            return Err(self.expected("a value"));
        };
        if let Some(float) = float {
            push_f64(&mut self.out, float);
        }
        self.at += len;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Problem> {
        let start = self.at;
        let negative = self.eat(b'-');
        if negative && self.text[self.at..].starts_with("Infinity") {
            self.at += "Infinity".len();
            push_f64(&mut self.out, f64::NEG_INFINITY);
            return Ok(());
        }
        if !self.eat(b'0') && self.digits() == 0 {
            return Err(self.expected("a digit"));
        }
        let is_float = self.fraction() | self.exponent();
        let number = &self.text[start..self.at];
        if is_float {
            // Digits, a point, an exponent: always a number, be it infinite as in Python.
            push_f64(&mut self.out, number.parse().unwrap_or(f64::NAN));
        } else if let Ok(number) = number.parse() {
            push_uint(&mut self.out, number);
        } else {
            push_int(&mut self.out, number.parse().map_err(|_| Problem::Integer)?);
        }
        Ok(())
    }

    /// Steps over a fraction, if a whole one is there. What is not is left, as in Python, and is then wrong.
    fn fraction(&mut self) -> bool {
        let start = self.at;
        let whole = self.eat(b'.') && self.digits() > 0;
        if !whole {
            self.at = start;
        }
        whole
    }

    fn exponent(&mut self) -> bool {
        let start = self.at;
        let mut whole = self.eat(b'e') || self.eat(b'E');
        if whole {
            let _ = self.eat(b'+') || self.eat(b'-');
            whole = self.digits() > 0;
        }
        if !whole {
            self.at = start;
        }
        whole
    }

    fn digits(&mut self) -> usize {
        let rest = self.text[self.at..].bytes();
        let len = rest.take_while(u8::is_ascii_digit).count();
        self.at += len;
        len
    }

    /// Reads a string in quotes into `self.string`.
    fn string(&mut self) -> Result<(), Problem> {
        self.string.clear();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let stop = rest
                .bytes()
                .position(|byte| byte < b' ' || byte == b'"' || byte == b'\\');
            let Some(stop) = stop else {
                return Err(self.expected("a closing quote"));
            };
            self.string.push_str(&rest[..stop]);
            self.at += stop;
            if self.eat(b'"') {
                return Ok(());
            }
            if !self.eat(b'\\') {
                return Err(self.expected("an escape instead of a control character"));
            }
            let escaped = self.escaped()?;
            self.string.push(escaped);
        }
    }

    /// The character after a backslash.
    fn escaped(&mut self) -> Result<char, Problem> {
        let char = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(char)
    }

    /// The character of one `\u`, or of two that are a pair; the first backslash is read.
    fn unicode(&mut self) -> Result<char, Problem> {
        let first = self.unit()?;
        if let Some(char) = char::from_u32(first.into()) {
            return Ok(char);
        }
        if !self.eat(b'\\') || self.peek() != Some(b'u') {
            return Err(Problem::Surrogate);
        }
        let second = self.unit()?;
        char::decode_utf16([first, second])
            .next()
            .and_then(Result::ok)
            .ok_or(Problem::Surrogate)
    }

    /// `u` and four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Problem> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, digit| {
                let digit = char::from(*digit).to_digit(16)?;
                Some(unit << 4 | digit as u16)
            })
        });
        let unit = unit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += 5;
        Ok(unit)
    }

    fn space(&mut self) {
        let rest = self.text[self.at..].bytes();
        self.at += rest
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> Problem {
        Problem::Syntax {
            expected,
            offset: self.at,
        }
    }
}
