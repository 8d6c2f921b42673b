//! Building routers.

use std::{collections::HashMap, fmt};

use solent_spec::{Application, BoxApplication, HttpProtocol, Middleware};

use super::{Index, Route, Router, Target};
use crate::{
    Converter,
    converter::Kind,
    error::RouteError,
    pattern::{PathPattern, Pattern, RegexPattern},
};

/// Collects routes. Faults are reported together, by [`build`](Self::build).
#[must_use = "a builder does nothing until it is built"]
pub struct RouterBuilder<P: HttpProtocol> {
    routes: Vec<Route<P>>,
    /// The names of routes by their position.
    names: Vec<(String, usize)>,
    converters: HashMap<String, Kind>,
    fallback: Option<BoxApplication<P>>,
    faults: Vec<String>,
}

impl<P: HttpProtocol> Default for RouterBuilder<P> {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            names: Vec::new(),
            converters: HashMap::new(),
            fallback: None,
            faults: Vec::new(),
        }
    }
}

impl<P: HttpProtocol> RouterBuilder<P> {
    /// Leads a path to an application: `"chat/<slug:room>/"`. A leading slash is dropped.
    pub fn route(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_path(
            pattern,
            Target::Application(BoxApplication::new(application)),
        )
    }

    /// Leads paths that match a regular expression to an application: `r"^archive/(?P<year>\d{4})/$"`.
    pub fn route_regex(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_regex(
            pattern,
            Target::Application(BoxApplication::new(application)),
        )
    }

    /// Leads every path that begins with `pattern` to an application, which finds the rest in its scope's
    /// [target](solent_spec::RequestScope::target).
    pub fn mount(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_path(pattern, Target::Mount(BoxApplication::new(application)))
    }

    /// Leads every path that begins with `pattern` to the routes of another router. If none of them matches the rest, the
    /// next route of this one is tried.
    pub fn nest(self, pattern: &str, router: Router<P>) -> Self {
        self.add_path(pattern, Target::Nest(router))
    }

    /// The same with a regular expression.
    pub fn nest_regex(self, pattern: &str, router: Router<P>) -> Self {
        self.add_regex(pattern, Target::Nest(router))
    }

    /// Names the route that was added last, for [`Router::url_for`].
    pub fn name(mut self, name: &str) -> Self {
        if self.names.iter().any(|(known, _)| known == name) {
            self.faults.push(format!("two routes are named {name:?}"));
        }
        match self.routes.len().checked_sub(1) {
            Some(last) => self.names.push((name.to_owned(), last)),
            None => self
                .faults
                .push(format!("the name {name:?} stands before any route")),
        }
        self
    }

    /// Makes a converter known to the patterns that are added after it.
    pub fn converter(mut self, name: &str, converter: impl Converter) -> Self {
        self.converters.insert(
            name.to_owned(),
            Kind::Custom(std::sync::Arc::new(converter)),
        );
        self
    }

    /// The application for paths that no route matches; 404 without one.
    pub fn fallback(mut self, application: impl Application<P>) -> Self {
        self.fallback = Some(BoxApplication::new(application));
        self
    }

    /// Wraps every application added so far, those of nested routers and the fallback too. Nested routers keep taking part
    /// in matching, which they would not behind a wrapper of their own.
    pub fn wrap(mut self, middleware: &impl Middleware) -> Self {
        self.routes = self
            .routes
            .into_iter()
            .map(|route| route.wrap(middleware))
            .collect();
        self.fallback = self
            .fallback
            .map(|application| middleware.wrap(application));
        self
    }

    /// The router, if all its patterns and names are right.
    ///
    /// # Errors
    ///
    /// [`RouteError`] with everything that is wrong.
    pub fn build(mut self) -> Result<Router<P>, RouteError> {
        if !self.faults.is_empty() {
            return Err(RouteError::new(std::mem::take(&mut self.faults)));
        }
        let mut index = Index::default();
        for (at, route) in self.routes.iter().enumerate() {
            index.add(route.pattern.literal_prefix(), at);
        }
        let names = self.all_names();
        Ok(Router {
            routes: self.routes.into(),
            index: index.into(),
            names: names.into(),
            fallback: self.fallback,
        })
    }

    /// Names of routes and of the routes of nested routers, with the way to each.
    fn all_names(&self) -> Vec<(String, Vec<usize>)> {
        let mut all: Vec<_> = self
            .names
            .iter()
            .map(|(name, at)| (name.clone(), vec![*at]))
            .collect();
        for (at, route) in self.routes.iter().enumerate() {
            let Target::Nest(router) = &route.target else {
                continue;
            };
            let own = self
                .names
                .iter()
                .find(|(_, named)| *named == at)
                .map(|(name, _)| name);
            for (name, way) in router.names.iter() {
                let name = own.map_or_else(|| name.clone(), |own| format!("{own}:{name}"));
                all.push((
                    name,
                    std::iter::once(at).chain(way.iter().copied()).collect(),
                ));
            }
        }
        all
    }

    fn add_path(mut self, pattern: &str, target: Target<P>) -> Self {
        match PathPattern::parse(pattern.trim_start_matches('/'), &self.converters) {
            Ok(pattern) => self.routes.push(Route {
                pattern: Pattern::Path(pattern).into(),
                target,
            }),
            Err(fault) => self.faults.push(fault),
        }
        self
    }

    fn add_regex(mut self, pattern: &str, target: Target<P>) -> Self {
        match RegexPattern::parse(pattern) {
            Ok(pattern) => self.routes.push(Route {
                pattern: Pattern::Regex(pattern).into(),
                target,
            }),
            Err(fault) => self.faults.push(fault),
        }
        self
    }
}

impl<P: HttpProtocol> Route<P> {
    fn wrap(self, middleware: &impl Middleware) -> Self {
        let target = match self.target {
            Target::Application(application) => Target::Application(middleware.wrap(application)),
            Target::Mount(application) => Target::Mount(middleware.wrap(application)),
            Target::Nest(router) => Target::Nest(router.wrapped(middleware)),
        };
        Self { target, ..self }
    }
}

impl<P: HttpProtocol> Router<P> {
    /// This router with every application wrapped.
    #[must_use]
    pub fn wrapped(&self, middleware: &impl Middleware) -> Self {
        let wrap = |application: &BoxApplication<P>| middleware.wrap(application.clone());
        let routes = self.routes.iter().map(|route| Route {
            pattern: std::sync::Arc::clone(&route.pattern),
            target: match &route.target {
                Target::Application(application) => Target::Application(wrap(application)),
                Target::Mount(application) => Target::Mount(wrap(application)),
                Target::Nest(router) => Target::Nest(router.wrapped(middleware)),
            },
        });
        Self {
            routes: routes.collect(),
            fallback: self.fallback.as_ref().map(wrap),
            ..self.clone()
        }
    }
}

impl<P: HttpProtocol> fmt::Debug for RouterBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<_> = self
            .routes
            .iter()
            .map(|route| route.pattern.as_str())
            .collect();
        f.debug_struct("RouterBuilder")
            .field("routes", &patterns)
            .field("faults", &self.faults)
            .finish()
    }
}
