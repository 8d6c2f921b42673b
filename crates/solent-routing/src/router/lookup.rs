//! From a path to an application.

use std::sync::Arc;

use solent_spec::{
    BoxApplication, HttpProtocol, RequestScope,
    request::{Path, UrlRoute},
};

use super::{Route, Router, Target};
use crate::pattern::Captures;

/// The end of a path's way through the routers.
pub(super) struct Found<'r, 'p, P: HttpProtocol> {
    pub(super) application: &'r BoxApplication<P>,
    /// Bytes of the path that are matched.
    pub(super) len: usize,
    /// The innermost route; none for a fallback that no route leads to.
    route: Option<&'r Route<P>>,
    /// The routes around it, from the inside out.
    nestings: Vec<&'r Route<P>>,
    captures: Captures<'p>,
}

impl<P: HttpProtocol> Found<'_, '_, P> {
    /// Whether a route matched, and not only the fallback of the outermost router.
    pub(super) fn has_route(&self) -> bool {
        self.route.is_some()
    }

    /// Adds what was matched to what outer routers have recorded.
    pub(super) fn record(&self, mut route: UrlRoute) -> UrlRoute {
        for level in self.nestings.iter().rev().chain(&self.route) {
            route.push_pattern(level.pattern.source());
        }
        if !self.captures.is_empty() {
            route.push_captures(&self.captures);
        }
        route.set_name(self.name());
        route
    }

    /// The name of the innermost route with the names of the nestings around it.
    fn name(&self) -> Option<Arc<str>> {
        let own = self.route?.name.as_ref()?;
        let namespaces = self
            .nestings
            .iter()
            .filter_map(|nesting| nesting.name.as_ref());
        Some(namespaces.fold(Arc::clone(own), |name, outer| {
            format!("{outer}:{name}").into()
        }))
    }
}

impl<P: HttpProtocol> Router<P> {
    /// The application for a connection.
    pub(super) fn find<'r: 'p, 'p>(&'r self, scope: &'p P::Scope) -> Option<Found<'r, 'p, P>> {
        let path = scope.target();
        // An outer router has cut the root path off already.
        let root = match path.matched() {
            0 => root_len(path, scope.link().root_path()),
            _ => Some(0),
        };
        let Some(root) = root else {
            return self.0.fallback.as_ref().map(Found::end);
        };
        let mut found = self.look_up(path.rest().get(root..)?)?;
        found.len += root;
        Some(found)
    }

    /// The application for what is left of a path.
    pub(super) fn look_up<'r: 'p, 'p>(&'r self, rest: &'p str) -> Option<Found<'r, 'p, P>> {
        let mut captures = Captures::new();
        self.descend(rest, &mut captures)
            .map(|found| Found { captures, ..found })
    }

    fn descend<'r: 'p, 'p>(
        &'r self,
        rest: &'p str,
        captures: &mut Captures<'p>,
    ) -> Option<Found<'r, 'p, P>> {
        let path = rest.trim_start_matches('/');
        let slashes = rest.len() - path.len();
        let outer = captures.len();
        for at in self.0.index.candidates(path) {
            if let Some(mut found) = self.0.routes[at].descend(path, captures) {
                found.len += slashes;
                return Some(found);
            }
            captures.truncate(outer);
        }
        self.0.fallback.as_ref().map(Found::end)
    }
}

impl<P: HttpProtocol> Route<P> {
    fn descend<'r: 'p, 'p>(
        &'r self,
        path: &'p str,
        captures: &mut Captures<'p>,
    ) -> Option<Found<'r, 'p, P>> {
        let len = self.pattern.matches(path, captures)?;
        let own = self.params.iter().map(|(name, value)| (&**name, &**value));
        captures.extend(own);
        let mut found = match &self.target {
            Target::Application(application) => Found::end(application),
            Target::Nest(router) => router.descend(&path[len..], captures)?,
        };
        found.len += len;
        match found.route {
            None => found.route = Some(self),
            Some(_) => found.nestings.push(self),
        }
        Some(found)
    }
}

impl<'r, P: HttpProtocol> Found<'r, '_, P> {
    fn end(application: &'r BoxApplication<P>) -> Self {
        Self {
            application,
            len: 0,
            route: None,
            nestings: Vec::new(),
            captures: Vec::new(),
        }
    }
}

/// The length of the root path at the beginning of a path, if it is there and ends with a segment.
fn root_len(path: &Path, root_path: &str) -> Option<usize> {
    let root_path = root_path.trim_end_matches('/');
    let rest = path.decoded().strip_prefix(root_path)?;
    let ends = root_path.is_empty() || rest.is_empty() || rest.starts_with('/');
    ends.then_some(root_path.len())
}
