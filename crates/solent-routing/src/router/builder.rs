//! Building routers.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::Arc,
};

use solent_spec::{Application, BoxApplication, HttpProtocol, Middleware};

use super::{Index, Inner, Route, Router, Target};
use crate::{
    Converter,
    converter::Kind,
    error::RouteError,
    pattern::{Extent, Pattern},
};

/// Collects routes. Faults are reported together, by [`build`](Self::build).
///
/// Patterns are written in Django's path syntax, `"chat/<slug:room>/"` (see [`Converter`] for what may stand before the
/// colon), or as regular expressions, `r"^archive/(?P<year>\d{4})/$"`. Paths are matched without their leading slashes.
/// A regular expression is searched for anywhere in the path, unless it begins with `^`; one that ends with `$` has to
/// match the whole path.
#[must_use = "a builder does nothing until it is built"]
pub struct RouterBuilder<P: HttpProtocol> {
    routes: Vec<Route<P>>,
    converters: HashMap<String, Kind>,
    fallback: Option<BoxApplication<P>>,
    faults: Vec<String>,
    /// Whether the route that was added last was faulty, and is not there.
    last_is_faulty: bool,
}

impl<P: HttpProtocol> RouterBuilder<P> {
    /// Leads a path to an application: `"chat/<slug:room>/"`. A leading slash is dropped.
    pub fn route(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_path(pattern, Extent::Whole, Target::new(application))
    }

    /// Leads paths that match a regular expression to an application: `r"^archive/(?P<year>\d{4})/$"`.
    pub fn route_regex(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_regex(pattern, Extent::Whole, Target::new(application))
    }

    /// Leads every path that begins with the segments of `pattern` to an application, which finds the rest in its scope's
    /// [target](solent_spec::RequestScope::target). `mount("axum", …)` takes `/axum` and `/axum/users`, and leaves `/axum2`
    /// to other routes.
    ///
    /// The application may be a router behind a middleware, which goes on with the rest and adds to the parameters. Since
    /// what is behind a middleware cannot be asked in advance, a mount is final: if the inner router has no route, it
    /// answers, and no further route of this one is tried. [`nest`](Self::nest) and [`wrap`](Self::wrap) do not have this
    /// limit.
    pub fn mount(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_path(pattern, Extent::Segments, Target::new(application))
    }

    /// The same with a regular expression.
    pub fn mount_regex(self, pattern: &str, application: impl Application<P>) -> Self {
        self.add_regex(pattern, Extent::Segments, Target::new(application))
    }

    /// Leads every path that begins with `pattern` to the routes of another router. If none of them matches the rest, and
    /// it has no fallback, the next route of this one is tried.
    ///
    /// The text of both patterns is put together, as Django's `include` does: `"v"` and `"<int:n>/"` match `/v7/`. End
    /// `pattern` with a slash to match whole segments.
    pub fn nest(self, pattern: &str, router: Router<P>) -> Self {
        self.add_path(pattern, Extent::Prefix, Target::Nest(router))
    }

    /// The same with a regular expression.
    pub fn nest_regex(self, pattern: &str, router: Router<P>) -> Self {
        self.add_regex(pattern, Extent::Prefix, Target::Nest(router))
    }

    /// Names the route that was added last, for [`Router::url_for`] and for logs
    /// ([`UrlRoute::name`](solent_spec::request::UrlRoute::name)).
    pub fn name(mut self, name: &str) -> Self {
        match self.routes.last_mut() {
            _ if self.last_is_faulty => {}
            Some(route) => route.name = Some(name.into()),
            None => self.fault(format!("the name {name:?} stands before any route")),
        }
        self
    }

    /// Gives the route that was added last a parameter whose value does not come from the path, as Django's `kwargs` do.
    /// It overrides a captured one.
    pub fn param(mut self, name: &str, value: impl ToString) -> Self {
        match self.routes.last_mut() {
            _ if self.last_is_faulty => {}
            Some(route) => {
                let own = (name.into(), value.to_string().into());
                route.params = route.params.iter().cloned().chain([own]).collect();
            }
            None => self.fault(format!("the parameter {name:?} stands before any route")),
        }
        self
    }

