//! How text is put into a URL.

use std::{fmt, path::Path};

use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_encode, utf8_percent_encode,
};

/// Everything but what RFC 3986 §2.3 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

pub(crate) fn encode_path(path: &Path) -> PercentEncode<'_> {
    percent_encode(path.as_os_str().as_encoded_bytes(), RESERVED_IN_PATH)
}

/// Options, as they follow a URL.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds an option, whose value is encoded already.
    pub(crate) fn add(&mut self, name: &str, value: impl fmt::Display) {
        let separator = if self.0.is_empty() { '?' } else { '&' };
        self.0.push_str(&format!("{separator}{name}={value}"));
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
