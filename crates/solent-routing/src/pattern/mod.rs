//! Patterns for paths without their leading slashes.

mod parse;
mod path;
mod regex;
mod shape;

use std::{collections::HashMap, sync::Arc};

pub(crate) use self::{
    path::Part,
    shape::{Segment, Shape},
};
use self::{path::PathPattern, regex::RegexPattern};
use crate::converter::Kind;

/// How much of a path a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// A beginning, as in Django's `include`: the rest, which is for a nested router, may begin within a segment.
    Prefix,
    /// Whole segments from the beginning; the rest is for a mounted application. `axum` matches `axum` and `axum/x`, and
    /// not `axum2`.
    Segments,
}

impl Extent {
    /// Whether a match of the first `len` bytes of a path is one.
    fn allows(self, path: &str, len: usize) -> bool {
        match self {
            Self::Whole => len == path.len(),
            Self::Prefix => true,
            Self::Segments => {
                let (matched, rest) = path.split_at(len);
                rest.is_empty()
                    || matched.is_empty()
                    || matched.ends_with('/')
                    || rest.starts_with('/')
            }
        }
    }
}

/// What patterns captured: names and values, outer levels first. A capture without a name has an empty one.
pub(crate) type Captures<'a> = Vec<(&'a str, &'a str)>;

/// A pattern in either syntax.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: Arc<str>,
    syntax: Syntax,
}

#[derive(Debug)]
enum Syntax {
    Path(PathPattern),
    Regex(Box<RegexPattern>),
}

impl Pattern {
    /// A pattern in Django's path syntax. The error says what is wrong with it.
    pub(crate) fn path(
        source: &str,
        converters: &HashMap<String, Kind>,
        extent: Extent,
    ) -> Result<Self, String> {
        let source = source.trim_start_matches('/');
        parse::parse(source, converters)
            .and_then(|parts| PathPattern::new(parts, extent))
            .map(|pattern| Self::new(source, Syntax::Path(pattern)))
            .map_err(|fault| format!("{source:?} {fault}"))
    }

    /// A regular expression. The error says what is wrong with it.
    pub(crate) fn regex(source: &str, extent: Extent) -> Result<Self, String> {
        RegexPattern::new(source, extent)
            .map(|pattern| Self::new(source, Syntax::Regex(pattern.into())))
            .map_err(|fault| format!("{source:?} {fault}"))
    }

    fn new(source: &str, syntax: Syntax) -> Self {
        Self {
            source: source.into(),
            syntax,
        }
    }

    /// The pattern as it was written.
    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The length of the match, if there is one. Captures are added to those of outer levels; what is there after a
    /// failure is of no meaning.
    pub(crate) fn matches<'a>(
        &'a self,
        path: &'a str,
        captures: &mut Captures<'a>,
    ) -> Option<usize> {
        match &self.syntax {
            Syntax::Path(pattern) => pattern.matches(path, captures),
            Syntax::Regex(pattern) => pattern.matches(path, captures),
        }
    }

    /// What every match looks like, for the index.
    pub(crate) fn shape(&self) -> Shape {
        match &self.syntax {
            Syntax::Path(pattern) => pattern.shape(),
            Syntax::Regex(pattern) => Shape::of_prefix(pattern.literal_prefix()),
        }
    }

    /// The expression that is searched for in a path, if the pattern is one.
    pub(crate) fn searched(&self) -> Option<&str> {
        match &self.syntax {
            Syntax::Path(_) => None,
            Syntax::Regex(pattern) => Some(pattern.searched()),
        }
    }

    /// Literal text and parameters in turn, to make a path of; `None` if that cannot be done.
    pub(crate) fn reverse(&self) -> Option<&[Part]> {
        match &self.syntax {
            Syntax::Path(pattern) => Some(pattern.parts()),
            Syntax::Regex(pattern) => pattern.reverse(),
        }
    }
}
