//! Django's path syntax: `chat/<slug:room>/`.

use std::fmt::Write;

use regex::Regex;

use super::{Captures, Extent, Segment, Shape};
use crate::converter::Kind;

/// Literal text and parameters in turn.
#[derive(Debug)]
pub(super) struct PathPattern {
    parts: Box<[Part]>,
    extent: Extent,
    /// Absent if one pass over the parts decides, which is so for nearly all patterns.
    regex: Option<Regex>,
}

/// A piece of a pattern.
#[derive(Debug)]
pub(crate) enum Part {
    Literal(Box<str>),
    Param {
        name: Box<str>,
        /// What it may be. A group of a regular expression has no kind.
        kind: Option<Kind>,
    },
}

impl Part {
    /// The name of a parameter.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param { name, .. } => Some(name),
        }
    }
}

impl PathPattern {
    /// A pattern made of parts. The error says what is wrong.
    pub(super) fn new(parts: Vec<Part>, extent: Extent) -> Result<Self, String> {
        let followers = parts.iter().skip(1).map(Some).chain([None]);
        let regex = if parts.iter().zip(followers).all(ends_where_it_must) {
            None
        } else {
            let regex = Regex::new(&to_regex(&parts, extent));
            Some(regex.map_err(|error| format!("is not possible: {error}"))?)
        };
        let parts = parts.into();
        Ok(Self {
            parts,
            extent,
            regex,
        })
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn matches<'a>(
        &'a self,
        path: &'a str,
        captures: &mut Captures<'a>,
    ) -> Option<usize> {
        match &self.regex {
            None => self.scan(path, captures),
            Some(regex) => self.search(regex, path, captures),
        }
    }

    fn scan<'a>(&'a self, path: &'a str, captures: &mut Captures<'a>) -> Option<usize> {
        let mut rest = path;
        for part in &self.parts {
            match part {
                Part::Literal(text) => rest = rest.strip_prefix(&**text)?,
                Part::Param { name, kind } => {
                    let (value, after) = rest.split_at(kind.as_ref()?.scan(rest)?);
                    captures.push((name, value));
                    rest = after;
                }
            }
        }
        let len = path.len() - rest.len();
        self.extent.allows(path, len).then_some(len)
    }

    fn search<'a>(
        &'a self,
        regex: &Regex,
        path: &'a str,
        captures: &mut Captures<'a>,
    ) -> Option<usize> {
        let found = regex.captures(path)?;
        for (at, part) in self.parts.iter().enumerate() {
            if let Part::Param { name, kind } = part {
                let value = found.name(&group_name(at))?.as_str();
                if !kind.as_ref()?.accepts(value) {
                    return None;
                }
                captures.push((name, value));
            }
        }
        let len = found.get(0)?.end();
        self.extent.allows(path, len).then_some(len)
    }

    pub(super) fn shape(&self) -> Shape {
        let mut shape = Shape::default();
        let mut segment = Segment::default();
        for part in &self.parts {
            match part {
                Part::Literal(text) => {
                    let mut pieces = text.split('/');
                    segment.push_str(pieces.next().unwrap_or_default());
                    for piece in pieces {
                        shape.segments.push(std::mem::take(&mut segment));
                        segment.push_str(piece);
                    }
                }
                Part::Param {
                    kind: Some(kind), ..
                } if kind.is_within_segment() => segment = Segment::Any,
                // How many segments it takes is not known.
                Part::Param { .. } => return shape,
            }
        }
        if self.extent == Extent::Whole {
            shape.segments.push(segment);
            shape.is_whole = true;
        }
        shape
    }
}

/// Whether the only way to match a part and its follower is to take all that the part can hold, so that the regular
/// expression's backtracking is never needed.
fn ends_where_it_must((part, next): (&Part, Option<&Part>)) -> bool {
    let Part::Param {
        kind: Some(kind), ..
    } = part
    else {
        return true;
    };
    match (kind.class(), next) {
        (None, _) => matches!(kind, Kind::Uuid),
        (Some(_), None) => true,
        (Some(class), Some(Part::Literal(text))) => {
            text.bytes().next().is_some_and(|byte| !class(byte))
        }
        (Some(_), Some(Part::Param { .. })) => false,
    }
}

