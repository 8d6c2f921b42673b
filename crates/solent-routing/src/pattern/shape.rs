//! What all matches of a pattern have in common.

/// The segments that every match begins with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) segments: Vec<Segment>,
    /// Whether nothing comes after them.
    pub(crate) is_whole: bool,
}

/// What is between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Exactly this.
    Literal(String),
    /// Anything; the pattern itself has to tell.
    Any,
}

impl Shape {
    /// The shape of a pattern whose matches all begin with `text`.
    pub(super) fn of_prefix(text: &str) -> Self {
        let mut segments: Vec<_> = text
            .split('/')
            .map(|segment| Segment::Literal(segment.to_owned()))
            .collect();
        // The last one may go on.
        segments.pop();
        Self {
            segments,
            is_whole: false,
        }
    }
}

impl Segment {
    /// Adds literal text.
    pub(super) fn push_str(&mut self, text: &str) {
        if let Self::Literal(literal) = self {
            literal.push_str(text);
        }
    }
}

impl Default for Segment {
    fn default() -> Self {
        Self::Literal(String::new())
    }
}
