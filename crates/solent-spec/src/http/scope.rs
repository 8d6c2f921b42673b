//! What is known of a request before its body.

use std::fmt;

use http::request::Parts;

use crate::request::{Head, Link, Path, PathError, RequestScope};

/// ASGI's `http` scope.
pub struct HttpScope {
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
        Ok(Self {
            request,
            path,
            link,
        })
    }

    /// The request as it was received.
    pub fn request(&self) -> &Parts {
        &self.request
    }

    /// The request and its circumstances, given up.
    pub fn into_parts(self) -> (Parts, Link) {
        (self.request, self.link)
    }

    /// `"https"` on an encrypted connection, else `"http"`.
    pub fn scheme(&self) -> &'static str {
        if self.link.is_secure() {
            "https"
        } else {
            "http"
        }
    }
}

impl RequestScope for HttpScope {
    fn head(&self) -> Head<'_> {
        (&self.request).into()
    }

    fn target(&self) -> &Path {
        &self.path
    }

    fn target_mut(&mut self) -> &mut Path {
        &mut self.path
    }

    fn link(&self) -> &Link {
        &self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

impl HttpScope {
    /// The path, percent-decoded; it includes the root path. ASGI's `path`.
    pub fn path(&self) -> &str {
        self.path.decoded()
    }
}

impl fmt::Debug for HttpScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpScope")
            .field("method", &self.request.method)
            .field("path", &self.path.decoded())
            .field("client", &self.link.client())
            .finish_non_exhaustive()
    }
}
