//! Django's path syntax: `chat/<slug:room>/`.

use std::{collections::HashMap, sync::Arc};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;

use super::{Extent, Match};
use crate::{converter::Kind, error::UrlError};

/// Literal text and parameters in turn.
#[derive(Debug)]
pub(crate) struct PathPattern {
    source: Arc<str>,
    parts: Vec<Part>,
    matcher: Matcher,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Param { name: Arc<str>, kind: Kind },
}

#[derive(Debug)]
enum Matcher {
    /// Each parameter ends where the first byte comes that it cannot hold, so that one pass decides.
    Scan,
    /// A parameter can hold what follows it.
    Regex { whole: Regex, prefix: Regex },
}

/// What a path keeps of RFC 3986's reserved characters.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

impl PathPattern {
    /// Parses a pattern; the error says what is wrong with it.
    pub(crate) fn parse(source: &str, custom: &HashMap<String, Kind>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(start) = rest.find('<') {
            push_literal(&mut parts, &rest[..start]);
            let end = rest[start..]
                .find('>')
                .ok_or_else(|| fault(source, "has a \"<\" without a \">\""))?
                + start;
            let param =
                parse_param(&rest[start + 1..end], custom).map_err(|what| fault(source, &what))?;
            if names(&parts)
                .any(|name| matches!(&param, Part::Param { name: new, .. } if name == new))
            {
                return Err(fault(source, "has two parameters with one name"));
            }
            parts.push(param);
            rest = &rest[end + 1..];
        }
        push_literal(&mut parts, rest);
        let matcher = Matcher::of(&parts).map_err(|error| fault(source, &error.to_string()))?;
        Ok(Self {
            source: source.into(),
            parts,
            matcher,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.source
    }

    pub(crate) fn literal_prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn matches(&self, path: &str, extent: Extent) -> Option<Match> {
        let found = match &self.matcher {
            Matcher::Scan => self.scan(path)?,
            Matcher::Regex { whole, prefix } => {
                let regex = if extent == Extent::Whole {
                    whole
                } else {
                    prefix
                };
                self.search(regex, path)?
            }
        };
        (extent == Extent::Prefix || found.len == path.len()).then_some(found)
    }

    fn scan(&self, path: &str) -> Option<Match> {
        let mut found = Match::default();
        for part in &self.parts {
            let rest = &path[found.len..];
            match part {
                Part::Literal(text) => {
                    rest.strip_prefix(text.as_str())?;
                    found.len += text.len();
                }
                Part::Param { name, kind } => {
                    let value = &rest[..kind.scan(rest)?];
                    found.len += value.len();
                    found.params.push((Arc::clone(name), value.to_owned()));
                }
            }
        }
        Some(found)
    }

    fn search(&self, regex: &Regex, path: &str) -> Option<Match> {
        let captures = regex.captures(path)?;
        let mut found = Match {
            len: captures.get(0)?.end(),
            ..Match::default()
        };
        for (part, value) in params(&self.parts).zip(captures.iter().skip(1)) {
            let value = value?.as_str();
            if !part.1.accepts(value) {
                return None;
            }
            found.params.push((Arc::clone(part.0), value.to_owned()));
        }
        Some(found)
    }

    /// The path for values of the parameters, percent-encoded, without a leading slash.
    pub(crate) fn url(&self, route: &str, values: &[(&str, &str)]) -> Result<String, UrlError> {
        let mut url = String::new();
        for part in &self.parts {
            let text = match part {
                Part::Literal(text) => text.as_str(),
                Part::Param { name, kind } => {
                    let missing = || UrlError::Missing {
                        route: route.into(),
                        param: name.to_string(),
                    };
                    let (_, value) = values
                        .iter()
                        .find(|(known, _)| *known == &**name)
                        .ok_or_else(missing)?;
                    if !kind.is_whole(value) {
                        let (route, param, value) =
                            (route.into(), name.to_string(), (*value).into());
                        return Err(UrlError::Invalid {
                            route,
                            param,
                            value,
                        });
                    }
                    value
                }
            };
            url.extend(utf8_percent_encode(text, PATH));
        }
        Ok(url)
    }
}

impl Kind {
    /// The length of the longest value that `text` begins with.
    fn scan(&self, text: &str) -> Option<usize> {
        let len = match self.class() {
            Some(class) => text
                .bytes()
                .position(|byte| !class(byte))
                .unwrap_or(text.len()),
            None => scan_uuid(text)?,
        };
        (len > 0 && self.accepts(&text[..len])).then_some(len)
    }

    /// Whether `text` as a whole is a value.
    fn is_whole(&self, text: &str) -> bool {
        match self {
            Self::Custom(converter) => {
                Regex::new(&format!("^(?:{})$", converter.regex()))
                    .is_ok_and(|regex| regex.is_match(text))
                    && converter.accepts(text)
            }
            _ => self.scan(text) == Some(text.len()),
        }
    }
}

/// The canonical form: lower case, with dashes.
fn scan_uuid(text: &str) -> Option<usize> {
    const LEN: usize = 36;
    let candidate = text.as_bytes().get(..LEN)?;
    let canonical = candidate.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    canonical.then_some(LEN)
}

impl Matcher {
    fn of(parts: &[Part]) -> Result<Self, regex::Error> {
        if parts
            .iter()
            .enumerate()
            .all(|(at, part)| is_scannable(part, parts.get(at + 1)))
        {
            return Ok(Self::Scan);
        }
        let source: String = parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => regex::escape(text),
                // Groups inside a converter would shift the captures; they are taken by position.
                Part::Param { kind, .. } => format!("({})", without_groups(kind.regex())),
            })
            .collect();
        Ok(Self::Regex {
            whole: Regex::new(&format!("^{source}$"))?,
            prefix: Regex::new(&format!("^{source}"))?,
        })
    }
}

