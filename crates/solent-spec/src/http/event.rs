//! What comes from and goes to an HTTP client.

use std::{fs::File, path::PathBuf};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::plain_text;
use crate::{Body, request::Feature};

/// What an application receives of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inbound {
    /// A piece of the request body. There is at least one, even if the body is empty. ASGI's `http.request`.
    Body {
        /// The bytes; may be empty.
        data: Bytes,
        /// Whether more follows.
        more: bool,
    },
    /// The trailers of a chunked request. If there are any, they can be received as soon as the last piece of the body
    /// has been.
    Trailers(HeaderMap),
    /// The exchange is over: the response is complete, or the client left. From then on every receive yields it at
    /// once. ASGI's `http.disconnect`.
    Disconnect,
}

/// What an application sends to an HTTP client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outbound {
    /// Status and headers. ASGI's `http.response.start`.
    Start(ResponseStart),
    /// A piece of the response body. ASGI's `http.response.body`.
    Body {
        /// The bytes; may be empty.
        data: Bytes,
        /// Whether more follows.
        more: bool,
    },
    /// Trailers, if the start announced them. ASGI's `http.response.trailers`.
    Trailers {
        /// The fields.
        headers: HeaderMap,
        /// Whether more trailers follow.
        more: bool,
    },
    /// `Link` fields for a response with status 103. ASGI's `http.response.early_hint`.
    EarlyHint {
        /// The values of the fields.
        links: Vec<HeaderValue>,
    },
    /// A request that the client is going to make. ASGI's `http.response.push`; HTTP/2 only.
    Push {
        /// The path, decoded.
        path: String,
        /// The request's headers.
        headers: HeaderMap,
    },
    /// A file as the whole body. ASGI's `http.response.pathsend`.
    PathSend(PathBuf),
    /// A part of an open file as a piece of the body. ASGI's `http.response.zerocopysend`.
    ZeroCopySend {
        /// The file; it is closed when its part has been sent.
        file: File,
        /// Where the part begins; the file's position if absent.
        offset: Option<u64>,
        /// The part's length; to the end of the file if absent.
        count: Option<u64>,
        /// Whether more follows.
        more: bool,
    },
    /// What a test wants to know of the response that is to come, by type: the template and its values, a query log.
    /// ASGI's `http.response.debug`; offered by test kits only.
    Debug(Extensions),
    /// A whole response, whose body may be a stream. No event of ASGI's: it spares the others where a response is at
    /// hand.
    Response(Box<Response<Body>>),
}

/// The beginning of a response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResponseStart {
    /// The status.
    pub status: StatusCode,
    /// The headers. `Transfer-Encoding: chunked` is the server's business and ignored; any other coding is refused.
    pub headers: HeaderMap,
    /// Whether trailers follow the body.
    pub trailers: bool,
}

impl ResponseStart {
    /// A start without headers.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            trailers: false,
        }
    }

    /// Appends a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Announces trailers.
    #[must_use]
    pub fn trailers(mut self) -> Self {
        self.trailers = true;
        self
    }
}

impl From<StatusCode> for ResponseStart {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl Outbound {
    /// The extension that the event belongs to; look for it in the scope before sending such an event.
    pub fn feature(&self) -> Option<Feature> {
        match self {
            Self::Start(start) => start.trailers.then_some(Feature::Trailers),
            Self::Trailers { .. } => Some(Feature::Trailers),
            Self::EarlyHint { .. } => Some(Feature::EarlyHint),
            Self::Push { .. } => Some(Feature::Push),
            Self::PathSend(_) => Some(Feature::PathSend),
            Self::ZeroCopySend { .. } => Some(Feature::ZeroCopySend),
            Self::Debug(_) => Some(Feature::Debug),
            Self::Body { .. } | Self::Response(_) => None,
        }
    }

    /// Starts a response without headers.
    pub fn start(status: StatusCode) -> Self {
        Self::Start(status.into())
    }

    /// A piece of the body, with more to follow.
    pub fn chunk(data: impl Into<Bytes>) -> Self {
        Self::Body {
            data: data.into(),
            more: true,
        }
    }

    /// The last piece of the body.
    pub fn end(data: impl Into<Bytes>) -> Self {
        Self::Body {
            data: data.into(),
            more: false,
        }
    }

    /// A whole response with status 200 and plain text.
    pub fn text(text: impl Into<String>) -> Self {
        plain_text(StatusCode::OK, text.into()).into()
    }
}

impl From<Response<Body>> for Outbound {
    fn from(response: Response<Body>) -> Self {
        Self::Response(Box::new(response))
    }
}

impl From<ResponseStart> for Outbound {
    fn from(start: ResponseStart) -> Self {
        Self::Start(start)
    }
}
