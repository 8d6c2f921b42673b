//! What proxies tell.

use std::net::SocketAddr;

/// What trusted proxies tell of a client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) client: Option<SocketAddr>,
    pub(super) secure: Option<bool>,
    pub(super) host: Option<String>,
}

/// The scheme of HTTP or of WebSockets.
pub(super) fn is_secure(proto: &str) -> Option<bool> {
    let is = |scheme: &str| proto.eq_ignore_ascii_case(scheme);
    match () {
        () if is("https") || is("wss") => Some(true),
        () if is("http") || is("ws") => Some(false),
        () => None,
    }
}
