//! Whom a limit by address is for.

use std::net::{IpAddr, Ipv6Addr};

/// How much of an IPv6 address tells one client from another, as a rule: each is given a network of this length.
pub const IPV6_PREFIX: u8 = 64;

/// The part of a client's address that limits go by: an IPv4 address, or the network of an IPv6 address, whose first
/// `ipv6_prefix` bits count. More than 128 is 128.
///
/// # Examples
///
/// ```
/// use solent_spec::request::{IPV6_PREFIX, client_network};
///
/// let network = client_network("2001:db8:1:2:3:4:5:6".parse()?, IPV6_PREFIX);
///
/// assert_eq!(network.to_string(), "2001:db8:1:2::");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn client_network(client: IpAddr, ipv6_prefix: u8) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let others = 128 - u32::from(ipv6_prefix.min(128));
            let network = u128::MAX.checked_shl(others).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & network).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, ipv6_prefix: u8) -> String {
        client_network(address.parse().unwrap(), ipv6_prefix).to_string()
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        assert_eq!(network("192.0.2.1", 64), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1", 64), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 128), "2001:db8:1:2:3:4:5:6");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 48), "2001:db8:1::");
        assert_eq!(network("2001:db8::1", 0), "::");
        assert_eq!(network("2001:db8::1", 255), "2001:db8::1");
    }
}
