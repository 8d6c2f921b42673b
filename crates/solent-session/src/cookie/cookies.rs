//! The cookies that a browser sent.

use std::{borrow::Cow, fmt};

use solent_spec::{RequestScope, request::Head};

use super::quote::{latin1, unquote};

/// The cookies of a request, read when they are asked for and copied only where quotes or bytes beyond ASCII are to be
/// resolved.
///
/// All `Cookie` headers count, as HTTP/2 allows several. The rules are Django's (but for white space beyond ASCII, which is a part
/// of names and values here): a piece between semicolons without a `=`
/// is the value of a cookie without a name, of several cookies of one name the last one counts, and bytes are the
/// characters up to U+00FF. A browser sends whatever it is told to, so none of it proves anything by itself.
///
/// ```
/// use http::Request;
/// use solent_session::Cookies;
/// use solent_spec::Head;
///
/// let request = Request::get("/")
///     .header("cookie", "sessionid=abc; theme=dark")
///     .header("cookie", "theme=light")
///     .body(())?;
/// let (parts, ()) = request.into_parts();
///
/// let cookies = Cookies::from(Head::from(&parts));
/// assert_eq!(cookies.get("sessionid").as_deref(), Some("abc"));
/// assert_eq!(cookies.get("theme").as_deref(), Some("light"));
/// assert_eq!(cookies.get("csrftoken"), None);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Cookies<'a>(Head<'a>);

impl<'a> Cookies<'a> {
    /// The cookies of the request that `scope` began with.
    pub fn of(scope: &'a impl RequestScope) -> Self {
        Self(scope.head())
    }

    /// The value of a cookie; the last one's where there are several of the name.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.pieces()
            .filter(|(piece, _)| latin1(piece) == name)
            .last()
            .map(|(_, value)| unquote(value))
    }

    /// Names and values in the order in which they were sent. Where a name occurs more than once, the last value is the
    /// one that counts.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.pieces()
            .map(|(name, value)| (latin1(name), unquote(value)))
    }

    fn pieces(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.0
            .header_values("cookie")
            .flat_map(|header| header.split(|byte| *byte == b';'))
            .map(split)
            .filter(|(name, value)| !name.is_empty() || !value.is_empty())
    }
}

impl<'a> From<Head<'a>> for Cookies<'a> {
    fn from(head: Head<'a>) -> Self {
        Self(head)
    }
}

impl fmt::Debug for Cookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be credentials; only names are shown.
        f.debug_set()
            .entries(self.pieces().map(|(name, _)| latin1(name)))
            .finish()
    }
}

/// Name and value of one piece, both without white space around them.
fn split(piece: &[u8]) -> (&[u8], &[u8]) {
    match piece.iter().position(|byte| *byte == b'=') {
        Some(at) => (trim(&piece[..at]), trim(&piece[at + 1..])),
        None => (b"", trim(piece)),
    }
}

/// What is left without the white space that browsers know.
///
/// Django strips U+0085 and U+00A0 as well. But a browser takes these for letters: a page of another host of the domain may set a cookie
/// whose name begins with one and goes on with `__Host-`, which is not to be taken for the cookie that no other host can set.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b' ')
}