    /// Makes a converter known to the patterns that are added after it.
    pub fn converter(mut self, name: &str, converter: impl Converter) -> Self {
        match Kind::custom(converter) {
            Ok(kind) => {
                self.converters.insert(name.to_owned(), kind);
            }
            Err(error) => self.fault(format!("the converter {name:?} is faulty: {error}")),
        }
        self
    }

    /// The application for paths that no route matches. Without one, the next route of the outer router is tried, and in
    /// the end the answer is 404.
    pub fn fallback(mut self, application: impl Application<P>) -> Self {
        self.fallback = Some(BoxApplication::new(application));
        self
    }

    /// Wraps every application added so far, those of nested routers and the fallback too. Routes are chosen before the
    /// middleware runs, so that nested routers take part in matching, and it sees all parameters.
    ///
    /// What answers 404 is not wrapped; wrap the router itself for that.
    pub fn wrap(mut self, middleware: &impl Middleware) -> Self {
        for route in &mut self.routes {
            *route = route.wrapped(middleware);
        }
        self.fallback = self.fallback.map(|fallback| middleware.wrap(fallback));
        self
    }

    /// The router, if all its patterns and names are right.
    ///
    /// # Errors
    ///
    /// [`RouteError`] with everything that is wrong.
    pub fn build(mut self) -> Result<Router<P>, RouteError> {
        let names = self.ways();
        if !self.faults.is_empty() {
            return Err(RouteError::new(self.faults));
        }
        let index = Index::new(self.routes.iter().map(|route| &*route.pattern));
        Ok(Router(Arc::new(Inner {
            routes: self.routes.into(),
            index: index.into(),
            names: names.into(),
            fallback: self.fallback,
        })))
    }

    /// The way to each named route, those of nested routers too.
    fn ways(&mut self) -> HashMap<String, Vec<usize>> {
        let mut ways = HashMap::new();
        for (name, way) in self.named_ways() {
            match ways.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(way);
                }
                Entry::Occupied(entry) => {
                    let fault = format!("two routes are named {:?}", entry.key());
                    self.fault(fault);
                }
            }
        }
        ways
    }

    fn named_ways(&self) -> Vec<(String, Vec<usize>)> {
        let routes = self.routes.iter().enumerate();
        let ways = routes.flat_map(|(at, route)| match &route.target {
            Target::Nest(router) => router.ways_through(at, route.name.as_deref()),
            Target::Application(_) => {
                let name = route.name.iter();
                name.map(|name| (name.to_string(), vec![at])).collect()
            }
        });
        ways.collect()
    }

    fn add_path(self, pattern: &str, extent: Extent, target: Target<P>) -> Self {
        let pattern = Pattern::path(pattern, &self.converters, extent);
        self.add(pattern, target)
    }

    fn add_regex(self, pattern: &str, extent: Extent, target: Target<P>) -> Self {
        self.add(Pattern::regex(pattern, extent), target)
    }

    fn add(mut self, pattern: Result<Pattern, String>, target: Target<P>) -> Self {
        self.last_is_faulty = pattern.is_err();
        match pattern {
            Ok(pattern) => self.routes.push(Route {
                pattern: pattern.into(),
                name: None,
                params: [].into(),
                target,
            }),
            Err(fault) => self.fault(fault),
        }
        self
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }
}

impl<P: HttpProtocol> Router<P> {
    /// The way to each named route from a router in which this one is nested at a position, under a name.
    fn ways_through(&self, at: usize, namespace: Option<&str>) -> Vec<(String, Vec<usize>)> {
        let ways = self.0.names.iter().map(|(name, way)| {
            let name = match namespace {
                Some(namespace) => format!("{namespace}:{name}"),
                None => name.clone(),
            };
            (name, [&[at], &**way].concat())
        });
        ways.collect()
    }
}

impl<P: HttpProtocol> Target<P> {
    fn new(application: impl Application<P>) -> Self {
        Self::Application(BoxApplication::new(application))
    }
}

impl<P: HttpProtocol> Default for RouterBuilder<P> {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            converters: HashMap::new(),
            fallback: None,
            faults: Vec::new(),
            last_is_faulty: false,
        }
    }
}

impl<P: HttpProtocol> fmt::Debug for RouterBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.routes.iter().map(|route| route.pattern.source());
        f.debug_struct("RouterBuilder")
            .field("routes", &patterns.collect::<Vec<_>>())
            .field("faults", &self.faults)
            .finish()
    }
}
