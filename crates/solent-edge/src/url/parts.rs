//! URLs, as far as an origin needs them.

use std::{borrow::Cow, net::Ipv6Addr, str::FromStr};

use super::lower_case;

/// A URL's scheme and authority, split as Python's `urllib.parse` splits them, on which Django's and Channels' checks
/// stand. What that refuses is no URL here either.
///
/// Nothing is decoded: a host with escapes in it is another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// In lower case; empty without one.
    pub(crate) scheme: Cow<'a, str>,
    /// User, host and port as they stand there; empty without them.
    pub(crate) authority: Cow<'a, str>,
}

/// A port that is no number up to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidPort;

impl<'a> Url<'a> {
    /// Splits a URL; `None` if its brackets do not enclose an IPv6 address.
    pub(crate) fn split(url: &'a str) -> Option<Self> {
        let url = url.trim_start_matches(|c: char| c <= ' ');
        if url.contains(['\t', '\r', '\n']) {
            let url = url.replace(['\t', '\r', '\n'], "");
            return Url::split_clean(&url).map(Url::into_owned);
        }
        Self::split_clean(url)
    }

    fn split_clean(url: &'a str) -> Option<Self> {
        let (scheme, rest) = split_scheme(url);
        let authority = rest.strip_prefix("//").map_or("", |rest| {
            rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end])
        });
        if !brackets_are_sound(authority) {
            return None;
        }
        Some(Self {
            scheme: lower_case(scheme),
            authority: authority.into(),
        })
    }

    /// The host in lower case, without the brackets of an IPv6 address; `None` if it is absent or empty.
    pub(crate) fn host(&self) -> Option<Cow<'_, str>> {
        let (host, _) = split_authority(&self.authority);
        (!host.is_empty()).then(|| match host.split_once('%') {
            // The zone of an address keeps its case.
            Some((address, zone)) => format!("{}%{zone}", address.to_lowercase()).into(),
            None => lower_case(host),
        })
    }

    /// The port, if one is named.
    pub(crate) fn port(&self) -> Result<Option<u16>, InvalidPort> {
        match split_authority(&self.authority) {
            (_, "") => Ok(None),
            (_, port) => parse_port(port).map(Some).ok_or(InvalidPort),
        }
    }

    /// The port, or else that of the scheme, where the scheme is one of the Web's.
    pub(crate) fn effective_port(&self) -> Result<Option<u16>, InvalidPort> {
        Ok(self.port()?.or_else(|| default_port(&self.scheme)))
    }

    fn into_owned(self) -> Url<'static> {
        Url {
            scheme: self.scheme.into_owned().into(),
            authority: self.authority.into_owned().into(),
        }
    }
}

/// The port that a scheme implies.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// The host and the port of an authority, or of a `Host` header: without a user, without brackets, either of them
/// empty if it is absent.
pub(crate) fn split_authority(authority: &str) -> (&str, &str) {
    let (_, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    match address.split_once('[') {
        Some((_, bracketed)) => {
            let (host, rest) = bracketed.split_once(']').unwrap_or((bracketed, ""));
            (host, rest.split_once(':').map_or("", |(_, port)| port))
        }
        None => address.split_once(':').unwrap_or((address, "")),
    }
}

/// Reads a port of decimal digits, of which there may be too many in front.
pub(crate) fn parse_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    // `u16` reads a sign as well, a port has none.
    if digits {
        u16::from_str(port).ok()
    } else {
        None
    }
}

fn split_scheme(url: &str) -> (&str, &str) {
    let Some((scheme, rest)) = url.split_once(':') else {
        return ("", url);
    };
    let letter = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let sound = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if letter && scheme.chars().all(sound) {
        (scheme, rest)
    } else {
        ("", url)
    }
}

fn brackets_are_sound(authority: &str) -> bool {
    if !authority.contains(['[', ']']) {
        return true;
    }
    let (_, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let Some((host, rest)) = address
        .strip_prefix('[')
        .and_then(|address| address.split_once(']'))
    else {
        return false;
    };
    (rest.is_empty() || rest.starts_with(':')) && (is_ipv6(host) || is_future(host))
}

fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "zone"));
    Ipv6Addr::from_str(address).is_ok() && !zone.is_empty() && !zone.contains('%')
}

/// `v`, a version in hexadecimal, a dot and anything: RFC 3986 §3.2.2.
fn is_future(host: &str) -> bool {
    let version = host.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    version.is_some_and(|(version, address)| {
        !version.is_empty() && version.bytes().all(|b| b.is_ascii_hexdigit()) && !address.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Scheme, host and port.
    type Parts = (String, Option<String>, Result<Option<u16>, InvalidPort>);

    fn parts(url: &str) -> Option<Parts> {
        let url = Url::split(url)?;
        let host = url.host().map(Cow::into_owned);
        Some((url.scheme.clone().into_owned(), host, url.port()))
    }

    #[test]
    fn urls_are_split_as_python_splits_them() {
        let table = include_str!("../../tests/it/vectors/url_vectors.json");
        let rows: Vec<(String, Option<serde_json::Value>)> = serde_json::from_str(table).unwrap();
        assert!(rows.len() > 100);
        for (url, wanted) in rows {
            let got = parts(&url).map(|(scheme, host, port)| {
                let port =
                    port.map_or(serde_json::json!("invalid"), |port| serde_json::json!(port));
                serde_json::json!([scheme, host, port])
            });
            assert_eq!(got, wanted, "{url:?}");
        }
    }

    #[test]
    fn port_is_a_number_in_range() {
        for (port, wanted) in [
            ("80", Some(80)),
            ("00080", Some(80)),
            ("0", Some(0)),
            ("65535", Some(65535)),
            ("65536", None),
            ("99999999999999999999", None),
            ("+80", None),
            ("-1", None),
            ("٣", None),
            (" 80", None),
        ] {
            assert_eq!(parse_port(port), wanted, "{port}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_peer_sends_panics(url in "\\PC*") {
            parts(&url);
        }

        #[test]
        fn what_looks_like_a_url_does_not_panic(
            url in "[ \t]{0,2}[a-zA-Z:+.]{0,5}[:/]{0,4}[@\\[\\]a-fv:.%0-9ÄÉ\u{a0}]{0,20}[/?#]?.{0,4}"
        ) {
            parts(&url);
        }

        #[test]
        fn host_and_port_of_a_sound_url_are_found(
            scheme in "https?|wss?",
            user in "(u(:p)?@)?",
            host in "[a-z0-9-]{1,9}(\\.[a-z]{1,4}){0,2}|\\[::[0-9a-f]{1,4}\\]",
            port in proptest::option::of(any::<u16>()),
            rest in "(/.{0,9})?",
        ) {
            let named = port.map(|port| format!(":{port}")).unwrap_or_default();
            let got = parts(&format!("{scheme}://{user}{host}{named}{rest}"));
            let bare = host.trim_matches(['[', ']']).to_owned();
            prop_assert_eq!(got, Some((scheme, Some(bare), Ok(port))));
        }
    }
}
