//! One entry of a list of origins.

use std::fmt;

use crate::host::same_domain;
use crate::url::{InvalidPattern, Url};

/// One entry of a list of origins, read once.
///
/// It decides as `OriginValidator` of Channels does; where that fails on an origin, this refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OriginPattern {
    /// As it was written.
    source: Box<str>,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Every origin, also none.
    Any,
    /// A host, with any scheme and port.
    Host(Box<str>),
    /// A whole origin.
    Origin {
        scheme: Box<str>,
        host: Box<str>,
        /// With the scheme's own one filled in; absent for a scheme that implies none.
        port: Option<u16>,
    },
}

impl OriginPattern {
    /// Reads an entry.
    pub(super) fn new(source: &str) -> Result<Self, InvalidPattern> {
        match Rule::read(source) {
            Ok(rule) => Ok(Self {
                rule,
                source: source.into(),
            }),
            Err(reason) => Err(InvalidPattern::new(source, reason)),
        }
    }

    /// The entry for one of [`AllowedHosts`](crate::AllowedHosts).
    pub(super) fn of_host(host: &str) -> Self {
        let rule = match host {
            "*" => Rule::Any,
            host => Rule::Host(host.trim_matches(['[', ']']).into()),
        };
        Self {
            rule,
            source: host.into(),
        }
    }

    /// Whether the pattern is `*`.
    pub(super) fn is_any(&self) -> bool {
        self.rule == Rule::Any
    }

    pub(super) fn matches(&self, origin: &Url<'_>) -> bool {
        match &self.rule {
            Rule::Any => true,
            Rule::Host(pattern) => origin
                .host()
                .is_some_and(|host| same_domain(&host, pattern)),
            Rule::Origin { scheme, host, port } => {
                origin.scheme == **scheme
                    && origin.effective_port() == Ok(*port)
                    && origin.host().is_some_and(|found| same_domain(&found, host))
            }
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Rule {
    fn read(source: &str) -> Result<Self, &'static str> {
        if source == "*" {
            return Ok(Self::Any);
        }
        let source = source.to_lowercase();
        match Url::split(&source) {
            None => Err("brackets are for IPv6 addresses only"),
            Some(url) if url.scheme.is_empty() => Self::host(&source),
            Some(url) => Self::origin(&url),
        }
    }

    fn host(source: &str) -> Result<Self, &'static str> {
        let authority = format!("//{source}");
        let Some(host) = Url::split(&authority).and_then(|url| url.host().map(Box::from)) else {
            return Err("it names no host");
        };
        Self::unless_starred(&host, || Self::Host(host.clone()))
    }

    fn origin(url: &Url<'_>) -> Result<Self, &'static str> {
        let Some(host) = url.host() else {
            return Err("it names no host; one with a port needs a scheme in front");
        };
        let Ok(port) = url.effective_port() else {
            return Err("its port is not a number up to 65535");
        };
        Self::unless_starred(&host, || Self::Origin {
            scheme: url.scheme.as_ref().into(),
            host: host.as_ref().into(),
            port,
        })
    }

    fn unless_starred(host: &str, rule: impl FnOnce() -> Self) -> Result<Self, &'static str> {
        if host.contains('*') {
            Err("subdomains are written with a leading dot, without a star")
        } else {
            Ok(rule())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_that_matches_nothing_knows_why() {
        for source in [
            "",
            "*.example.com",
            "http://*",
            "//example.com",
            "example.com:8000",
            "http://[bad",
            "http://example.com:abc",
        ] {
            assert!(OriginPattern::new(source).is_err(), "{source}");
        }
        for source in ["*", "example.com", ".example.com", "[::1]", "tauri://x"] {
            assert!(OriginPattern::new(source).is_ok(), "{source}");
        }
    }
}
