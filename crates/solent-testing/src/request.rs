//! The request that begins a conversation.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Extensions, HeaderName, HeaderValue, Method, Request, Version, header, request::Parts};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use solent_spec::{
    BoxError,
    http::HttpScope,
    json,
    request::{Feature, Link, Listener, ServerAddr},
    websocket::WebSocketScope,
};

use crate::CommunicatorError;

/// A request for an application under test: what a client sends, and the circumstances that a server would add.
///
/// A mistake in it is reported by the communicator that is started with it. Where nothing but the target matters, a
/// `&str` will do.
///
/// ```
/// use solent_testing::TestRequest;
///
/// let request = TestRequest::post("/rooms/?draft=1")
///     .header("origin", "https://example.org")
///     .client(([203, 0, 113, 7], 4711).into())
///     .json(&serde_json::json!({ "name": "lobby" }));
/// # let _ = request;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TestRequest {
    method: Method,
    /// As it was given: a path, or a whole URL.
    target: String,
    version: Version,
    headers: Vec<(Text, Text)>,
    subprotocols: Vec<String>,
    pub(crate) body: Result<Bytes, Arc<serde_json::Error>>,
    client: Option<SocketAddr>,
    server: Option<ServerAddr>,
    secure: Option<bool>,
    root_path: String,
    features: Vec<Feature>,
    state: Extensions,
    shared: Option<Arc<Extensions>>,
}

type Text = Vec<u8>;

/// What has to be encoded in a target; `%` is taken for an escape.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

impl TestRequest {
    /// A request for a path with its query, or for a whole URL: then its scheme says whether the connection is encrypted,
    /// and its host is that of the `Host` header.
    ///
    /// Without further ado it comes over HTTP/1.1 from nowhere to a server that offers every [feature](Feature).
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            version: Version::HTTP_11,
            headers: Vec::new(),
            subprotocols: Vec::new(),
            body: Ok(Bytes::new()),
            client: None,
            server: None,
            secure: None,
            root_path: String::new(),
            features: Feature::ALL.to_vec(),
            state: Extensions::new(),
            shared: None,
        }
    }

    /// A `GET` request, which is what a WebSocket begins with as well.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A `POST` request.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::POST, target)
    }

    /// Appends a header.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Offers subprotocols for a WebSocket, the preferred one first.
    pub fn subprotocols<T: Into<String>>(mut self, offered: impl IntoIterator<Item = T>) -> Self {
        self.subprotocols
            .extend(offered.into_iter().map(Into::into));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Ok(body.into());
        self
    }

    /// Sets the body to `value` as JSON, and the `Content-Type`.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.body = json::to_vec(value).map(Into::into).map_err(Arc::new);
        self.header("content-type", "application/json")
    }

    /// Sets the version of HTTP.
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sets the address that the request comes from.
    pub fn client(mut self, client: SocketAddr) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the address that the request arrives at.
    pub fn server(mut self, server: ServerAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// Sets whether the connection is encrypted.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Sets the mount point of the application; the path includes it.
    pub fn root_path(mut self, root_path: impl Into<String>) -> Self {
        self.root_path = root_path.into();
        self
    }

    /// Sets the features that the server offers. The events of others are refused.
    pub fn features(mut self, features: impl IntoIterator<Item = Feature>) -> Self {
        self.features = features.into_iter().collect();
        self
    }

    /// Leaves a value in the scope, as a middleware does: a user, a session, a channel layer.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// Sets what lifespan startup left.
    pub fn shared(mut self, shared: impl Into<Arc<Extensions>>) -> Self {
        self.shared = Some(shared.into());
        self
    }

    pub(crate) fn features_offered(&self) -> &[Feature] {
        &self.features
    }

    pub(crate) fn http_scope(self) -> Result<HttpScope, CommunicatorError> {
        let (parts, link) = self.into_parts()?;
        HttpScope::new(parts, link).map_err(CommunicatorError::request)
    }

    pub(crate) fn websocket_scope(mut self) -> Result<WebSocketScope, CommunicatorError> {
        if !self.subprotocols.is_empty() {
            let offered = self.subprotocols.join(", ");
            self = self.header("sec-websocket-protocol", offered);
        }
        let (parts, link) = self.into_parts()?;
        WebSocketScope::new(&parts, link).map_err(CommunicatorError::request)
    }

    fn into_parts(self) -> Result<(Parts, Link), CommunicatorError> {
        let url = Url::split(&self.target);
        let parts = self.parts(&url).map_err(CommunicatorError::request)?;
        let listener = Listener::new(self.server, self.features)
            .secure(self.secure.unwrap_or(url.secure))
            .root_path(self.root_path);
        let mut link = Link::new(self.client, Arc::new(listener)).with_shared(self.shared);
        *link.extensions_mut() = self.state;
        Ok((parts, link))
    }

    fn parts(&self, url: &Url<'_>) -> Result<Parts, BoxError> {
        let mut target = utf8_percent_encode(url.target, UNSAFE).to_string();
        if target.starts_with('?') {
            target.insert(0, '/');
        }
        let (mut parts, ()) = Request::builder()
            .method(self.method.clone())
            .version(self.version)
            .uri(target)
            .body(())?
            .into_parts();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name)?;
            parts.headers.append(name, HeaderValue::from_bytes(value)?);
        }
        if !parts.headers.contains_key(header::HOST) {
            let host = HeaderValue::from_str(url.host.unwrap_or("localhost"))?;
            parts.headers.insert(header::HOST, host);
        }
        Ok(parts)
    }
}

impl From<&str> for TestRequest {
    fn from(target: &str) -> Self {
        Self::get(target)
    }
}

impl From<String> for TestRequest {
    fn from(target: String) -> Self {
        Self::get(target)
    }
}

/// What matters of a URL.
struct Url<'a> {
    secure: bool,
    /// Without a user and a password.
    host: Option<&'a str>,
    /// Path and query, without the fragment.
    target: &'a str,
}

impl<'a> Url<'a> {
    fn split(url: &'a str) -> Self {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        if url.starts_with('/') || url == "*" {
            return Self {
                secure: false,
                host: None,
                target: url,
            };
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (authority, target) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        Self {
            secure: matches!(scheme, "https" | "wss"),
            host: Some(host),
            target,
        }
    }
}
