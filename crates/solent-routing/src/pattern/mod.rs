//! Patterns for paths without their leading slash.

mod path;
mod regex;

use std::sync::Arc;

use solent_spec::request::UrlRoute;

pub(crate) use self::{path::PathPattern, regex::RegexPattern};

/// How much of a path a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// A beginning; the rest is for a nested router.
    Prefix,
}

/// A pattern in either syntax.
#[derive(Debug)]
pub(crate) enum Pattern {
    Path(PathPattern),
    Regex(RegexPattern),
}

/// A match: its length, and what it captured.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) len: usize,
    pub(crate) params: Vec<(Arc<str>, String)>,
    pub(crate) args: Vec<String>,
}

impl Pattern {
    pub(crate) fn matches(&self, path: &str, extent: Extent) -> Option<Match> {
        match self {
            Self::Path(pattern) => pattern.matches(path, extent),
            Self::Regex(pattern) => pattern.matches(path, extent),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Path(pattern) => pattern.as_str(),
            Self::Regex(pattern) => pattern.as_str(),
        }
    }

    /// The literal text that every match begins with.
    pub(crate) fn literal_prefix(&self) -> &str {
        match self {
            Self::Path(pattern) => pattern.literal_prefix(),
            Self::Regex(_) => "",
        }
    }
}

impl Match {
    /// Adds what was captured to what outer levels have.
    pub(crate) fn record(self, pattern: &str, route: &mut UrlRoute) {
        route.push_pattern(pattern);
        for (name, value) in self.params {
            route.push_param(name, value);
        }
        for value in self.args {
            route.push_arg(value);
        }
    }
}
