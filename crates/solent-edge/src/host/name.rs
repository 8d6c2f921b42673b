//! The host that a request names.

use std::borrow::Cow;

use super::same_domain;
use crate::url::lower_case;

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
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        /// A `Host` header, its domain, and patterns.
        hosts: Vec<(String, Option<String>, Vec<String>)>,
    }

    #[test]
    fn hosts_are_split_as_django_splits_them() {
        let vectors = include_str!("../../tests/it/vectors/django_request_vectors.json");
        let vectors: Vectors = serde_json::from_str(vectors).unwrap();
        assert!(vectors.hosts.len() > 30);
        for (host, domain, _) in vectors.hosts {
            assert_eq!(domain_of(&host).as_deref(), domain.as_deref(), "{host:?}");
        }
    }

    proptest! {
        #[test]
        fn no_host_panics(host in "\\PC{0,20}|[a-f0-9.:\\[\\]-]{0,12}") {
            domain_of(&host);
        }
    }
}
