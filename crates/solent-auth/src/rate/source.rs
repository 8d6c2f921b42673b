//! Whom a limit is for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// How much of an IPv6 address tells one client from another, as a rule: a network of this length is given to each.
pub(super) const IPV6_PREFIX: u8 = 64;

/// The part of a client's address that limits go by: an IPv4 address, or the network of an IPv6 address.
pub(super) fn of(client: SocketAddr, ipv6_prefix: u8) -> IpAddr {
    match client.ip().to_canonical() {
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

    fn source(address: &str, ipv6_prefix: u8) -> String {
        of(SocketAddr::new(address.parse().unwrap(), 1), ipv6_prefix).to_string()
    }

    #[test]
    fn addresses_of_one_network_are_one_source() {
        assert_eq!(source("192.0.2.1", 64), "192.0.2.1");
        assert_eq!(source("::ffff:192.0.2.1", 64), "192.0.2.1");
        assert_eq!(source("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::");
        assert_eq!(source("2001:db8:1:2:3:4:5:6", 128), "2001:db8:1:2:3:4:5:6");
        assert_eq!(source("2001:db8:1:2:3:4:5:6", 48), "2001:db8:1::");
        assert_eq!(source("2001:db8::1", 0), "::");
        assert_eq!(source("2001:db8::1", 255), "2001:db8::1");
    }
}
