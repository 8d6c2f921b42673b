//! Tokens of MessagePack.

use crate::wire::field::Problem;

/// One token. Maps and arrays are followed by the tokens of their contents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    Uint(u64),
    /// Negative, if the writer used the smallest form.
    Int(i64),
    Float(f64),
    /// Not known to be UTF-8.
    Str(&'a [u8]),
    Bin(&'a [u8]),
    /// The type of the extension, whose bytes are skipped.
    Ext(i8),
    /// So many items follow.
    Array(u32),
    /// So many keys follow, each with its value.
    Map(u32),
}

/// Reads tokens from bytes that may be anything.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are not read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads the next token.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token<'a>, Problem> {
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Token::Uint(marker.into()),
            0x80..=0x8f => Token::Map((marker & 0x0f).into()),
            0x90..=0x9f => Token::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Token::Str(self.take((marker & 0x1f).into())?),
            0xe0..=0xff => Token::Int(i8::from_be_bytes([marker]).into()),
            0xc0 => Token::Nil,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            _ => self.long(marker)?,
        })
    }

    /// The tokens whose marker is followed by a number or a length.
    fn long(&mut self, marker: u8) -> Result<Token<'a>, Problem> {
        Ok(match marker {
            0xc4..=0xc6 => {
                let len = self.len(marker - 0xc4)?;
                Token::Bin(self.take(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.len(marker - 0xc7)?;
                self.extension(len)?
            }
            0xca => Token::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Token::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Token::Uint(u8::from_be_bytes(self.array()?).into()),
            0xcd => Token::Uint(u16::from_be_bytes(self.array()?).into()),
            0xce => Token::Uint(u32::from_be_bytes(self.array()?).into()),
            0xcf => Token::Uint(u64::from_be_bytes(self.array()?)),
            0xd0 => Token::Int(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Token::Int(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Token::Int(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Token::Int(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4))?,
            0xd9..=0xdb => {
                let len = self.len(marker - 0xd9)?;
                Token::Str(self.take(len)?)
            }
            0xdc => Token::Array(u16::from_be_bytes(self.array()?).into()),
            0xdd => Token::Array(u32::from_be_bytes(self.array()?)),
            0xde => Token::Map(u16::from_be_bytes(self.array()?).into()),
            0xdf => Token::Map(u32::from_be_bytes(self.array()?)),
            other => return Err(Problem::Reserved(other)),
        })
    }

    /// Skips the next value with everything in it.
    pub(crate) fn skip(&mut self) -> Result<(), Problem> {
        let mut values = 1_u64;
        while values > 0 {
            values -= 1;
            match self.token()? {
                Token::Array(len) => values = values.saturating_add(len.into()),
                Token::Map(len) => values = values.saturating_add(2 * u64::from(len)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A length of 1, 2 or 4 bytes, for a `width` of 0, 1 or 2.
    fn len(&mut self, width: u8) -> Result<usize, Problem> {
        Ok(match width {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            // What does not fit in memory is not there either.
            _ => u32::from_be_bytes(self.array()?)
                .try_into()
                .unwrap_or(usize::MAX),
        })
    }

    fn extension(&mut self, len: usize) -> Result<Token<'a>, Problem> {
        let [kind] = self.array()?;
        self.take(len)?;
        Ok(Token::Ext(i8::from_be_bytes([kind])))
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Problem::Incomplete)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Problem::Incomplete)?;
        self.rest = rest;
        Ok(*taken)
    }
}
