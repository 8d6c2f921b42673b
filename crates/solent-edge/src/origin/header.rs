//! The `Origin` header.

use std::borrow::Cow;

use solent_spec::RequestScope;

use crate::url::latin1;

/// The last `Origin` header, which is the only one in all that browsers send. Bytes that are not ASCII become the
/// characters of Latin-1, as in Channels.
pub(crate) fn origin_of<S: RequestScope>(scope: &S) -> Option<Cow<'_, str>> {
    last(scope, "origin").map(latin1)
}

fn last<'a, S: RequestScope>(scope: &'a S, name: &'a str) -> Option<&'a [u8]> {
    scope.head().header_values(name).last()
}
