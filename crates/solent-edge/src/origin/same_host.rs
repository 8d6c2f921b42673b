//! Whether a page is one of the host that it connects to.

use solent_spec::RequestScope;

use crate::url::{Url, lower_case, parse_port, split_authority};

/// Whether `origin` is the host and port that the request named.
///
/// What the page was loaded over can be told only as far as this process knows it: an `http` page is another site on a
/// connection that is encrypted up to here, but an `https` page may well arrive over a plain one, behind a proxy.
pub(crate) fn is_same_host<S: RequestScope>(origin: &str, scope: &S) -> bool {
    let Some(host) = scope.host() else {
        return false;
    };
    Url::split(origin).is_some_and(|origin| matches(&origin, host, scope.link().is_secure()))
}

fn matches(origin: &Url<'_>, host: &str, secure: bool) -> bool {
    let standard = match &*origin.scheme {
        "http" if !secure => 80,
        "https" => 443,
        _ => return false,
    };
    let (name, port) = split_authority(host);
    let named = match port {
        "" => Some(standard),
        port => parse_port(port),
    };
    !host.contains('@')
        && origin.host().is_some_and(|found| found == lower_case(name))
        && named.is_some()
        && origin.effective_port() == Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: &str, host: &str, secure: bool) -> bool {
        Url::split(origin).is_some_and(|origin| matches(&origin, host, secure))
    }

    #[test]
    fn host_and_port_have_to_be_equal() {
        for (origin, host, wanted) in [
            ("http://example.com", "example.com", true),
            ("http://EXAMPLE.com", "Example.COM", true),
            ("https://example.com", "example.com", true),
            ("https://example.com", "example.com:443", true),
            ("http://example.com:80", "example.com", true),
            ("http://localhost:3000", "localhost:3000", true),
            ("http://localhost:3000", "localhost:8000", false),
            ("http://localhost:3000", "localhost", false),
            ("https://example.com", "example.com:80", false),
            ("http://[::1]:8000", "[::1]:8000", true),
            ("http://www.example.com", "example.com", false),
            ("http://example.com.evil.com", "example.com", false),
            ("http://example.com@evil.com", "example.com", false),
            ("http://example.com", "user@example.com", false),
            ("http://example.com:abc", "example.com:abc", false),
            ("http://example.com:99999", "example.com:99999", false),
            ("chrome-extension://example.com", "example.com", false),
            ("null", "null", false),
            ("http://", "", false),
            ("", "", false),
        ] {
            assert_eq!(check(origin, host, false), wanted, "{origin} {host}");
        }
    }

    #[test]
    fn plain_page_is_another_site_on_an_encrypted_connection() {
        assert!(check("https://example.com", "example.com", true));
        assert!(!check("http://example.com", "example.com", true));
        assert!(!check("http://example.com:443", "example.com:443", true));
    }
}
