//! Which peers to believe.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;

/// A set of peers: networks, single addresses, and all peers on a Unix socket.
///
/// Middleware and servers take it where they ask whom to believe, such as a proxy that tells of its clients. Written as
/// text it is a list with commas or blanks:
///
/// ```
/// use solent_spec::request::Peers;
///
/// let proxies: Peers = "10.0.0.0/8, 2001:db8::/32, 127.0.0.1, unix".parse()?;
///
/// assert!(proxies.contains_ip([10, 1, 2, 3].into()));
/// assert!(!proxies.contains_ip([192, 0, 2, 1].into()));
/// assert!(proxies.contains(None), "that is a peer on a Unix socket");
/// # Ok::<_, solent_spec::request::PeersError>(())
/// ```
///
/// An IPv4 address that is written as an IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    networks: Vec<IpNet>,
    unix: bool,
}

/// A text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network, use 192.0.2.1, 10.0.0.0/8, 2001:db8::/32 or unix")]
pub struct PeersError(String);

impl Peers {
    /// No peer.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a set, one text for each network.
    ///
    /// # Errors
    ///
    /// [`PeersError`] names the text that is no network.
    pub fn new<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, PeersError> {
        let mut peers = Self::none();
        for network in networks {
            peers.add(network.as_ref())?;
        }
        Ok(peers)
    }

    fn add(&mut self, text: &str) -> Result<(), PeersError> {
        if text == "unix" {
            self.unix = true;
            return Ok(());
        }
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address)),
            Err(_) => text.parse::<IpNet>().ok(),
        };
        let network = network.ok_or_else(|| PeersError(text.to_owned()))?;
        self.networks.push(canonical(network.trunc()));
        Ok(())
    }

    /// Whether a peer is one of them. `None` is a peer on a Unix socket, which has no address.
    pub fn contains(&self, peer: Option<SocketAddr>) -> bool {
        match peer {
            Some(peer) => self.contains_ip(peer.ip()),
            None => self.unix,
        }
    }

    /// Whether an address is one of theirs.
    pub fn contains_ip(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Whether no peer is.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }
}

/// A network of IPv4 addresses that are written as IPv6 addresses, as what it is.
fn canonical(network: IpNet) -> IpNet {
    /// How many bits of `::ffff:0:0/96` come before the IPv4 address.
    const MAPPED: u8 = 96;
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(long), address @ IpAddr::V4(_)) if long.prefix_len() >= MAPPED => {
            IpNet::new(address, long.prefix_len() - MAPPED).unwrap_or(network)
        }
        _ => network,
    }
}

impl FromStr for Peers {
    type Err = PeersError;

    fn from_str(text: &str) -> Result<Self, PeersError> {
        let entries = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        Self::new(entries.filter(|entry| !entry.is_empty()))
    }
}

impl From<IpAddr> for Peers {
    fn from(address: IpAddr) -> Self {
        Self {
            networks: vec![address.to_canonical().into()],
            unix: false,
        }
    }
}

impl From<Ipv4Addr> for Peers {
    fn from(address: Ipv4Addr) -> Self {
        IpAddr::from(address).into()
    }
}

impl From<Ipv6Addr> for Peers {
    fn from(address: Ipv6Addr) -> Self {
        IpAddr::from(address).into()
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.iter().map(ToString::to_string);
        let entries: Vec<_> = networks
            .chain(self.unix.then(|| "unix".to_owned()))
            .collect();
        f.write_str(&entries.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(text: &str) -> Peers {
        text.parse().unwrap()
    }

    fn has(text: &str, address: &str) -> bool {
        peers(text).contains_ip(address.parse().unwrap())
    }

    #[test]
    fn networks_and_addresses_contain_what_is_theirs() {
        for (text, address) in [
            ("10.0.0.0/8", "10.255.0.1"),
            ("10.1.2.3/8", "10.255.0.1"),
            ("0.0.0.0/0", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.77"),
            ("2001:db8::/32", "2001:db8:1::1"),
            ("127.0.0.1,\n ::1", "::1"),
        ] {
            assert!(has(text, address), "{address} is in {text}");
        }
        for (text, address) in [
            ("", "127.0.0.1"),
            ("unix", "127.0.0.1"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "2001:db8::1"),
            ("::/0", "192.0.2.1"),
        ] {
            assert!(!has(text, address), "{address} is not in {text}");
        }
    }

    #[test]
    fn peer_without_an_address_is_on_a_unix_socket() {
        assert!(peers("unix").contains(None));
        assert!(!peers("0.0.0.0/0 ::/0").contains(None));
        assert!(Peers::none().is_empty());
        assert!(!peers("unix").is_empty());
    }

    #[test]
    fn text_that_is_no_network_is_named() {
        for text in ["10.0.0.0/33", "localhost", "10.0.0", "1.2.3.4:80", "/8"] {
            assert_eq!(text.parse::<Peers>(), Err(PeersError(text.to_owned())));
        }
        assert_eq!(peers("10.1.2.3/8 unix").to_string(), "10.0.0.0/8, unix");
    }
}
