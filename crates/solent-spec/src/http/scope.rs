//! What is known of a request before its body.

use std::fmt;

use http::request::Parts;

use crate::request::{Head, Link, Path, PathError, RequestScope};

/// ASGI's `http` scope. One pointer wide, since it is handed from room to room.
pub struct HttpScope(Box<Inner>);

struct Inner {
    request: Parts,
    path: Path,
    link: Link,
}

impl HttpScope {
    /// The scope of a request.
    ///
    /// # Errors
    ///
    /// [`PathError`] for a path that is no text once it is decoded.
    pub fn new(request: Parts, link: Link) -> Result<Self, PathError> {
        let path = Path::decode(request.uri.path())?;
        let link = link.requested_at(&request.uri);
        Ok(Self(Box::new(Inner {
            request,
            path,
            link,
        })))
    }

    /// The request as it was received.
    pub fn request(&self) -> &Parts {
        &self.0.request
    }

    /// The request and its circumstances, given up.
    pub fn into_parts(self) -> (Parts, Link) {
        let inner = *self.0;
        (inner.request, inner.link)
    }

    /// `"https"` on an encrypted connection, else `"http"`.
    pub fn scheme(&self) -> &'static str {
        if self.0.link.is_secure() {
            "https"
        } else {
            "http"
        }
    }
}

impl RequestScope for HttpScope {
    fn head(&self) -> Head<'_> {
        (&self.0.request).into()
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

impl HttpScope {
    /// The path, percent-decoded; it includes the root path. ASGI's `path`.
    pub fn path(&self) -> &str {
        self.0.path.decoded()
    }
}

impl fmt::Debug for HttpScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpScope")
            .field("method", &self.0.request.method)
            .field("path", &self.0.path.decoded())
            .field("client", &self.0.link.client())
            .finish_non_exhaustive()
    }
}
