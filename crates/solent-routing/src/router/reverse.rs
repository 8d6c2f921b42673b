//! From a route's name to a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use solent_spec::HttpProtocol;

use super::{Route, Router, Target, UrlError};
use crate::pattern::{Captures, Part};

/// What stays as it is: the characters that RFC 3986 §3.3 allows in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// A named route and the values to fill it with.
struct Reversal<'a, P: HttpProtocol> {
    name: &'a str,
    values: &'a [(&'a str, &'a str)],
    /// The way to the route, outermost first.
    levels: Vec<&'a Route<P>>,
}

impl<P: HttpProtocol> Router<P> {
    /// The path of a named route for values of its parameters: percent-encoded, with a leading slash, without a root
    /// path. Names of nested routers are prefixed with the name of the nesting, if it has one, and a colon:
    /// `"api:room"`. A value goes to every level that has the parameter.
    ///
    /// # Errors
    ///
    /// An unknown name, a value that is missing, too much or impossible, or a route that cannot be reversed. The path is
    /// matched before it is returned, so that a link never says something else than what was put into it.
    pub fn url_for(&self, name: &str, values: &[(&str, &str)]) -> Result<String, UrlError> {
        let levels = self
            .way_to(name)
            .ok_or_else(|| UrlError::NoRoute(name.to_owned()))?;
        let reversal = Reversal {
            name,
            values,
            levels,
        };
        let path = reversal.path()?;
        Ok(format!("/{}", utf8_percent_encode(&path, PATH)))
    }

    fn way_to(&self, name: &str) -> Option<Vec<&Route<P>>> {
        let mut router = self;
        let mut levels = Vec::new();
        for at in self.0.names.get(name)? {
            let route = router.0.routes.get(*at)?;
            levels.push(route);
            if let Target::Nest(inner) = &route.target {
                router = inner;
            }
        }
        Some(levels)
    }
}

impl<P: HttpProtocol> Reversal<'_, P> {
    fn path(&self) -> Result<String, UrlError> {
        let mut path = String::new();
        let mut ends = Vec::new();
        for level in &self.levels {
            let parts = level.pattern.reverse();
            for part in parts.ok_or_else(|| UrlError::Irreversible(self.name.to_owned()))? {
                path.push_str(self.text(part)?);
            }
            ends.push(path.len());
        }
        self.check_no_value_is_left()?;
        if self.reads_back(&path, &ends) {
            Ok(path)
        } else {
            let route = self.name.to_owned();
            Err(UrlError::Ambiguous { route, path })
        }
    }

    fn text<'a>(&'a self, part: &'a Part) -> Result<&'a str, UrlError> {
        let (name, kind) = match part {
            Part::Literal(text) => return Ok(text),
            Part::Param { name, kind } => (name, kind),
        };
        let (route, param) = (self.name.to_owned(), name.to_string());
        match self.values.iter().find(|(known, _)| *known == &**name) {
            None => Err(UrlError::Missing { route, param }),
            Some((_, value)) if kind.as_ref().is_some_and(|kind| !kind.is_value(value)) => {
                let value = (*value).to_owned();
                Err(UrlError::Invalid {
                    route,
                    param,
                    value,
                })
            }
            Some((_, value)) => Ok(value),
        }
    }

    fn check_no_value_is_left(&self) -> Result<(), UrlError> {
        let parts = self
            .levels
            .iter()
            .filter_map(|level| level.pattern.reverse());
        let names: Vec<_> = parts.flatten().filter_map(Part::name).collect();
        match self.values.iter().find(|(name, _)| !names.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(UrlError::Unknown {
                route: self.name.to_owned(),
                param: (*name).to_owned(),
            }),
        }
    }

    /// Whether each level matches what was made for it, with the same values.
    fn reads_back(&self, path: &str, ends: &[usize]) -> bool {
        let mut start = 0;
        let levels_match = self.levels.iter().zip(ends).all(|(level, end)| {
            let mut captures = Captures::new();
            let rest = &path[start..];
            let len = level.pattern.matches(rest, &mut captures);
            let matches = len == Some(end - start) && !rest.starts_with('/');
            start = *end;
            matches && captures.iter().all(|capture| self.values.contains(capture))
        });
        // Clients resolve dot segments before they send a path, encoded or not.
        levels_match && !path.split('/').any(|segment| matches!(segment, "." | ".."))
    }
}
