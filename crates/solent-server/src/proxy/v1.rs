//! Version 1: a line of text (§2.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::header::{Client, Header, Malformed, Progress};

pub(super) const BEGINNING: &[u8] = b"PROXY ";

/// The longest line, with its end.
const MOST: usize = 107;

/// Reads a line, or says how many bytes more it has at the least.
pub(super) fn parse(bytes: &[u8]) -> Result<Progress, Malformed> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let missing = match end.map(|end| bytes.split_at(end)) {
        Some((line, b"\r\n")) => return parse_line(line).map(Progress::Whole),
        Some((_, b"\r")) => 1,
        Some(_) => return Err(Malformed("its line does not end as it should")),
        None => 2 + 2 * separators_to_come(bytes),
    };
    if bytes.len() + missing > MOST {
        return Err(Malformed("its line is too long"));
    }
    Ok(Progress::Needs(missing))
}

/// Blanks that must follow, each before a byte at least. A line that is none may have none.
fn separators_to_come(line: &[u8]) -> usize {
    /// In a line with addresses.
    const ALL: usize = 5;
    if !line.starts_with(b"PROXY TCP") {
        return 0;
    }
    ALL.saturating_sub(line.iter().filter(|byte| **byte == b' ').count())
}

fn parse_line(line: &[u8]) -> Result<Header, Malformed> {
    let line = std::str::from_utf8(line).map_err(|_| Malformed("its line is no text"))?;
    let fields: Vec<_> = line.split(' ').collect();
    let client = match fields[..] {
        // Whatever else is there counts for nothing.
        [_, "UNKNOWN", ..] => Client::Proxy,
        [_, "TCP4", client, server, client_port, server_port] => {
            address::<Ipv4Addr>(client, client_port, server, server_port)?
        }
        [_, "TCP6", client, server, client_port, server_port] => {
            address::<Ipv6Addr>(client, client_port, server, server_port)?
        }
        _ => return Err(Malformed("its line has other fields")),
    };
    Ok(Header {
        client,
        secure: None,
    })
}

fn address<T: FromStr + Into<IpAddr>>(
    client: &str,
    client_port: &str,
    server: &str,
    server_port: &str,
) -> Result<Client, Malformed> {
    let read = |address: &str, port: &str| {
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number)?;
        let address: IpAddr = address.parse::<T>().ok()?.into();
        Some(SocketAddr::new(address.to_canonical(), port))
    };
    // The server's is not used, but a line with a wrong one is no line.
    match (read(client, client_port), read(server, server_port)) {
        (Some(client), Some(_)) => Ok(Client::Address(client)),
        _ => Err(Malformed("its addresses are none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(line: &str) -> Option<Client> {
        match parse(line.as_bytes()) {
            Ok(Progress::Whole(header)) => Some(header.client),
            _ => None,
        }
    }

    #[test]
    fn lines_of_the_specification_are_read() {
        let is = |line: &str, address: &str| {
            let address = Client::Address(address.parse().unwrap());
            assert_eq!(client(line), Some(address), "{line}");
        };
        is(
            "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
            "192.168.0.1:56324",
        );
        is(
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            "255.255.255.255:65535",
        );
        is(
            "PROXY TCP6 2001:db8::1 2001:db8::2 1 0\r\n",
            "[2001:db8::1]:1",
        );
        is("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1");
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        is(
            &format!("PROXY TCP6 {longest} {longest} 65535 65535\r\n"),
            &format!("[{longest}]:65535"),
        );
        assert_eq!(client("PROXY UNKNOWN\r\n"), Some(Client::Proxy));
        let unknown = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
        assert_eq!(
            (unknown.len(), client(&unknown)),
            (MOST, Some(Client::Proxy))
        );
    }

    #[test]
    fn lines_that_are_none_are_malformed() {
        for line in [
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
            "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
            "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
            "PROXY TCP4 192.0.2.1 nonsense 1 2\r\n",
            "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
        assert!(parse(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 \xff\r\n").is_err());
    }

    #[test]
    fn line_without_an_end_is_told_before_it_is_too_long() {
        let line = format!("PROXY UNKNOWN {}", "x".repeat(MOST));

        assert_eq!(parse(&line.as_bytes()[..MOST - 2]), Ok(Progress::Needs(2)));
        assert!(parse(&line.as_bytes()[..MOST - 1]).is_err());
    }
}
