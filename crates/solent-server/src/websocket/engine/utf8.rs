//! UTF-8 that arrives in pieces.

use super::Violation;

/// Text so far, valid, and the beginning of a character that is still to be completed.
///
/// Every byte is looked at once, as soon as it is there: a text that has become invalid is refused without waiting
/// for its end.
#[derive(Debug, Default)]
pub(super) struct Utf8Text {
    text: String,
    /// An unfinished character, at most three bytes.
    carry: [u8; 4],
    carried: usize,
}

impl Utf8Text {
    pub(super) fn len(&self) -> usize {
        self.text.len() + self.carried
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        self.text.reserve(additional);
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while self.carried > 0 && !bytes.is_empty() {
            self.carry[self.carried] = bytes[0];
            bytes = &bytes[1..];
            self.carried += 1;
            match std::str::from_utf8(&self.carry[..self.carried]) {
                Ok(character) => {
                    self.text.push_str(character);
                    self.carried = 0;
                }
                Err(error) if error.error_len().is_some() => return Err(Violation::NOT_UTF8),
                Err(_) => {}
            }
        }
        self.push_whole(bytes)
    }

    /// Pushes bytes that begin with a character.
    fn push_whole(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let valid = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return Err(Violation::NOT_UTF8),
            Err(error) => {
                let (valid, begun) = bytes.split_at(error.valid_up_to());
                self.carry[..begun.len()].copy_from_slice(begun);
                self.carried = begun.len();
                std::str::from_utf8(valid).map_err(|_| Violation::NOT_UTF8)?
            }
        };
        self.text.push_str(valid);
        Ok(())
    }

    /// The whole text, if its last character is complete.
    pub(super) fn finish(self) -> Result<String, Violation> {
        if self.carried == 0 {
            Ok(self.text)
        } else {
            Err(Violation::NOT_UTF8)
        }
    }
}

#[cfg(test)]
impl Utf8Text {
    /// Bytes set aside.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The position after which `bytes`, one at a time, are refused.
    fn refused_at(bytes: &[u8]) -> Option<usize> {
        let mut text = Utf8Text::default();
        bytes.iter().position(|byte| text.push(&[*byte]).is_err())
    }

    #[test]
    fn invalid_text_is_refused_at_the_first_wrong_byte() {
        assert_eq!(refused_at(b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80"), Some(6));
        assert_eq!(refused_at(b"a\xc0"), Some(1));
        assert_eq!(refused_at(b"\xed\xa0\x80"), Some(1));
        assert_eq!(refused_at("κόσμε😀".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_answer(bytes: Vec<u8>, text: String, cuts: Vec<prop::sample::Index>, valid: bool) {
            let bytes = if valid { text.into_bytes() } else { bytes };
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();

            let mut pieces = Utf8Text::default();
            let mut from = 0;
            let result = cuts.into_iter().try_for_each(|cut| {
                let piece = &bytes[from..cut];
                from = cut;
                pieces.push(piece)
            });
            let result = result.and_then(|()| pieces.finish());

            prop_assert_eq!(result.ok(), String::from_utf8(bytes).ok());
        }
    }
}
