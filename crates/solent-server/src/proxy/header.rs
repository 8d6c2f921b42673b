//! Headers of both versions, as they come in.

use std::net::SocketAddr;

use super::{v1, v2};

/// What a proxy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) client: Client,
    /// Whether the client's connection is encrypted, if that is told.
    pub(super) secure: Option<bool>,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// The proxy's own, such as a health check, or one of which it knows no more.
    Proxy,
    /// That of a client with an address.
    Address(SocketAddr),
    /// That of a client on a Unix socket.
    Unix,
}

/// How far the bytes of a header go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// At least so many bytes more belong to it, and at least one.
    Needs(usize),
    /// They are all of it.
    Whole(Header),
}

/// Bytes are no header, whatever may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

impl Header {
    /// A header that says nothing.
    pub(super) const SILENT: Self = Self {
        client: Client::Proxy,
        secure: None,
    };
}

/// The shortest header, `PROXY UNKNOWN` and its line end.
const LEAST: usize = 15;

/// Reads a header of which `bytes` is the beginning.
///
/// Who reads no more than is needed never has a byte of what follows the header, which then needs no place of its own: it
/// stays in the socket, be it TLS or HTTP.
pub(super) fn parse(bytes: &[u8], max_size: usize) -> Result<Progress, Malformed> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(a, b)| a == b);
    let (is_v1, is_v2) = (begins(v1::BEGINNING), begins(v2::SIGNATURE));
    if !is_v1 && !is_v2 {
        return Err(Malformed("it begins with something else"));
    }
    match LEAST.checked_sub(bytes.len()) {
        Some(missing @ 1..) => Ok(Progress::Needs(missing)),
        _ if is_v1 => v1::parse(bytes),
        _ => v2::parse(bytes, max_size),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 8 * 1024;

    /// Reads from `bytes` what is needed, at most `step` at a time; the header, and how much was read.
    fn read(bytes: &[u8], step: usize) -> Result<(Header, usize), Malformed> {
        let mut read = 0;
        loop {
            match parse(&bytes[..read], MAX)? {
                Progress::Whole(header) => return Ok((header, read)),
                Progress::Needs(0) => panic!("nothing is needed, and yet it is not whole"),
                Progress::Needs(count) => read += count.min(step),
            }
            assert!(read <= bytes.len(), "it reads beyond its end");
        }
    }

    fn address() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
        prop_oneof![
            any::<([u8; 4], u16, [u8; 4], u16)>()
                .prop_map(|(a, ap, b, bp)| ((a, ap).into(), (b, bp).into())),
            any::<([u8; 16], u16, [u8; 16], u16)>()
                .prop_map(|(a, ap, b, bp)| ((a, ap).into(), (b, bp).into())),
        ]
    }

    fn line(client: SocketAddr, server: SocketAddr) -> Vec<u8> {
        let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
        let (client_port, server_port) = (client.port(), server.port());
        let (client, server) = (client.ip(), server.ip());
        format!("PROXY {family} {client} {server} {client_port} {server_port}\r\n").into_bytes()
    }

    fn binary(client: SocketAddr, server: SocketAddr, extra: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let bytes = |address: SocketAddr| match address {
            SocketAddr::V4(address) => address.ip().octets().to_vec(),
            SocketAddr::V6(address) => address.ip().octets().to_vec(),
        };
        let mut block = [bytes(client), bytes(server)].concat();
        block.extend(client.port().to_be_bytes());
        block.extend(server.port().to_be_bytes());
        for (kind, value) in extra {
            block.push(*kind);
            block.extend((value.len() as u16).to_be_bytes());
            block.extend(value);
        }
        let family = if client.is_ipv4() { 0x11 } else { 0x21 };
        let mut header = [v2::SIGNATURE, &[0x21, family]].concat();
        header.extend((block.len() as u16).to_be_bytes());
        header.extend(block);
        header
    }

    proptest! {
        #[test]
        fn header_is_read_to_its_end_and_no_further(
            (client, server) in address(),
            is_line: bool,
            extra in prop::collection::vec((0xe0..=0xef_u8, prop::collection::vec(any::<u8>(), 0..50)), 0..4),
            rest in prop::collection::vec(any::<u8>(), 0..20),
            step in 1..40_usize,
        ) {
            let header = if is_line { line(client, server) } else { binary(client, server, &extra) };
            let bytes = [&header[..], &rest].concat();

            let (read, len) = read(&bytes, step).unwrap();

            let client = SocketAddr::new(client.ip().to_canonical(), client.port());
            prop_assert_eq!(read, Header { client: Client::Address(client), secure: None });
            prop_assert_eq!(len, header.len());
            for cut in 0..header.len() {
                let needs = matches!(parse(&header[..cut], MAX), Ok(Progress::Needs(count)) if count <= header.len() - cut);
                prop_assert!(needs, "{} bytes are not enough", cut);
            }
        }

        #[test]
        fn no_bytes_are_too_much(
            beginning in prop_oneof![
                Just(&b""[..]), Just(&b"PROXY "[..]), Just(&b"PROXY TCP4 1.2.3.4 "[..]), Just(&b"PROXY UNKNOWN"[..]),
                Just(v2::SIGNATURE), Just(&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"[..]), Just(&b"\r\n\r\n\0\r\nQUIT\n\x21\x31"[..]),
            ],
            rest in prop::collection::vec(prop_oneof![any::<u8>(), b' '..=b'9', Just(b'\r'), Just(b'\n')], 0..300),
        ) {
            let bytes = [beginning, &rest].concat();
            for end in 0..bytes.len() {
                if let Ok(Progress::Needs(count)) = parse(&bytes[..end], 256) {
                    prop_assert!((1..=256).contains(&(end + count)));
                }
            }
        }
    }

    #[test]
    fn what_begins_with_something_else_is_told_at_once() {
        for bytes in [
            "G",
            "GET / HTTP/1.1\r\n",
            "PROXX",
            "PROXYTCP4",
            "\r\n\r\n\0\r\nQUIX",
            "\x16\x03\x01",
        ] {
            assert!(parse(bytes.as_bytes(), MAX).is_err(), "{bytes:?}");
        }
        for bytes in ["", "P", "PROXY ", "\r\n\r\n\0"] {
            let needs = Progress::Needs(LEAST - bytes.len());
            assert_eq!(parse(bytes.as_bytes(), MAX), Ok(needs), "{bytes:?}");
        }
    }
}
