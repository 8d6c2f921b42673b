//! Which route a request took.

use std::{any::type_name, str::FromStr, sync::Arc};

/// The route that a request took through the routers, and what its pattern captured. Channels' `url_route`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlRoute {
    /// The patterns of all levels, joined.
    pattern: String,
    /// Captures with a name, of all levels; of two with one name, the inner one.
    params: Vec<(Arc<str>, Box<str>)>,
    /// Captures of regular expressions without a name, outer ones first.
    args: Vec<Box<str>>,
}

impl UrlRoute {
    /// The patterns of all levels, joined: `"ws/chat/<slug:room>/"`. For logs and metrics, whose labels must be few.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// What a named part of the pattern captured, percent-decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, value)| &**value)
    }

    /// All named captures.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Captures without a name.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.args.iter().map(|value| &**value)
    }

    /// A named capture as a `T`.
    ///
    /// # Errors
    ///
    /// [`ParamError`] if the pattern has no such part, or if what it captured is no `T`.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, ParamError> {
        let value = self
            .param(name)
            .ok_or_else(|| ParamError::missing::<T>(name))?;
        value.parse().map_err(|_| ParamError::invalid::<T>(name))
    }

    /// Adds the pattern of a level, as its router does.
    pub fn push_pattern(&mut self, pattern: &str) {
        self.pattern.push_str(pattern);
    }

    /// Adds a named capture; it replaces one of an outer level with the same name.
    pub fn push_param(&mut self, name: Arc<str>, value: impl Into<Box<str>>) {
        match self.params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value.into(),
            None => self.params.push((name, value.into())),
        }
    }

    /// Adds a capture without a name.
    pub fn push_arg(&mut self, value: impl Into<Box<str>>) {
        self.args.push(value.into());
    }
}

/// A part of the URL is not what the application expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ParamError {
    problem: String,
}

impl ParamError {
    fn missing<T>(name: &str) -> Self {
        let problem = format!(
            "route has no parameter {name:?}, add <{name}> to its pattern to get a {}",
            type_name::<T>()
        );
        Self { problem }
    }

    fn invalid<T>(name: &str) -> Self {
        Self {
            problem: format!(
                "route parameter {name:?} is not a valid {}",
                type_name::<T>()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_capture_replaces_the_outer_one() {
        let mut route = UrlRoute::default();
        route.push_param("b".into(), "q");
        route.push_param("a".into(), "1");
        route.push_param("b".into(), "9");

        assert_eq!(route.parse::<u8>("b"), Ok(9));
        assert_eq!(route.params().count(), 2);
        assert!(
            route
                .parse::<u8>("c")
                .unwrap_err()
                .to_string()
                .contains("no parameter \"c\"")
        );
        route.push_param("a".into(), "x");
        assert!(
            route
                .parse::<u8>("a")
                .unwrap_err()
                .to_string()
                .contains("not a valid u8")
        );
    }
}
