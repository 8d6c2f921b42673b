//! Where a request came from, where it arrived and what travels with it.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

use http::{Extensions, Uri};

use super::{ConnectionId, UrlRoute};
use crate::Draining;

/// The circumstances of a request: peer, listener, mount point, features and state.
///
/// What is the same for all connections of a listener, or for all connections of an application, is shared.
#[derive(Clone, Debug)]
pub struct Link {
    connection: Option<ConnectionId>,
    client: Option<SocketAddr>,
    listener: Arc<Listener>,
    /// What differs from the listener's own; few connections have any of it.
    overrides: Option<Box<Overrides>>,
    /// What routers have matched.
    url_route: Option<Box<UrlRoute>>,
    /// What lifespan startup left.
    shared: Option<Arc<Extensions>>,
    /// What middleware added for this connection; costs nothing while empty.
    own: Extensions,
}

/// What middleware knows better of one connection than the listener does.
#[derive(Clone, Debug, Default)]
struct Overrides {
    root_path: Option<Box<str>>,
    secure: Option<bool>,
    host: Option<Box<str>>,
}

/// A listening address and what is true of every connection accepted there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listener {
    /// The address, ASGI's `server`.
    pub server: Option<ServerAddr>,
    /// Whether connections are encrypted: tells `https` from `http` and `wss` from `ws`.
    pub secure: bool,
    /// The mount point of the application, ASGI's `root_path`. No trailing slash.
    pub root_path: String,
    /// The extensions that the server offers.
    pub features: Vec<Feature>,
    /// Resolves when the server drains.
    pub draining: Draining,
}

impl Listener {
    /// A plain listener at `server` that offers `features`, with an empty root path.
    pub fn new(server: Option<ServerAddr>, features: Vec<Feature>) -> Self {
        Self {
            server,
            secure: false,
            root_path: String::new(),
            features,
            draining: Draining::never(),
        }
    }

    /// Sets [`secure`](Self::secure).
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Sets [`draining`](Self::draining).
    #[must_use]
    pub fn draining(mut self, draining: Draining) -> Self {
        self.draining = draining;
        self
    }

    /// Sets [`root_path`](Self::root_path).
    #[must_use]
    pub fn root_path(mut self, root_path: impl Into<String>) -> Self {
        self.root_path = root_path.into();
        self
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerAddr {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An extension of ASGI's. An application looks for it in the scope before it uses the events that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// `websocket.http.response`: refuse a handshake with a response of the application's own.
    DenialResponse,
    /// `http.response.trailers`.
    Trailers,
    /// `http.response.early_hint`.
    EarlyHint,
    /// `http.response.push`, HTTP/2 only.
    Push,
    /// `http.response.zerocopysend`.
    ZeroCopySend,
    /// `http.response.pathsend`.
    PathSend,
    /// `http.response.debug`, offered by test kits only.
    Debug,
}

impl Feature {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::DenialResponse,
        Self::Trailers,
        Self::EarlyHint,
        Self::Push,
        Self::ZeroCopySend,
        Self::PathSend,
        Self::Debug,
    ];

    /// ASGI's name of the extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::DenialResponse => "websocket.http.response",
            Self::Trailers => "http.response.trailers",
            Self::EarlyHint => "http.response.early_hint",
            Self::Push => "http.response.push",
            Self::ZeroCopySend => "http.response.zerocopysend",
            Self::PathSend => "http.response.pathsend",
            Self::Debug => "http.response.debug",
        }
    }
}

impl Link {
    /// A request that came from `client` (absent on a Unix socket) to `listener`.
    pub fn new(client: Option<SocketAddr>, listener: Arc<Listener>) -> Self {
        Self {
            connection: None,
            client,
            listener,
            overrides: None,
            url_route: None,
            shared: None,
            own: Extensions::new(),
        }
    }

    /// Adds the state that lifespan startup left, shared by all connections.
    #[must_use]
    pub fn with_shared(mut self, shared: Option<Arc<Extensions>>) -> Self {
        self.shared = shared;
        self
    }

    /// Sets the number of the connection, as a server does that numbers them.
    #[must_use]
    pub fn with_connection(mut self, connection: ConnectionId) -> Self {
        self.connection = Some(connection);
        self
    }

    /// The number of the connection, which the server's log lines about it have as well; absent where there is no server.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// The peer's address, ASGI's `client`. Absent on a Unix socket.
    pub fn client(&self) -> Option<SocketAddr> {
        self.client
    }

    /// Replaces the peer's address, as a middleware does that trusts a proxy's headers.
    pub fn set_client(&mut self, client: Option<SocketAddr>) {
        self.client = client;
    }

    /// The listening address, ASGI's `server`.
    pub fn server(&self) -> Option<&ServerAddr> {
        self.listener.server.as_ref()
    }

