//! Addresses as proxies write them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::host;

/// Reads a node of RFC 7239 §6, or an element of `X-Forwarded-For`: an address, with or without a port (else 0).
///
/// `None` for a name that stands for an address (`unknown`, `_hidden`) and for whatever else is none. An IPv6 address may do
/// without brackets where it has no port, since most proxies write it so.
pub(super) fn parse(text: &str) -> Option<SocketAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (
                address.into(),
                rest.strip_prefix(':').or(rest.is_empty().then_some("0"))?,
            )
        }
        None => match text.parse::<IpAddr>() {
            Ok(address) => (address, "0"),
            Err(_) => {
                let (address, port) = text.split_once(':')?;
                (IpAddr::V4(address.parse().ok()?), port)
            }
        },
    };
    Some(SocketAddr::new(address.to_canonical(), parse_port(port)?))
}

/// A port, or a name that stands for one (`_secret`), which says as much as none.
fn parse_port(text: &str) -> Option<u16> {
    match text.starts_with('_') {
        true => Some(0),
        false => host::parse_port(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:0"),
            ("192.0.2.1:55", "192.0.2.1:55"),
            ("192.0.2.1:_secret", "192.0.2.1:0"),
            ("1043::a321:0001", "[1043::a321:1]:0"),
            ("[2001:db8::17]", "[2001:db8::17]:0"),
            ("[2001:db8::17]:4711", "[2001:db8::17]:4711"),
            ("::ffff:192.0.2.1", "192.0.2.1:0"),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1:1"),
        ] {
            assert_eq!(parse(text), Some(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:+1",
            "192.0.2.1 ",
            "01.2.3.4",
            "[192.0.2.1]",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[]",
            "fe80::1%eth0",
            "2001:db8::1:4711:",
            "192.0.2.1, 192.0.2.2",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
