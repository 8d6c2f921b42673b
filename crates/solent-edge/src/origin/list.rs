//! A list of origins.

use super::pattern::OriginPattern;
use crate::url::{InvalidPattern, Url};

/// Patterns, of which an origin has to match one.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginList(Vec<OriginPattern>);

impl OriginList {
    /// The origins of these hosts.
    pub(super) fn of_hosts(hosts: &[Box<str>]) -> Self {
        Self(
            hosts
                .iter()
                .map(|host| OriginPattern::of_host(host))
                .collect(),
        )
    }

    /// Adds a pattern.
    pub(crate) fn add(&mut self, pattern: &str) -> Result<(), InvalidPattern> {
        self.0.push(OriginPattern::new(pattern)?);
        Ok(())
    }

    /// Whether `*` is one of them.
    pub(crate) fn has_any(&self) -> bool {
        self.0.iter().any(OriginPattern::is_any)
    }

    /// Whether an `Origin` header matches. What is no URL matches nothing, not even `*`.
    pub(crate) fn matches(&self, origin: &str) -> bool {
        let listed = |url: Url<'_>| self.0.iter().any(|pattern| pattern.matches(&url));
        !self.0.is_empty() && Url::split(origin).is_some_and(listed)
    }
}
