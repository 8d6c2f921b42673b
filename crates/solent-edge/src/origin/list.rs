//! A list of origins.

use super::pattern::OriginPattern;
use crate::url::Url;

/// Patterns, of which an origin has to match one.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginList(Vec<OriginPattern>);

impl OriginList {
    /// Adds a pattern. One that can match nothing is told to the log.
    pub(crate) fn add(&mut self, pattern: &str) {
        let pattern = OriginPattern::new(pattern);
        if let Some(mistake) = pattern.mistake() {
            tracing::warn!(target: "solent::edge", %pattern, "origin pattern matches nothing: {mistake}");
        }
        self.0.push(pattern);
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
