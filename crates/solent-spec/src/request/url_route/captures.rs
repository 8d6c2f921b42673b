//! Captures in one allocation.

use std::fmt;

/// Names and values as one exact block of memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Captures(Box<[u8]>);

/// Bytes before each name and each value: its length.
const LENGTH: usize = 4;

impl Captures {
    /// Of two captures with one name, the later one is kept; those without a name are all kept.
    pub(super) fn new(captures: &[(&str, &str)]) -> Self {
        let kept = captures.iter().enumerate().filter(|(at, (name, _))| {
            name.is_empty() || !captures[at + 1..].iter().any(|(later, _)| later == name)
        });
        let texts = || kept.clone().flat_map(|(_, (name, value))| [*name, *value]);
        let mut block = Vec::with_capacity(texts().map(|text| LENGTH + text.len()).sum());
        for text in texts() {
            // Names are an application's own and values parts of a path, which servers limit far below 4 GiB.
            block.extend_from_slice(&(text.len() as u32).to_be_bytes());
            block.extend_from_slice(text.as_bytes());
        }
        Self(block.into())
    }

    /// The captures in order, each a name and a value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk::<LENGTH>()?;
    let (text, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
