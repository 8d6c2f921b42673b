//! Text that a peer sent.

use std::borrow::Cow;

/// The text of a header's bytes.
pub(crate) fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into(),
    }
}

/// The beginning of what a peer sent, for the log.
pub(crate) fn excerpt(text: &str) -> &str {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Avoids the copy where there is nothing to change, as in everything that a browser sends.
pub(crate) fn lower_case(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        text.to_lowercase().into()
    } else {
        text.into()
    }
}