/// Whether taking all that a parameter can hold is the only way to match what follows it.
fn is_scannable(part: &Part, next: Option<&Part>) -> bool {
    let Part::Param { kind, .. } = part else {
        return true;
    };
    match (kind, kind.class(), next) {
        (Kind::Uuid, ..) => true,
        (Kind::Custom(_), ..) | (_, None, _) => false,
        (_, _, None) => true,
        (_, Some(class), Some(Part::Literal(text))) => {
            text.bytes().next().is_some_and(|byte| !class(byte))
        }
        (_, _, Some(Part::Param { .. })) => false,
    }
}

fn without_groups(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let (mut escaped, mut class) = (false, false);
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class && chars.peek() != Some(&'?') => out.push_str("?:"),
            _ => {}
        }
    }
    out
}

fn parse_param(text: &str, custom: &HashMap<String, Kind>) -> Result<Part, String> {
    let (kind, name) = text.split_once(':').unwrap_or(("str", text));
    if text.contains(char::is_whitespace) {
        return Err(format!("has white space in <{text}>"));
    }
    if !is_identifier(name) {
        return Err(format!("has a parameter {name:?}, which is no identifier"));
    }
    let kind = custom.get(kind).cloned().or_else(|| Kind::built_in(kind));
    let kind = kind.ok_or_else(|| {
        format!("has an unknown converter in <{text}>, register it with `converter` first")
    })?;
    Ok(Part::Param {
        name: name.into(),
        kind,
    })
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

fn params(parts: &[Part]) -> impl Iterator<Item = (&Arc<str>, &Kind)> {
    parts.iter().filter_map(|part| match part {
        Part::Param { name, kind } => Some((name, kind)),
        Part::Literal(_) => None,
    })
}

fn names(parts: &[Part]) -> impl Iterator<Item = &Arc<str>> {
    params(parts).map(|(name, _)| name)
}

fn fault(source: &str, what: &str) -> String {
    format!("{source:?} {what}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(source: &str) -> PathPattern {
        PathPattern::parse(source, &HashMap::new()).unwrap()
    }

    fn captures(source: &str, path: &str) -> Option<Vec<String>> {
        let found = pattern(source).matches(path, Extent::Whole)?;
        Some(
            found
                .params
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    }

    #[test]
    fn converters_match_what_djangos_match() {
        const UUID: &str = "075194d3-6885-417e-a8a8-6c931e272f00";
        assert_eq!(
            captures("a/<int:x>/<slug:y>/", "a/012/b-c_D/"),
            Some(vec!["x=012".into(), "y=b-c_D".into()])
        );
        assert_eq!(captures("a/<int:x>/<slug:y>/", "a/-1/x/"), None);
        assert_eq!(
            captures("<uuid:z>/", &format!("{UUID}/")),
            Some(vec![format!("z={UUID}")])
        );
        assert_eq!(
            captures("<uuid:z>/", &format!("{}/", UUID.to_uppercase())),
            None
        );
        assert_eq!(
            captures("p/<path:rest>", "p/a/b/c"),
            Some(vec!["rest=a/b/c".into()])
        );
        assert_eq!(captures("p/<path:rest>", "p/"), None);
        assert_eq!(captures("<name>/", "é ü/"), Some(vec!["name=é ü".into()]));
        assert_eq!(captures("<name>/", "/"), None);
        assert_eq!(captures("foo/", "foo"), None);
        assert_eq!(captures("", ""), Some(vec![]));
    }

    #[test]
    fn parameters_that_run_into_each_other_still_match() {
        assert_eq!(
            captures("<slug:a>-<int:b>/", "x-y-7/"),
            Some(vec!["a=x-y".into(), "b=7".into()])
        );
        assert_eq!(
            captures("<path:a>/end/", "x/y/end/"),
            Some(vec!["a=x/y".into()])
        );
    }

    #[test]
    fn prefix_leaves_the_rest() {
        let found = pattern("o/<int:a>/")
            .matches("o/1/in/2/", Extent::Prefix)
            .unwrap();

        assert_eq!((found.len, &*found.params[0].1), (4, "1"));
    }

    #[test]
    fn faults_are_named() {
        for (source, what) in [
            ("<int:a", "without"),
            ("<int: a>", "white space"),
            ("<int:1a>", "no identifier"),
            ("<float:a>", "unknown converter"),
            ("<a>/<a>", "two parameters"),
        ] {
            let error = PathPattern::parse(source, &HashMap::new()).unwrap_err();
            assert!(error.contains(what) && error.contains(source), "{error}");
        }
    }

    #[test]
    fn groups_of_converters_do_not_shift_captures() {
        assert_eq!(without_groups(r"(a|b)\([(](?:c)"), r"(?:a|b)\([(](?:c)");
    }

    proptest! {
        #[test]
        fn url_matches_its_own_pattern(slug in "[-a-zA-Z0-9_]{1,9}", n: u32, text in "[^/\n]{1,9}", rest in "[^\n]{1,9}") {
            let pattern = pattern("x/<slug:s>/<int:n>/<t>/<path:p>");
            let n = n.to_string();
            let values = [("s", &*slug), ("n", &*n), ("t", &*text), ("p", &*rest)];

            let url = pattern.url("r", &values).unwrap();
            let decoded = percent_encoding::percent_decode_str(&url).decode_utf8().unwrap();
            let found = pattern.matches(&decoded, Extent::Whole).unwrap();

            for ((name, value), (expected_name, expected)) in found.params.iter().zip(values) {
                prop_assert_eq!((&**name, &**value), (expected_name, expected));
            }
        }
    }
}
