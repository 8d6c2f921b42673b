//! Who introduces its clients, and how long that may take.

use std::time::Duration;

use solent_spec::request::Peers;

/// The PROXY protocol, versions 1 and 2.
///
/// A proxy that passes on bytes cannot add headers to requests. So it begins each connection with a line (version 1) or a
/// binary header (version 2) that tells whose it is. Scopes then have that client, and [`ConnectionLimits::per_address`] counts
/// it; where the proxy tells that the client's connection is encrypted (`send-proxy-v2-ssl`), the scheme is `https` or `wss`.
///
/// ```
/// use solent_server::{ProxyProtocolConfig, ServerConfig};
///
/// let config = ProxyProtocolConfig::new("10.0.0.0/8, unix".parse()?);
/// let config = ServerConfig::default().proxy_protocol(config);
/// # Ok::<_, solent_spec::request::PeersError>(())
/// ```
///
/// Peers in [`from`](Self::from) *must* send a header, and no other peer may: a peer with the choice could pose as any client. A
/// header that does not come, or is none, ends the connection with an event in the log. Other peers are served as themselves,
/// and a header of theirs is the beginning of a bad request.
///
/// [`ConnectionLimits::per_address`]: crate::ConnectionLimits::per_address
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ProxyProtocolConfig {
    /// The proxies.
    pub from: Peers,
    /// From a connection's first moment until its header is complete. Default: 5 seconds.
    pub timeout: Duration,
    /// Bytes of a header of version 2, with everything that a proxy adds to it. Default: 8 KiB. One of version 1 has 107 at
    /// most.
    pub max_size: usize,
}

impl ProxyProtocolConfig {
    /// Takes headers from these proxies.
    pub fn new(from: Peers) -> Self {
        Self {
            from,
            timeout: Duration::from_secs(5),
            max_size: 8 * 1024,
        }
    }

    /// Sets [`timeout`](Self::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`max_size`](Self::max_size).
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }
}
