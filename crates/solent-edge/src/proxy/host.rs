//! Hosts as proxies name them.

use http::uri::Authority;

/// A host, with or without a port: no user, no more than that.
pub(super) fn parse(text: &str) -> Option<&str> {
    let authority: Authority = text.parse().ok()?;
    let rest = text.strip_prefix(authority.host())?;
    let has_port_or_none = match rest.strip_prefix(':') {
        Some(port) => parse_port(port).is_some(),
        None => rest.is_empty(),
    };
    (has_port_or_none && !authority.host().is_empty()).then_some(text)
}

/// A port: digits, and nothing else.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// `host` with `port`, where it has none and the scheme's own is another.
pub(super) fn with_port(host: &str, port: u16, secure: bool) -> String {
    let default = if secure { 443 } else { 80 };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    if has_port || port == default {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "example.org",
            "example.org:8443",
            "192.0.2.1:80",
            "[2001:db8::1]",
            "[::1]:8000",
        ] {
            assert_eq!(parse(host), Some(host));
        }
        for host in [
            "",
            ":80",
            "user@example.org",
            "example.org/x",
            "a b",
            "example.org:",
            "x:65536",
            "x:y",
            "x:+1",
        ] {
            assert_eq!(parse(host), None, "{host}");
        }
    }

    #[test]
    fn port_is_added_where_it_says_something() {
        assert_eq!(with_port("example.org", 8443, true), "example.org:8443");
        assert_eq!(with_port("example.org", 443, true), "example.org");
        assert_eq!(with_port("example.org", 443, false), "example.org:443");
        assert_eq!(with_port("example.org:1", 2, true), "example.org:1");
        assert_eq!(with_port("[::1]", 8000, false), "[::1]:8000");
    }
}
