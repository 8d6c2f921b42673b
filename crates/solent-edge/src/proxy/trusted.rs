//! Believes what trusted proxies tell of a client: the middleware.

use std::sync::Arc;

use solent_spec::{
    BoxApplication, Connection, HttpProtocol, Middleware, RequestScope,
    request::{Peers, PeersError},
};

use super::{ProxyConfig, ProxyHeaders, forwarded, walk::Trust, x_forwarded};

/// Believes what trusted proxies tell of their clients: the address, whether the connection is encrypted, and the host.
///
/// Everything further in then sees the client itself: `scope.link().client()`, `scope.scheme()`, `scope.host()`. So put it
/// round whatever looks at one of them, such as limits, checks of origins, and sessions with their secure cookies.
///
/// ```
/// use solent_edge::{ProxyConfig, TrustedProxies};
///
/// // nginx on this machine, behind a load balancer in 10.0.0.0/8.
/// let proxies = TrustedProxies::new(["127.0.0.1", "10.0.0.0/8"])?.config(ProxyConfig::default().host(true));
/// # Ok::<_, solent_spec::request::PeersError>(())
/// ```
///
/// Headers of other peers are not looked at. Proxies append to what they get, so the walk goes from the right, proxy by
/// proxy, as long as each is trusted: the first address that is not is the client's. What stands left of it the client may
/// have made up, and is not read. Where a trusted proxy does not tell an address (`unknown`), its own is kept.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    peers: Peers,
    config: ProxyConfig,
}

impl TrustedProxies {
    /// Trusts the proxies in `networks`: `"10.0.0.0/8"`, `"2001:db8::1"`, or `"unix"` for every peer on a Unix socket.
    ///
    /// # Errors
    ///
    /// [`PeersError`] names the text that is no network.
    pub fn new<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, PeersError> {
        Peers::new(networks).map(Self::from)
    }

    /// Sets what is believed of them.
    #[must_use]
    pub fn config(mut self, config: ProxyConfig) -> Self {
        Arc::make_mut(&mut self.0).config = config;
        self
    }

    /// Tells `scope` what its proxies know better.
    pub(super) fn apply(&self, scope: &mut impl RequestScope) {
        let Inner { peers, config } = &*self.0;
        let trust = Trust {
            peers,
            hops: config.hops,
        };
        let peer = scope.link().client();
        if !trust.believes(peer, 0) {
            return;
        }
        let told = match config.headers {
            ProxyHeaders::XForwarded => x_forwarded::read(scope, trust, config),
            ProxyHeaders::Forwarded => forwarded::read(scope, trust),
        };
        let link = scope.link_mut();
        link.set_client(told.client);
        if let Some(secure) = told.secure {
            link.set_secure(secure);
        }
        if let Some(host) = told.host {
            link.set_host(&host);
        }
    }
}

impl From<Peers> for TrustedProxies {
    fn from(peers: Peers) -> Self {
        Self(Arc::new(Inner {
            peers,
            config: ProxyConfig::default(),
        }))
    }
}

impl Middleware for TrustedProxies {
    fn wrap<P: HttpProtocol>(&self, inner: BoxApplication<P>) -> BoxApplication<P> {
        let proxies = self.clone();
        BoxApplication::from_fn(move |mut connection: Connection<P>| {
            proxies.apply(connection.scope_mut());
            inner.call(connection)
        })
    }
}
