//! What is known of a WebSocket before its first event.

use std::fmt;

use http::request::Parts;

use crate::request::{CompactHead, Head, Link, Path, PathError, RequestScope};

/// ASGI's `websocket` scope. One pointer wide, since it is kept for as long as the socket lives.
#[derive(Clone)]
pub struct WebSocketScope(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    head: CompactHead,
    path: Path,
    link: Link,
}

impl WebSocketScope {
    /// The scope of a handshake request. Copies what it needs from `request`, except its extensions.
    ///
    /// # Errors
    ///
    /// [`PathError`] for a path that is no text once it is decoded.
    pub fn new(request: &Parts, link: Link) -> Result<Self, PathError> {
        let head = CompactHead::new(
            &request.method,
            request.version,
            &request.uri,
            &request.headers,
        );
        let path = Path::decode(Head::from(&head).raw_path())?;
        let link = link.requested_at(&request.uri);
        Ok(Self(Box::new(Inner { head, path, link })))
    }

    /// The subprotocols that the client offers, in its order.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let values = self.0.head.headers().get_all("sec-websocket-protocol");
        values
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|subprotocol| !subprotocol.is_empty())
    }

    /// `"wss"` on an encrypted connection, else `"ws"`.
    pub fn scheme(&self) -> &'static str {
        if self.0.link.is_secure() { "wss" } else { "ws" }
    }
}

impl RequestScope for WebSocketScope {
    fn head(&self) -> Head<'_> {
        (&self.0.head).into()
    }

    fn target(&self) -> &Path {
        &self.0.path
    }

    fn target_mut(&mut self) -> &mut Path {
        &mut self.0.path
    }

    fn link(&self) -> &Link {
        &self.0.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.0.link
    }
}

impl fmt::Debug for WebSocketScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketScope")
            .field("path", &self.0.path.decoded())
            .field("client", &self.0.link.client())
            .finish_non_exhaustive()
    }
}
