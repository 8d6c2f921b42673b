//! The `Origin` header.

use std::borrow::Cow;

use solent_spec::RequestScope;

/// The last `Origin` header, which is the only one in all that browsers send. Bytes that are not ASCII become the
/// characters of Latin-1, as in Channels.
pub(crate) fn origin_of<S: RequestScope>(scope: &S) -> Option<Cow<'_, str>> {
    last(scope, "origin").map(latin1)
}

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

fn last<'a, S: RequestScope>(scope: &'a S, name: &'a str) -> Option<&'a [u8]> {
    scope.head().header_values(name).last()
}
