//! How many connections there may be.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use solent_spec::request::client_network;

use super::{Stream, linger};
use crate::{ConnectionLimits, server::Core};

/// Counts open connections.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: ConnectionLimits,
    open: AtomicUsize,
    /// Open connections by address or network; no entry is 0. Held for a lookup, never across a wait.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    limiter: Arc<Limiter>,
    /// The address that is counted, if it is.
    address: Option<IpAddr>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Total,
    PerAddress,
}

impl Limiter {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            open: AtomicUsize::new(0),
            addresses: Mutex::default(),
        })
    }

    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: Option<SocketAddr>,
    ) -> Result<ConnectionGuard, Refusal> {
        if self.open.load(Relaxed) >= self.limits.total {
            return Err(Refusal::Total);
        }
        self.open.fetch_add(1, Relaxed);
        let mut guard = ConnectionGuard {
            limiter: Arc::clone(self),
            address: None,
        };
        guard.count(peer)?;
        Ok(guard)
    }

    /// Counts one more connection of an address.
    fn count(&self, address: IpAddr) -> Result<(), Refusal> {
        let mut addresses = self.addresses.lock();
        let count = addresses.entry(address).or_default();
        if *count >= self.limits.per_address {
            return Err(Refusal::PerAddress);
        }
        *count += 1;
        Ok(())
    }
}

impl ConnectionGuard {
    /// Counts the connection for the address of its client, once that is known.
    pub(crate) fn count(&mut self, client: Option<SocketAddr>) -> Result<(), Refusal> {
        let prefix = self.limiter.limits.ipv6_prefix;
        let address = client
            .map(|client| client.ip().to_canonical())
            .filter(|address| !address.is_loopback())
            .map(|address| client_network(address, prefix));
        if let (Some(address), None) = (address, self.address) {
            self.limiter.count(address)?;
            self.address = Some(address);
        }
        Ok(())
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.limiter.open.fetch_sub(1, Relaxed);
        if let Some(address) = self.address {
            let mut addresses = self.limiter.addresses.lock();
            if let Some(count) = addresses.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&address);
                }
            }
        }
    }
}

impl Refusal {
    /// Answers a connection that has not asked anything yet.
    pub(crate) fn answer(self, core: &Arc<Core>, stream: Stream, client: Option<SocketAddr>) {
        tracing::debug!(target: "solent::server", ?client, refusal = ?self, "connection refused");
        let _ = stream.try_write(self.response());
        // What the client asks for is on its way.
        linger(core, stream, None);
    }

    fn response(self) -> &'static [u8] {
        match self {
            Self::Total => {
                b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n"
            }
            Self::PerAddress => {
                b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(address.parse().unwrap(), 1))
    }

    #[test]
    fn each_address_has_its_own_limit() {
        let limiter = Limiter::new(ConnectionLimits::default().total(4).per_address(2));

        let one = limiter.admit(peer("192.0.2.1")).unwrap();
        let _two = limiter.admit(peer("::ffff:192.0.2.1")).unwrap();
        assert_eq!(
            limiter.admit(peer("192.0.2.1")).unwrap_err(),
            Refusal::PerAddress
        );
        let _other = limiter.admit(peer("192.0.2.2")).unwrap();
        drop(one);
        let _again = limiter.admit(peer("192.0.2.1")).unwrap();
        let _loopback = limiter.admit(peer("127.0.0.1")).unwrap();
        assert_eq!(limiter.admit(None).unwrap_err(), Refusal::Total);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_limit() {
        let limiter = Limiter::new(ConnectionLimits::default().per_address(1));

        let _one = limiter.admit(peer("2001:db8::1")).unwrap();

        assert_eq!(
            limiter.admit(peer("2001:db8::2")).unwrap_err(),
            Refusal::PerAddress
        );
        let _other = limiter.admit(peer("2001:db8:0:1::1")).unwrap();
        let _loopback = limiter.admit(peer("::1")).unwrap();
    }

    #[test]
    fn client_that_is_known_later_is_counted_later() {
        let limiter = Limiter::new(ConnectionLimits::default().total(3).per_address(1));
        let mut one = limiter.admit(None).unwrap();
        let mut two = limiter.admit(None).unwrap();

        assert_eq!(one.count(peer("192.0.2.1")), Ok(()));
        assert_eq!(two.count(peer("192.0.2.1")), Err(Refusal::PerAddress));
        assert_eq!(
            limiter.admit(peer("192.0.2.1")).unwrap_err(),
            Refusal::PerAddress
        );
        drop(one);
        assert_eq!(two.count(peer("192.0.2.1")), Ok(()));
    }

    #[test]
    fn closed_connections_leave_nothing() {
        let limiter = Limiter::new(ConnectionLimits::default().per_address(1));

        let open = limiter.admit(peer("192.0.2.1"));
        limiter.admit(peer("192.0.2.1")).unwrap_err();
        drop(open);

        assert!(limiter.addresses.lock().is_empty());
        assert_eq!(limiter.open.load(Relaxed), 0);
    }
}
