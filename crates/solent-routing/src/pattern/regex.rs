//! Regular expressions: `^archive/(?P<year>\d{4})/$`.

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind, Look};

use super::{Captures, Extent, Part};

/// A regular expression for paths.
///
/// As in Django it is searched for, not anchored, unless it says so; one that ends with `$` has to match the whole path.
/// Named groups give parameters, and only without any are unnamed ones kept.
#[derive(Debug)]
pub(super) struct RegexPattern {
    regex: Regex,
    /// Whether a match has to end where a segment does.
    is_mount: bool,
    /// The names of groups 1 and up that are kept; unnamed ones have an empty one.
    groups: Box<[(usize, Box<str>)]>,
    /// What every match begins with, for a match that is at the beginning of the path.
    literal_prefix: Box<str>,
    reverse: Option<Box<[Part]>>,
}

impl RegexPattern {
    /// Compiles a pattern; the error says what is wrong with it.
    pub(super) fn new(source: &str, extent: Extent) -> Result<Self, String> {
        if source.starts_with("^/") {
            return Err("never matches, leave out the slash that paths begin with".to_owned());
        }
        let searched = if extent == Extent::Whole && source.ends_with('$') {
            format!(r"\A(?:{source})\z")
        } else {
            source.to_owned()
        };
        let no_regex = |error: &dyn std::fmt::Display| format!("is no regular expression: {error}");
        let syntax = regex_syntax::parse(&searched).map_err(|error| no_regex(&error))?;
        let regex = Regex::new(&searched).map_err(|error| no_regex(&error))?;
        Ok(Self {
            groups: kept_groups(&regex),
            is_mount: extent == Extent::Segments,
            regex,
            literal_prefix: literal_prefix(&syntax).into(),
            reverse: reverse(&syntax).map(Into::into),
        })
    }

    pub(super) fn searched(&self) -> &str {
        self.regex.as_str()
    }

    pub(super) fn literal_prefix(&self) -> &str {
        &self.literal_prefix
    }

    pub(super) fn reverse(&self) -> Option<&[Part]> {
        self.reverse.as_deref()
    }

    pub(super) fn matches<'a>(
        &'a self,
        path: &'a str,
        captures: &mut Captures<'a>,
    ) -> Option<usize> {
        let len = self.search(path, captures)?;
        (!self.is_mount || Extent::Segments.allows(path, len)).then_some(len)
    }

    fn search<'a>(&'a self, path: &'a str, captures: &mut Captures<'a>) -> Option<usize> {
        if self.groups.is_empty() {
            return Some(self.regex.find(path)?.end());
        }
        let found = self.regex.captures(path)?;
        for (at, name) in &self.groups {
            match found.get(*at) {
                Some(value) => captures.push((name, value.as_str())),
                // Those that follow keep their places.
                None if name.is_empty() => captures.push(("", "")),
                None => {}
            }
        }
        Some(found.get(0)?.end())
    }
}

fn kept_groups(regex: &Regex) -> Box<[(usize, Box<str>)]> {
    let is_named = regex.capture_names().flatten().next().is_some();
    regex
        .capture_names()
        .enumerate()
        .skip(1)
        .filter(|(_, name)| name.is_some() == is_named)
        .map(|(at, name)| (at, name.unwrap_or_default().into()))
        .collect()
}

/// The literal text after a `^`.
fn literal_prefix(syntax: &Hir) -> String {
    let mut is_anchored = false;
    for part in concatenated(syntax) {
        match part.kind() {
            HirKind::Look(Look::Start) => is_anchored = true,
            HirKind::Literal(literal) if is_anchored => {
                // Bytes that are no text would come from an expression that matches no path.
                return std::str::from_utf8(&literal.0)
                    .unwrap_or_default()
                    .to_owned();
            }
            _ => break,
        }
    }
    String::new()
}

/// What a path can be made of: text and named groups. Django takes what may be left out as left out.
fn reverse(syntax: &Hir) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for part in concatenated(syntax) {
        match part.kind() {
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                parts.push(Part::Literal(text.into()));
            }
            HirKind::Capture(group) => parts.push(Part::Param {
                name: group.name.clone()?,
                kind: None,
            }),
            HirKind::Look(Look::Start | Look::End) | HirKind::Empty => {}
            HirKind::Repetition(repetition) if repetition.min == 0 => {}
            _ => return None,
        }
    }
    Some(parts)
}

fn concatenated(syntax: &Hir) -> &[Hir] {
    match syntax.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(source: &str) -> RegexPattern {
        RegexPattern::new(source, Extent::Whole).unwrap()
    }

    #[test]
    fn dollar_at_the_end_wants_the_whole_path() {
        let len = |source: &str, path: &str| whole(source).matches(path, &mut Vec::new());

        assert_eq!(len("bar/$", "bar/"), Some(4));
        assert_eq!(len("bar/$", "xx/bar/"), None);
        assert_eq!(len("a|ab$", "ab"), Some(2));
        assert_eq!(len("bar/", "xx/bar/yy"), Some(7));
        let nested = RegexPattern::new("bar/$", Extent::Prefix).unwrap();
        assert_eq!(nested.matches("xx/bar/", &mut Vec::new()), Some(7));
    }

    #[test]
    fn unnamed_group_without_a_match_keeps_its_place() {
        let pattern = whole(r"^(a)?(\d)$");
        let mut captures = Vec::new();

        pattern.matches("7", &mut captures).unwrap();

        assert_eq!(captures, [("", ""), ("", "7")]);
    }

    #[test]
    fn literal_prefix_is_what_every_match_begins_with() {
        for (source, prefix) in [
            (r"^ws/chat/(?P<room>\w+)/$", "ws/chat/"),
            (r"ws/chat/(?P<room>\w+)/$", "ws/chat/"),
            (r"ws/chat/", ""),
            (r"^a/b?", "a/"),
            (r"^a\.b$", "a.b"),
            (r"^a/x|^b/y", ""),
            (r"^(?:a/x|a/y)", "a/"),
            (r"(?i)^a/", ""),
            (r"^a/$|b", ""),
            (r"(?m)^a/b", ""),
            ("", ""),
        ] {
            let found = whole(source).literal_prefix;
            assert!(
                prefix.starts_with(&*found)
                    && (found.len() == prefix.len() || source.contains('|')),
                "{source}: {found}"
            );
        }
    }

    #[test]
    fn expression_that_cannot_match_or_compile_is_named() {
        for (source, what) in [("^/a/$", "never matches"), ("(", "no regular expression")] {
            let fault = RegexPattern::new(source, Extent::Whole).unwrap_err();
            assert!(fault.contains(what), "{fault}");
        }
    }
}
