//! Regular expressions: `^archive/(?P<year>\d{4})/$`.

use std::sync::Arc;

use regex::Regex;

use super::{Extent, Match};

/// A regular expression for paths.
///
/// As in Django it is searched for, not anchored, unless it says so; named groups give parameters, and only without any
/// are unnamed ones kept.
#[derive(Debug)]
pub(crate) struct RegexPattern {
    source: Arc<str>,
    regex: Regex,
    names: Vec<Option<Arc<str>>>,
}

impl RegexPattern {
    /// Compiles a pattern; the error says what is wrong with it.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let regex = Regex::new(source)
            .map_err(|error| format!("{source:?} is no regular expression: {error}"))?;
        let names = regex
            .capture_names()
            .map(|name| name.map(Into::into))
            .collect();
        Ok(Self {
            source: source.into(),
            regex,
            names,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.source
    }

    pub(crate) fn matches(&self, path: &str, extent: Extent) -> Option<Match> {
        let captures = self.regex.captures(path)?;
        let end = captures.get(0)?.end();
        if extent == Extent::Whole && self.source.ends_with('$') && end != path.len() {
            return None;
        }
        let mut found = Match {
            len: end,
            ..Match::default()
        };
        let is_named = self.names.iter().any(Option::is_some);
        for (name, value) in self.names.iter().zip(captures.iter()).skip(1) {
            match (name, value) {
                (Some(name), Some(value)) => found
                    .params
                    .push((Arc::clone(name), value.as_str().to_owned())),
                (None, Some(value)) if !is_named => found.args.push(value.as_str().to_owned()),
                _ => {}
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(source: &str, path: &str) -> Option<(usize, Vec<String>, Vec<String>)> {
        let found = RegexPattern::parse(source)
            .unwrap()
            .matches(path, Extent::Whole)?;
        let params = found
            .params
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Some((found.len, params, found.args))
    }

    #[test]
    fn expression_is_searched_for() {
        assert_eq!(matched("bar", "xx/bar/yy"), Some((6, vec![], vec![])));
        assert_eq!(matched("^bar", "xx/bar/yy"), None);
    }

    #[test]
    fn named_groups_drop_unnamed_ones() {
        let named = vec!["n=w".to_owned()];
        assert_eq!(
            matched(r"^mix/(\d+)/(?P<n>\w+)/$", "mix/1/w/"),
            Some((8, named, vec![]))
        );
        assert_eq!(
            matched(r"^posarg/(\d+)/$", "posarg/123/"),
            Some((11, vec![], vec!["123".into()]))
        );
    }

    #[test]
    fn optional_group_without_a_match_is_left_out() {
        assert_eq!(
            matched(r"^opt/(?P<o>\d+)?$", "opt/"),
            Some((4, vec![], vec![]))
        );
    }

    #[test]
    fn faulty_expression_is_named() {
        assert!(
            RegexPattern::parse("(")
                .unwrap_err()
                .contains("\"(\" is no regular expression")
        );
    }
}
