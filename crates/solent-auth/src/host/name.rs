//! The host that a request names.

use std::borrow::Cow;

use super::same_domain;
use crate::origin::lower_case;

/// The domain or address of a `Host` header in lower case, without its port and without the dot that may end it; `None`
/// if the header is not a host. Addresses of version 6 keep their brackets. Django's `split_domain_port`.
pub(super) fn domain_of(host: &str) -> Option<Cow<'_, str>> {
    let split = match host.rfind([':', ']']) {
        Some(end) if host.as_bytes()[end] == b':' => (&host[..end], Some(&host[end + 1..])),
        _ => (host, None),
    };
    let (domain, port) = split;
    let port_is_sound =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if !port_is_sound || !(is_domain(domain) || is_address(domain)) {
        return None;
    }
    Some(lower_case(domain.strip_suffix('.').unwrap_or(domain))).filter(|domain| !domain.is_empty())
}

/// Whether `domain` is what one of `patterns` says.
pub(super) fn is_listed(domain: &str, patterns: &[Box<str>]) -> bool {
    patterns
        .iter()
        .any(|pattern| &**pattern == "*" || same_domain(domain, pattern))
}

fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

fn is_address(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .and_then(|text| text.split_once(':'))
        .is_some_and(|(first, rest)| {
            !rest.is_empty()
                && first.bytes().all(|b| b.is_ascii_hexdigit())
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':'))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_split_as_django_splits_them() {
        for (host, wanted) in [
            ("example.com", Some("example.com")),
            ("Example.COM:8000", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("example.com.:80", Some("example.com")),
            ("12.34.56.78:443", Some("12.34.56.78")),
            (
                "[2001:19f0:feee::dead:beef:cafe]:8080",
                Some("[2001:19f0:feee::dead:beef:cafe]"),
            ),
            ("[::FFFF:169.254.169.254]", Some("[::ffff:169.254.169.254]")),
            ("xn--4ca9at.com", Some("xn--4ca9at.com")),
            ("anything.multitenant.com", Some("anything.multitenant.com")),
            ("example.com@evil.tld", None),
            ("example.com:dr.frankenstein@evil.tld", None),
            ("example.com:80/badpath", None),
            ("example.com: recovermypassword.com", None),
            ("example.com:", None),
            ("example.com:80:80", None),
            ("::1", None),
            ("[::1", None),
            ("[]", None),
            ("[:]", None),
            ("[::1]x", None),
            ("ex_ample.com", None),
            ("exämple.com", None),
            (".", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(domain_of(host).as_deref(), wanted, "{host}");
        }
    }

    proptest! {
        #[test]
        fn no_host_panics(host in "\\PC{0,20}|[a-f0-9.:\\[\\]-]{0,12}") {
            domain_of(&host);
        }
    }
}
