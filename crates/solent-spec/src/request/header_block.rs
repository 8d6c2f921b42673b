//! Headers in one allocation.

use std::fmt;

use http::HeaderMap;

/// Request headers as one exact block of memory: lower-case names, order and duplicates kept.
///
/// A long-lived connection keeps its scope for hours. `http::HeaderMap` would cost it some kilobytes, and pin the buffer
/// that the request was read into; this costs the bytes of the headers and six more for each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderBlock(Box<[u8]>);

/// Bytes before each header: the lengths of its name (2) and of its value (4).
const LENGTHS: usize = 6;

impl HeaderBlock {
    /// The headers in order, each a lower-case name and the raw bytes of its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (lengths, after) = rest.split_at_checked(LENGTHS)?;
            let name_len = u16::from_be_bytes([lengths[0], lengths[1]]) as usize;
            let value_len =
                u32::from_be_bytes([lengths[2], lengths[3], lengths[4], lengths[5]]) as usize;
            let (name, after) = after.split_at_checked(name_len)?;
            let (value, after) = after.split_at_checked(value_len)?;
            rest = after;
            Some((std::str::from_utf8(name).ok()?, value))
        })
    }

    /// The values of the headers called `name` (lower case), in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name)
            .map(|(_, value)| value)
    }
}

impl From<&HeaderMap> for HeaderBlock {
    fn from(headers: &HeaderMap) -> Self {
        let size = headers
            .iter()
            .map(|(name, value)| LENGTHS + name.as_str().len() + value.len())
            .sum();
        let mut block = Vec::with_capacity(size);
        for (name, value) in headers {
            // `HeaderName` is at most 64 KiB - 1 and `HeaderValue` far below 4 GiB: servers limit both.
            block.extend_from_slice(&(name.as_str().len() as u16).to_be_bytes());
            block.extend_from_slice(&(value.len() as u32).to_be_bytes());
            block.extend_from_slice(name.as_str().as_bytes());
            block.extend_from_slice(value.as_bytes());
        }
        Self(block.into())
    }
}

impl fmt::Debug for HeaderBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be credentials; only names are shown.
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn headers_keep_their_values_and_duplicates() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1"));
        headers.append("host", HeaderValue::from_static("example.org"));
        headers.append("cookie", HeaderValue::from_bytes(b"b=\xff").unwrap());
        headers.append(
            HeaderName::from_static("x-empty"),
            HeaderValue::from_static(""),
        );

        let block = HeaderBlock::from(&headers);

        let cookies: Vec<_> = block.get_all("cookie").collect();
        assert_eq!(cookies, [b"a=1".as_slice(), b"b=\xff"]);
        assert_eq!(block.get_all("x-empty").next(), Some(b"".as_slice()));
        assert_eq!(block.get_all("Host").next(), None);
        assert_eq!(block.iter().count(), 4);
    }
}