    /// Whether the client's connection is encrypted, as far as is known: up to the proxy where one
    /// [said so](Self::set_secure), else up to this server.
    pub fn is_secure(&self) -> bool {
        let overridden = self.overrides.as_ref().and_then(|own| own.secure);
        overridden.unwrap_or(self.listener.secure)
    }

    /// Sets whether the client's connection is encrypted, as a middleware does that trusts a proxy in front of it.
    pub fn set_secure(&mut self, secure: bool) {
        if secure != self.is_secure() {
            self.overrides_mut().secure = Some(secure);
        }
    }

    /// The host, and port if any, that the request's target names or that a proxy was asked for; `None` where it is in the
    /// `Host` header. [`RequestScope::host`](super::RequestScope::host) looks at both.
    pub fn host(&self) -> Option<&str> {
        self.overrides.as_ref()?.host.as_deref()
    }

    /// Sets the host, and port if any, as a middleware does that trusts a proxy in front of it.
    pub fn set_host(&mut self, host: &str) {
        self.overrides_mut().host = Some(host.into());
    }

    /// The mount point of the application, ASGI's `root_path`; the path includes it.
    pub fn root_path(&self) -> &str {
        let overridden = self
            .overrides
            .as_ref()
            .and_then(|own| own.root_path.as_deref());
        overridden.unwrap_or(&self.listener.root_path)
    }

    /// Sets the mount point for this connection.
    pub fn set_root_path(&mut self, root_path: &str) {
        self.overrides_mut().root_path = Some(root_path.into());
    }

    /// RFC 9112 §3.2.2: where the request's target names a host, that one counts, and not the `Host` header. So it is for
    /// the `:authority` of HTTP/2.
    pub(crate) fn requested_at(mut self, target: &Uri) -> Self {
        if let Some(authority) = target.authority() {
            let authority = authority.as_str();
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            self.set_host(host);
        }
        self
    }

    fn overrides_mut(&mut self) -> &mut Overrides {
        self.overrides.get_or_insert_default()
    }

    /// The route that the request took; `None` before the first router.
    pub fn url_route(&self) -> Option<&UrlRoute> {
        self.url_route.as_deref()
    }

    /// The route that the request took, for routers to add to.
    pub fn url_route_mut(&mut self) -> &mut UrlRoute {
        self.url_route.get_or_insert_default()
    }

    /// Whether the server offers an extension. ASGI's `extensions`.
    pub fn offers(&self, feature: Feature) -> bool {
        self.listener.features.contains(&feature)
    }

    /// Resolves when the server drains. Costs nothing until it is asked for.
    pub fn draining(&self) -> Draining {
        self.listener.draining.clone()
    }

    /// What was inserted for this connection, or else what lifespan startup left.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.own.get().or_else(|| self.shared.as_ref()?.get())
    }

    /// A value of this connection's own, to be changed in place.
    pub fn get_mut<T: Clone + Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        self.own.get_mut()
    }

    /// Leaves a value for the applications further in, and returns the one it replaces.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.own.insert(value)
    }

    /// Takes a value of this connection's own back.
    pub fn remove<T: Clone + Send + Sync + 'static>(&mut self) -> Option<T> {
        self.own.remove()
    }

    /// The values of this connection's own.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.own
    }

    /// The state that all connections share.
    pub fn shared(&self) -> Option<&Arc<Extensions>> {
        self.shared.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link::new(
            None,
            Arc::new(Listener::new(None, Vec::new()).root_path("/base")),
        )
    }

    #[test]
    fn what_is_not_set_is_the_listeners() {
        let link = link();

        assert!(!link.is_secure());
        assert_eq!((link.host(), link.root_path()), (None, "/base"));
    }

    #[test]
    fn what_is_set_counts_for_this_connection_alone() {
        let (mut one, other) = (link(), link());

        one.set_secure(true);
        one.set_host("example.org:8443");
        one.set_root_path("/mount");

        assert!(one.is_secure());
        assert_eq!(
            (one.host(), one.root_path()),
            (Some("example.org:8443"), "/mount")
        );
        assert_eq!((other.host(), other.root_path()), (None, "/base"));
        one.set_secure(false);
        assert!(!one.is_secure());
    }

    #[test]
    fn host_of_the_target_counts_without_its_user() {
        let requested = |target: &'static str| link().requested_at(&Uri::from_static(target));

        assert_eq!(requested("/path").host(), None);
        assert_eq!(
            requested("http://a.example:81/path").host(),
            Some("a.example:81")
        );
        assert_eq!(requested("http://b@a.example").host(), Some("a.example"));
    }

    #[test]
    fn what_nobody_sets_costs_a_pointer() {
        let mut link = link();

        link.set_secure(false);

        assert!(link.overrides.is_none());
        assert!(size_of::<Link>() <= 80, "{}", size_of::<Link>());
    }
}