/// What Django makes of the pattern.
fn to_regex(parts: &[Part], extent: Extent) -> String {
    let mut regex = String::from(r"\A");
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(text) => regex.push_str(&regex::escape(text)),
            Part::Param { kind, .. } => {
                let value = kind.as_ref().map_or("", Kind::regex);
                // Writing to a string cannot fail.
                let _ = write!(regex, "(?P<{}>{value})", group_name(at));
            }
        }
    }
    if extent == Extent::Whole {
        regex.push_str(r"\z");
    }
    regex
}

/// A name that a converter's own groups will not have.
fn group_name(part: usize) -> String {
    format!("_part{part}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::{prelude::*, sample::select};

    use super::{super::parse::parse, *};

    fn pattern(source: &str, extent: Extent) -> PathPattern {
        let converters = HashMap::from([(
            "pair".to_owned(),
            Kind::custom("(a|b)(?P<x>[/.])c?").unwrap(),
        )]);
        PathPattern::new(parse(source, &converters).unwrap(), extent).unwrap()
    }

    fn captures(source: &str, path: &str) -> Option<Vec<String>> {
        let pattern = pattern(source, Extent::Whole);
        let mut captures = Vec::new();
        pattern.matches(path, &mut captures)?;
        Some(
            captures
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    }

    #[test]
    fn parameters_that_run_into_each_other_match_as_in_django() {
        for (source, path, expected) in [
            ("<slug:a>-<int:b>/", "x-y-7/", ["a=x-y", "b=7"]),
            ("<int:a><int:b>", "123", ["a=12", "b=3"]),
            ("<path:a>/end/<b>", "x/end/end/y", ["a=x/end", "b=y"]),
            ("<str:a>.<str:b>", "a.tar.gz", ["a=a.tar", "b=gz"]),
            ("<pair:a><slug:b>", "b.c-", ["a=b.c", "b=-"]),
            ("<slug:b>/<pair:a>", "-/a/", ["b=-", "a=a/"]),
        ] {
            assert_eq!(
                captures(source, path).unwrap(),
                expected,
                "{source} on {path}"
            );
        }
        assert_eq!(captures("<str:a>.<u32:b>", "x.4294967296"), None);
    }

    #[test]
    fn shape_ends_where_segments_cannot_be_counted() {
        for (source, whole, prefix) in [
            ("", r#"[Literal("")]."#, "[]"),
            (
                "a/b/",
                r#"[Literal("a"), Literal("b"), Literal("")]."#,
                r#"[Literal("a"), Literal("b")]"#,
            ),
            ("a/v<int:x>", r#"[Literal("a"), Any]."#, r#"[Literal("a")]"#),
            ("<a>-x/b", r#"[Any, Literal("b")]."#, "[Any]"),
            ("a/b<path:p>/c", r#"[Literal("a")]"#, r#"[Literal("a")]"#),
        ] {
            for (extent, expected) in [(Extent::Whole, whole), (Extent::Prefix, prefix)] {
                let shape = pattern(source, extent).shape();
                let end = if shape.is_whole { "." } else { "" };
                assert_eq!(format!("{:?}{end}", shape.segments), expected, "{source}");
            }
        }
    }

    proptest! {
        #[test]
        fn one_pass_matches_what_the_regular_expression_matches(
            source in "(a|/|-|<(str|int|slug|path):#>|\\.){0,6}",
            path in "[a1/.-]{0,8}",
            extent in select(&[Extent::Whole, Extent::Prefix, Extent::Segments]),
        ) {
            let mut number = 0;
            let source: String = source.chars().map(|c| match c {
                '#' => { number += 1; format!("n{number}") }
                c => c.to_string(),
            }).collect();
            let parts = parse(&source, &HashMap::new()).unwrap();
            let regex = Regex::new(&to_regex(&parts, extent)).unwrap();
            let pattern = PathPattern::new(parts, extent).unwrap();

            let (mut scanned, mut searched) = (Vec::new(), Vec::new());
            let found = pattern.matches(&path, &mut scanned);
            let expected = pattern.search(&regex, &path, &mut searched);

            prop_assert_eq!(found, expected, "{} on {}", source, path);
            if found.is_some() {
                prop_assert_eq!(scanned, searched);
            }
        }
    }
}
