//! Other origins whose forms are taken.

use crate::{
    host::same_domain,
    url::{InvalidPattern, Url, lower_case},
};

/// Django's `CSRF_TRUSTED_ORIGINS`.
#[derive(Clone, Debug, Default)]
pub(super) struct Trusted(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    scheme: Box<str>,
    /// Host and port; with a leading dot also everything under it.
    authority: Box<str>,
    /// Whether the entry has a star.
    under: bool,
}

impl Trusted {
    /// Adds an entry.
    pub(super) fn add(&mut self, origin: &str) -> Result<(), InvalidPattern> {
        const WANTED: &str = "it has a scheme, a host and no more, such as https://example.com or https://*.example.com:8443";
        let lower = lower_case(origin);
        let split = lower.split_once("://");
        let (scheme, authority) = split
            .filter(|(_, authority)| is_sound(authority))
            .ok_or_else(|| InvalidPattern::new(origin, WANTED))?;
        self.0.push(Entry {
            scheme: scheme.into(),
            authority: authority.trim_start_matches('*').into(),
            under: authority.starts_with('*'),
        });
        Ok(())
    }

    /// Whether an `Origin` header is that of an entry.
    pub(super) fn has_origin(&self, origin: &str) -> bool {
        Url::split(origin).is_some_and(|url| {
            self.0.iter().any(|entry| {
                *entry.scheme == *url.scheme
                    && if entry.under {
                        same_domain(&url.authority, &entry.authority)
                    } else {
                        // No path, no user: nothing but the two.
                        origin.strip_prefix(&*entry.scheme)
                            == Some(&format!("://{}", entry.authority))
                    }
            })
        })
    }

    /// Whether an entry, of any scheme, has this host and port.
    pub(super) fn has_authority(&self, authority: &str) -> bool {
        self.0
            .iter()
            .any(|entry| same_domain(authority, &entry.authority))
    }
}

fn is_sound(authority: &str) -> bool {
    let host = authority.strip_prefix("*.").unwrap_or(authority);
    !host.is_empty() && !host.contains(['/', '?', '#', '@', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_trusted_as_in_django() {
        let mut trusted = Trusted::default();
        trusted.add("https://dashboard.example.com").unwrap();
        trusted.add("https://*.example.org:8443").unwrap();
        for (origin, wanted) in [
            ("https://dashboard.example.com", true),
            ("http://dashboard.example.com", false),
            ("https://dashboard.example.com:8443", false),
            ("https://dashboard.example.com/", false),
            ("https://x@dashboard.example.com", false),
            ("https://www.dashboard.example.com", false),
            ("https://a.b.example.org:8443", true),
            ("https://example.org:8443", true),
            ("https://a.example.org", false),
            ("https://badexample.org:8443", false),
            ("https://[bad", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(trusted.has_origin(origin), wanted, "{origin}");
        }
        assert!(trusted.has_authority("dashboard.example.com"));
        assert!(trusted.has_authority("a.example.org:8443"));
        assert!(!trusted.has_authority("evil.example"));
    }

    #[test]
    fn entry_that_can_match_nothing_is_an_error() {
        let mut trusted = Trusted::default();
        for entry in [
            "example.com",
            "https://example.com/",
            "https://",
            "*",
            "https://*",
            "",
        ] {
            assert!(trusted.add(entry).is_err(), "{entry}");
        }
    }
}
