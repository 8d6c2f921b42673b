//! Which headers are believed.

use http::HeaderName;

/// What [`TrustedProxies`](super::TrustedProxies) believes of what a trusted proxy sends.
///
/// Believe a header only if *every* trusted proxy sets or removes it: one that passes it on unseen passes on what its client
/// made up. So the default is what all of them set, `X-Forwarded-For`, and `X-Forwarded-Proto`.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ProxyConfig {
    /// Which family of headers the proxies set; the other one is not looked at. Default: `X-Forwarded-*`.
    pub headers: ProxyHeaders,
    /// How many proxies, the nearest first, are trusted whatever their addresses, for platforms that do not tell them.
    /// Default: 0. Only for a server that is reached through that many proxies and in no other way.
    pub hops: usize,
    /// Whether `X-Forwarded-Proto` tells encrypted connections from others. Default: yes.
    pub proto: bool,
    /// Whether `X-Forwarded-Host` is the host that the client asked for. Default: no, since many proxies pass it on unseen.
    pub host: bool,
    /// Whether `X-Forwarded-Port` is the port that the client connected to: it then completes a host without a port.
    /// Default: no.
    pub port: bool,
    /// The header with the addresses. Default: `x-forwarded-for`.
    pub client_header: HeaderName,
    /// A header with the client's own port, which counts where its address comes without one. Default: none. Daphne takes
    /// `x-forwarded-port` for it.
    pub client_port_header: Option<HeaderName>,
}

/// A family of headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For` and its siblings, which most proxies set.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239). Addresses, scheme and host are in one element for each proxy, so all of them are believed.
    Forwarded,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            headers: ProxyHeaders::default(),
            hops: 0,
            proto: true,
            host: false,
            port: false,
            client_header: HeaderName::from_static("x-forwarded-for"),
            client_port_header: None,
        }
    }
}

impl ProxyConfig {
    /// Sets [`headers`](Self::headers).
    pub fn headers(mut self, headers: ProxyHeaders) -> Self {
        self.headers = headers;
        self
    }

    /// Sets [`hops`](Self::hops).
    pub fn hops(mut self, count: usize) -> Self {
        self.hops = count;
        self
    }

    /// Sets [`proto`](Self::proto).
    pub fn proto(mut self, believed: bool) -> Self {
        self.proto = believed;
        self
    }

    /// Sets [`host`](Self::host).
    pub fn host(mut self, believed: bool) -> Self {
        self.host = believed;
        self
    }

    /// Sets [`port`](Self::port).
    pub fn port(mut self, believed: bool) -> Self {
        self.port = believed;
        self
    }

    /// Sets [`client_header`](Self::client_header), for instance to `x-real-ip` or `cf-connecting-ip`.
    pub fn client_header(mut self, name: HeaderName) -> Self {
        self.client_header = name;
        self
    }

    /// Sets [`client_port_header`](Self::client_port_header).
    pub fn client_port_header(mut self, name: impl Into<Option<HeaderName>>) -> Self {
        self.client_port_header = name.into();
        self
    }
}
