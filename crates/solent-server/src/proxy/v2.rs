//! Version 2: a binary header (§2.2).

use std::net::{IpAddr, SocketAddr};

use super::header::{Client, Header, Malformed, Progress};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What comes before the addresses: the signature, version and command, family and transport, the length of the rest.
const FIXED: usize = 16;

/// A Unix socket's address.
const UNIX: usize = 108;

/// `PP2_TYPE_SSL` (§2.2.6).
const TYPE_SSL: u8 = 0x20;

/// `PP2_CLIENT_SSL`: the client connected over TLS.
const CLIENT_SSL: u8 = 0x01;

/// Reads a header, or says how many bytes more it has at the least.
pub(super) fn parse(bytes: &[u8], max_size: usize) -> Result<Progress, Malformed> {
    let Some((fixed, block)) = bytes.split_at_checked(FIXED) else {
        return Ok(Progress::Needs(FIXED - bytes.len()));
    };
    let len = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED + len > max_size {
        return Err(Malformed("it is larger than the server's limit"));
    }
    let is_proxied = match fixed[12] {
        0x20 => false,
        0x21 => true,
        _ => return Err(Malformed("its version or command is another")),
    };
    match len.checked_sub(block.len()) {
        Some(missing @ 1..) => Ok(Progress::Needs(missing)),
        _ if is_proxied => parse_block(fixed[13], block).map(Progress::Whole),
        // A connection of the proxy's own, whatever else is said of it.
        _ => Ok(Progress::Whole(Header::SILENT)),
    }
}

/// Reads addresses and what follows them. Datagrams have addresses as streams do.
fn parse_block(family: u8, block: &[u8]) -> Result<Header, Malformed> {
    const SHORT: Malformed = Malformed("it is too short for its addresses");
    let (client, rest) = match family {
        // Unspecified, or of an unspecified transport: there may be addresses, but they have no meaning.
        0x00..=0x02 | 0x10 | 0x20 | 0x30 => return Ok(Header::SILENT),
        0x11 | 0x12 => client::<4>(block).ok_or(SHORT)?,
        0x21 | 0x22 => client::<16>(block).ok_or(SHORT)?,
        0x31 | 0x32 => (Client::Unix, block.get(2 * UNIX..).ok_or(SHORT)?),
        _ => return Err(Malformed("its family or transport is another")),
    };
    Ok(Header {
        client,
        secure: is_secure(rest)?,
    })
}

/// Two addresses of `N` bytes, two ports; the client's is the first of each.
fn client<const N: usize>(block: &[u8]) -> Option<(Client, &[u8])>
where
    IpAddr: From<[u8; N]>,
{
    let (client, rest) = block.split_first_chunk::<N>()?;
    let (_, rest) = rest.split_first_chunk::<N>()?;
    let ([high, low, _, _], rest) = rest.split_first_chunk::<4>()?;
    let address = IpAddr::from(*client).to_canonical();
    let port = u16::from_be_bytes([*high, *low]);
    Some((Client::Address(SocketAddr::new(address, port)), rest))
}

/// Goes through what a proxy adds, each with a type and a length, and skips everything but what it says of TLS.
fn is_secure(mut rest: &[u8]) -> Result<Option<bool>, Malformed> {
    let mut secure = None;
    while !rest.is_empty() {
        let (kind, value, after) =
            split_vector(rest).ok_or(Malformed("what it adds is longer than the header"))?;
        if kind == TYPE_SSL {
            secure = value.first().map(|client| client & CLIENT_SSL != 0);
        }
        rest = after;
    }
    Ok(secure)
}

/// A type, a value, and what follows.
fn split_vector(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([kind, high, low], rest) = bytes.split_first_chunk::<3>()?;
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let (value, rest) = rest.split_at_checked(len)?;
    Some((*kind, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 80];

    fn header(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let len = (block.len() as u16).to_be_bytes();
        [SIGNATURE, &[command, family], &len, block].concat()
    }

    fn read(command: u8, family: u8, block: &[u8]) -> Option<Header> {
        match parse(&header(command, family, block), 1024) {
            Ok(Progress::Whole(header)) => Some(header),
            Ok(Progress::Needs(_)) => panic!("it is whole"),
            Err(_) => None,
        }
    }

    fn client(address: &str) -> Client {
        Client::Address(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_each_family_are_read() {
        let is = |family, block: &[u8], client| {
            let read = read(0x21, family, block).map(|header| header.client);
            assert_eq!(read, Some(client), "{family:#x}");
        };
        let ipv6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 28], &[0, 1, 0, 2]].concat();
        for transport in [1, 2] {
            is(0x10 | transport, IPV4, client("192.0.2.1:4660"));
            is(0x20 | transport, &ipv6, client("[2001:db8::]:1"));
            is(0x30 | transport, &[b'/'; 216], Client::Unix);
        }
        for unspecified in [0x00, 0x01, 0x02, 0x10, 0x20, 0x30] {
            is(unspecified, b"whatever", Client::Proxy);
        }
    }

    #[test]
    fn connection_of_the_proxys_own_is_its_own() {
        for (family, block) in [
            (0, &b""[..]),
            (0x11, IPV4),
            (0x11, b"x"),
            (0xff, b"\x20\0\x01\x01"),
        ] {
            assert_eq!(read(0x20, family, block), Some(Header::SILENT));
        }
    }

    #[test]
    fn what_a_proxy_adds_is_skipped_but_for_what_it_says_of_tls() {
        let secure = |added: &[u8]| read(0x21, 0x11, &[IPV4, added].concat()).unwrap().secure;

        assert_eq!(secure(b""), None);
        assert_eq!(secure(b"\x04\0\0\x01\0\x02h2\xee\0\x01x"), None);
        assert_eq!(secure(b"\x04\0\x02xx\x20\0\x05\x01\0\0\0\0"), Some(true));
        assert_eq!(secure(b"\x20\0\x05\x06\0\0\0\0"), Some(false));
        assert_eq!(secure(b"\x20\0\0"), None);
    }

    #[test]
    fn headers_that_are_none_are_malformed() {
        for (command, family, block) in [
            (0x11, 0x11, IPV4),
            (0x31, 0x11, IPV4),
            (0x22, 0x11, IPV4),
            (0x2f, 0x11, IPV4),
            (0x21, 0x13, IPV4),
            (0x21, 0x41, IPV4),
            (0x21, 0xff, IPV4),
            (0x21, 0x11, &IPV4[..11]),
            (0x21, 0x21, &[0; 35]),
            (0x21, 0x31, &[0; 215]),
        ] {
            assert_eq!(
                read(command, family, block),
                None,
                "{command:#x} {family:#x}"
            );
        }
        for added in [
            &b"\x04"[..],
            b"\x04\0",
            b"\x04\0\x01",
            b"\x04\0\0\x04\xff\xffx",
        ] {
            assert_eq!(read(0x21, 0x11, &[IPV4, added].concat()), None, "{added:?}");
        }
    }

    #[test]
    fn header_over_the_limit_is_told_before_it_is_read() {
        let whole = header(0x21, 0x11, &[IPV4, &[0; 100]].concat());

        assert_eq!(
            parse(&whole[..FIXED], whole.len()),
            Ok(Progress::Needs(112))
        );
        assert!(parse(&whole[..FIXED], whole.len() - 1).is_err());
        assert_eq!(parse(&whole[..FIXED - 1], 0), Ok(Progress::Needs(1)));
    }
}
