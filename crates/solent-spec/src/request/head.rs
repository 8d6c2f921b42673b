//! The request line and headers.

use std::fmt;

use http::{HeaderMap, Method, Uri, Version, request::Parts};

use super::HeaderBlock;

/// A request's method, target and headers, borrowed from a scope.
///
/// `Debug` shows neither the query nor the values of headers, which may be credentials.
#[derive(Clone, Copy)]
pub struct Head<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    Parts(&'a Parts),
    Compact(&'a CompactHead),
}

impl<'a> Head<'a> {
    /// The request method.
    pub fn method(&self) -> &'a Method {
        match self.0 {
            Source::Parts(parts) => &parts.method,
            Source::Compact(head) => &head.method,
        }
    }

    /// The protocol version. A WebSocket over HTTP/1.1 has 1.1.
    pub fn version(&self) -> Version {
        match self.0 {
            Source::Parts(parts) => parts.version,
            Source::Compact(head) => head.version,
        }
    }

    /// The path as it was sent, percent-encoded, without the query. ASGI's `raw_path`.
    pub fn raw_path(&self) -> &'a str {
        match self.0 {
            Source::Parts(parts) => parts.uri.path(),
            Source::Compact(head) => &head.target[..head.path_len as usize],
        }
    }

    /// Everything after the first `?`, still percent-encoded; empty without one.
    pub fn query(&self) -> &'a str {
        match self.0 {
            Source::Parts(parts) => parts.uri.query().unwrap_or_default(),
            Source::Compact(head) => head
                .target
                .get(head.path_len as usize + 1..)
                .unwrap_or_default(),
        }
    }

    /// The raw bytes of the first header called `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        match self.0 {
            Source::Parts(parts) => parts.headers.get(name).map(|value| value.as_bytes()),
            Source::Compact(head) => head
                .headers
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value),
        }
    }

    /// All headers, each a lower-case name and the raw bytes of its value. Values of one name are in the order in
    /// which they were sent.
    pub fn headers(&self) -> Box<dyn Iterator<Item = (&'a str, &'a [u8])> + 'a> {
        match self.0 {
            Source::Parts(parts) => Box::new(
                parts
                    .headers
                    .iter()
                    .map(|(n, v)| (n.as_str(), v.as_bytes())),
            ),
            Source::Compact(head) => Box::new(head.headers.iter()),
        }
    }

    /// The raw bytes of every header called `name` (lower case), in order.
    pub fn header_values(&self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        match self.0 {
            Source::Parts(parts) => Box::new(
                parts
                    .headers
                    .get_all(name)
                    .iter()
                    .map(|value| value.as_bytes()),
            ),
            Source::Compact(head) => Box::new(head.headers.get_all(name)),
        }
    }
}

impl<'a> From<&'a Parts> for Head<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self(Source::Parts(parts))
    }
}

impl<'a> From<&'a CompactHead> for Head<'a> {
    fn from(head: &'a CompactHead) -> Self {
        Self(Source::Compact(head))
    }
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Head")
            .field("method", self.method())
            .field("path", &self.raw_path())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// A request head that is kept for long, in two allocations of exact size. Its `Debug` is that of [`Head`].
#[derive(Clone)]
pub struct CompactHead {
    method: Method,
    version: Version,
    /// Where the query's `?` is, or the length of `target` without one.
    path_len: u32,
    /// Path and query as sent.
    target: Box<str>,
    headers: HeaderBlock,
}

impl CompactHead {
    /// Copies what it needs, so that nothing of the request's buffers stays alive.
    pub fn new(method: &Method, version: Version, uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path();
        let target = match uri.query() {
            None => path.into(),
            // Not as it was sent: in an absolute target the path may be missing before the query.
            Some(query) => [path, "?", query].concat().into(),
        };
        Self {
            method: method.clone(),
            version,
            path_len: path.len() as u32,
            target,
            headers: headers.into(),
        }
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderBlock {
        &self.headers
    }
}

impl fmt::Debug for CompactHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Head::from(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn compact_head_tells_the_same_as_the_request() {
        for target in [
            "/",
            "/a%20b?x=1&y=?",
            "/?",
            "http://example.org/abs?q",
            "http://example.org?x=1",
            "http://example.org",
            "*",
        ] {
            let (parts, ()) = Request::get(target)
                .header("host", "example.org")
                .body(())
                .unwrap()
                .into_parts();
            let compact =
                CompactHead::new(&parts.method, parts.version, &parts.uri, &parts.headers);
            let (long, short) = (Head::from(&parts), Head::from(&compact));

            assert_eq!(long.raw_path(), short.raw_path(), "{target}");
            assert_eq!(long.query(), short.query(), "{target}");
            assert_eq!(long.header("host"), short.header("host"));
            assert_eq!(long.header("absent"), short.header("absent"));
        }
    }

    #[test]
    fn debug_output_holds_no_credentials() {
        let request = Request::get("/room?token=topsecret").header("cookie", "sessionid=topsecret");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let compact = CompactHead::new(&parts.method, parts.version, &parts.uri, &parts.headers);

        for shown in [format!("{:?}", Head::from(&parts)), format!("{compact:?}")] {
            assert!(!shown.contains("topsecret"), "{shown}");
            assert!(
                shown.contains("/room") && shown.contains("cookie"),
                "{shown}"
            );
        }
    }
}
