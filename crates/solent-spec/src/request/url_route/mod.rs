//! Which route a request took.

mod captures;
mod deserialize;
mod error;

use std::{str::FromStr, sync::Arc};

use serde::Deserialize;

use self::captures::Captures;
pub use self::error::ParamError;

/// The route that a request took through the routers, and what its pattern captured. Channels' `url_route`.
///
/// Kept for as long as the connection lives, and so compact: pattern and name are shared with the router, unless
/// routers nest, and all captures are in one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlRoute {
    /// The patterns of all levels, joined.
    pattern: Arc<str>,
    name: Option<Arc<str>>,
    /// Of two captures with one name, only the inner one. Those without a name have an empty one.
    captures: Captures,
}

impl UrlRoute {
    /// The patterns of all levels, joined: `"ws/chat/<slug:room>/"`. For logs and metrics, whose labels must be few.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The same as [`pattern`](Self::pattern), shared and not copied.
    pub fn shared_pattern(&self) -> Arc<str> {
        Arc::clone(&self.pattern)
    }

    /// The route's name, if it has one, with those of the nestings around it: `"api:room"`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What a named part of the pattern captured, percent-decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All named captures, outer ones first.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.captures.iter().filter(|(name, _)| !name.is_empty())
    }

    /// Captures without a name, outer ones first. A group that took no part in the match gives an empty one.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.captures
            .iter()
            .filter(|(name, _)| name.is_empty())
            .map(|(_, value)| value)
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

    /// All named captures as the fields of a struct; for a tuple or a sequence all captures in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde::Deserialize;
    /// use solent_spec::request::UrlRoute;
    ///
    /// #[derive(Deserialize)]
    /// struct Place {
    ///     room: String,
    ///     page: Option<u32>,
    /// }
    ///
    /// let mut route = UrlRoute::default();
    /// route.push_captures(&[("room", "lobby"), ("page", "3")]);
    ///
    /// let place: Place = route.deserialize()?;
    ///
    /// assert_eq!((&*place.room, place.page), ("lobby", Some(3)));
    /// # Ok::<(), solent_spec::request::ParamError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParamError`] names the parameter that is absent or of another type.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ParamError> {
        deserialize::deserialize(&self.captures)
    }

    /// Adds the pattern of a level, as its router does.
    pub fn push_pattern(&mut self, pattern: &Arc<str>) {
        self.pattern = if self.pattern.is_empty() {
            Arc::clone(pattern)
        } else {
            [&*self.pattern, pattern].concat().into()
        };
    }

    /// Adds captures, each with a name or an empty one. A named one replaces those of that name that came before.
    pub fn push_captures(&mut self, captures: &[(&str, &str)]) {
        let outer = self.captures.iter();
        let all: Vec<_> = outer.chain(captures.iter().copied()).collect();
        self.captures = Captures::new(&all);
    }

    /// Sets the name, as the router of the innermost level does.
    pub fn set_name(&mut self, name: Option<Arc<str>>) {
        self.name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(captures: &[(&str, &str)]) -> UrlRoute {
        let mut route = UrlRoute::default();
        route.push_captures(captures);
        route
    }

    #[test]
    fn inner_capture_replaces_the_outer_one() {
        let mut route = route(&[("b", "q"), ("", "x"), ("a", "1")]);
        route.push_captures(&[("b", "9"), ("", "y")]);

        assert_eq!(route.params().collect::<Vec<_>>(), [("a", "1"), ("b", "9")]);
        assert_eq!(route.args().collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn value_is_parsed_or_the_parameter_named() {
        let route = route(&[("a", "7"), ("b", "x")]);

        assert_eq!(route.parse::<u8>("a"), Ok(7));
        let missing = route.parse::<u8>("c").unwrap_err().to_string();
        assert!(missing.contains("no parameter \"c\""), "{missing}");
        let invalid = route.parse::<u8>("b").unwrap_err().to_string();
        assert!(invalid.contains("\"b\" is not a valid u8"), "{invalid}");
    }

    #[test]
    fn patterns_of_levels_are_joined() {
        let (outer, inner) = (Arc::from("api/<int:v>/"), Arc::from("chat/"));
        let mut route = UrlRoute::default();

        route.push_pattern(&outer);
        assert!(Arc::ptr_eq(&route.pattern, &outer));
        route.push_pattern(&inner);
        assert_eq!(route.pattern(), "api/<int:v>/chat/");
    }
}
